"""Which output of a run was held against another log of it."""

from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence


def not_compared(evidence: Evidence) -> set[str]:
    """The nodes whose output the lab should have compared with the engine's log, and has not.

    That is of programs that had ended when the run did, and whose output was not cut. A run that
    did not come to its end compares nothing.
    """
    end = next((event for event in evidence.journal if event.kind is Kind.END), None)
    if end is None:
        return set()
    ended = {
        name
        for name, node in evidence.nodes.items()
        if node.exited is not None
        and evidence.journal.index(node.exited) < evidence.journal.index(end)
        and not node.truncated
    }
    return ended - set(end.detail["compared"])
