"""When a node's programs ran, and when the node stood still."""

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import NodeEvidence


class Life:
    """When a node's programs ran, and when it stood still.

    Attributes:
        runs: begin and end of each run of a program; None: it was not seen to end.
        stopped: when the lab stopped the last of them, at the end of the run.
        pauses: begin and end of each time that the node stood still.
        truncated: from when on its output was not kept.
    """

    def __init__(self, node: NodeEvidence) -> None:
        self.name = node.name
        self.runs: list[tuple[float, float | None]] = []
        self.stopped: float | None = None
        self.pauses: list[tuple[float, float | None]] = []
        self.truncated: float | None = None
        for event in node.course:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event.kind:
            case Kind.STARTED:
                self.runs.append((event.at, None))
            case Kind.EXITED if self.runs:
                self.runs[-1] = (self.runs[-1][0], event.at)
                self._end_pause(event.at)
                self.stopped = event.at if event.detail["by"] == "lab" else None
            case Kind.PAUSED:
                self.pauses.append((event.at, None))
            case Kind.RESUMED:
                self._end_pause(event.at)
            case Kind.TRUNCATED:
                self.truncated = event.at
            case _:
                pass

    def _end_pause(self, at: float) -> None:
        if self.pauses and self.pauses[-1][1] is None:
            self.pauses[-1] = (self.pauses[-1][0], at)

    def at(self, moment: float) -> tuple[float, float | None] | None:
        """The run of a program that was under way then: its begin, and its end if it ended."""
        for began, ended in self.runs:
            if began <= moment and (ended is None or moment < ended):
                return began, ended
        return None

    def ended_within(self, since: float, until: float) -> bool:
        """Whether a program ended after the one moment, and not after the other."""
        return any(ended is not None and since < ended <= until for _, ended in self.runs)

    def stood_still(self, moment: float) -> bool:
        """Whether the node was paused then."""
        return any(
            began <= moment and (ended is None or moment < ended) for began, ended in self.pauses
        )

    def moved(self, since: float, until: float) -> float:
        """Seconds between both in which it was not paused."""
        still = sum(
            max(0.0, min(until, until if ended is None else ended) - max(since, began))
            for began, ended in self.pauses
        )
        return until - since - still
