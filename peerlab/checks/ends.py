"""`ends`, always on: no program may end by itself with a bad status that nobody asked for."""

from collections.abc import Collection, Iterator

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, NodeEvidence

NAME = "ends"


def check(evidence: Evidence, *, foreseen: Collection[str]) -> list[Finding]:
    """Look for programs that failed or crashed unnoticed, after the last step that needed them.

    Args:
        evidence: the run. Where a step failed, that step tells more than an end does.
        foreseen: nodes whose end a step or a check of the scenario speaks of.
    """
    if evidence.failed_steps:
        return []
    return [
        Finding(
            NAME,
            Outcome.FAILED,
            f"{node.name} ended by itself with status {status}, which no step and no check expects",
            node.name,
            None,
            node.tail(lines=5),
        )
        for node in evidence.nodes.values()
        if node.name not in foreseen
        for status in _failures(node)
    ]


def _failures(node: NodeEvidence) -> Iterator[int]:
    """The bad statuses with which the program ended by itself, as often as it was started."""
    signalled = False
    for event in node.journal:
        match event.kind:
            case Kind.STARTED:
                signalled = False
            case Kind.SIGNALLED:
                signalled = True
            case Kind.EXITED if event.detail["by"] == "itself" and not signalled:
                yield from filter(None, [event.detail["status"]])
            case _:
                pass
