"""When a node's programs ran, and when the node stood still."""

from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import NodeEvidence
from peerlab.evidence.spans import Span, spans


class Life:
    """When a node's programs ran, and when it stood still.

    Attributes:
        runs: each run of a program.
        stopped: when the lab stopped the last of them, at the end of the run.
        pauses: each time that the node stood still.
        truncated: from when on its output was not kept.
    """

    def __init__(self, node: NodeEvidence) -> None:
        self.name = node.name
        self.runs = spans(node.course, Kind.STARTED, {Kind.EXITED})
        self.pauses = spans(node.course, Kind.PAUSED, {Kind.RESUMED, Kind.EXITED})
        ends = [event for event in node.course if event.kind is Kind.EXITED]
        by_lab = bool(ends) and ends[-1].detail["by"] == "lab"
        self.stopped = ends[-1].at if by_lab else None
        cuts = [event.at for event in node.course if event.kind is Kind.TRUNCATED]
        self.truncated = cuts[-1] if cuts else None

    def at(self, moment: float) -> Span | None:
        """The run of a program that was under way then."""
        return next((run for run in self.runs if run.holds(moment)), None)

    def ended_within(self, since: float, until: float) -> bool:
        """Whether a program ended after the one moment, and not after the other."""
        return any(run.end is not None and since < run.end <= until for run in self.runs)

    def stood_still(self, moment: float) -> bool:
        """Whether the node was paused then."""
        return any(pause.holds(moment) for pause in self.pauses)

    def moved(self, since: float, until: float) -> float:
        """Seconds between both in which it was not paused."""
        still = sum(
            max(0.0, min(until, until if end is None else end) - max(since, begin))
            for begin, end in self.pauses
        )
        return until - since - still
