"""`no-traceback`, always on: no program may show a Python traceback."""

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.reading import Evidence

NAME = "no-traceback"
_MARK = "Traceback (most recent call last)"


def check(evidence: Evidence) -> list[Finding]:
    """Look for tracebacks in what every node printed."""
    findings = []
    for node in evidence.nodes.values():
        _, mark, after = node.printed.partition(_MARK)
        if mark:
            proof = (mark + after)[:2000]
            message = f"{node.name} printed a traceback"
            findings.append(Finding(NAME, Outcome.FAILED, message, node.name, None, proof))
    return findings or [Finding(NAME, Outcome.PASSED, "no node printed a traceback")]
