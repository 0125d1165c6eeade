"""`ends`, always on: no program may end by itself with a bad status that nobody asked for."""

from collections.abc import Collection

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
            f"{node.name} ended by itself with status {node.status}, "
            "which no step and no check expects",
            node.name,
            None,
            node.tail(lines=5),
        )
        for node in evidence.nodes.values()
        if node.name not in foreseen and _failed_by_itself(node)
    ]


def _failed_by_itself(node: NodeEvidence) -> bool:
    signalled = any(event.kind is Kind.SIGNALLED for event in node.journal)
    by_itself = node.exited is not None and node.exited.detail["by"] == "itself"
    return by_itself and not signalled and node.status != 0
