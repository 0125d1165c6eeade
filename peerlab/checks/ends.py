"""`ends`, always on: no program may end by itself with a bad status that nobody asked for."""

from collections.abc import Collection, Iterator, Mapping

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, NodeEvidence

NAME = "ends"


def check(
    evidence: Evidence, *, awaited: Mapping[str, int], checked: Collection[str]
) -> list[Finding]:
    """Look for programs that failed or crashed unnoticed, after the last step that needed them.

    Args:
        evidence: the run. Where a step failed, that step tells more than an end does.
        awaited: how often the steps wait for the end of each node's program, one after the other.
        checked: nodes whose last end a check of the scenario speaks of.
    """
    if evidence.failed_steps:
        return []
    findings = [
        Finding(
            NAME,
            Outcome.FAILED,
            f"{node.name} ended by itself with status {status}, which no step and no check expects",
            node.name,
            None,
            node.tail(lines=5),
        )
        for node in evidence.nodes.values()
        for status in _failures(node, awaited.get(node.name, 0), last=node.name not in checked)
    ]
    return findings + [
        Finding(NAME, Outcome.UNKNOWN, f"{name} was never seen to end", name)
        for name in _unended(evidence)
    ]


def _failures(node: NodeEvidence, awaited: int, *, last: bool) -> Iterator[int]:
    """The bad statuses with which the program ended by itself, after as many ends as were awaited.

    The last end counts only where `last` says so.
    """
    signalled = False
    ends: list[int] = []
    for event in node.course:
        match event.kind:
            case Kind.STARTED:
                signalled = False
            case Kind.SIGNALLED:
                signalled = True
            case Kind.EXITED:
                by_itself = event.detail["by"] == "itself" and not signalled
                ends.append(event.detail["status"] if by_itself else 0)
            case _:
                pass
    yield from filter(None, ends[awaited : None if last else -1])


def _unended(evidence: Evidence) -> Iterator[str]:
    """Nodes that were started, were not to run on after the run, and of which no end was told."""
    end = evidence.of(Kind.END)[0]
    if end.detail.get("left", True):
        return
    for name, node in evidence.nodes.items():
        started = any(event.kind is Kind.STARTED for event in node.course)
        if started and node.exited is None:
            yield name
