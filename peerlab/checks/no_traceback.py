"""`no-traceback`, always on: no program may show a Python traceback."""

import re
from typing import Final

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, NodeEvidence

NAME: Final = "no-traceback"
_MARK: Final = re.compile(r"Traceback \(most recent call last\):")


def check(evidence: Evidence) -> list[Finding]:
    """Look for tracebacks in what every node printed; what others say to it is not its own."""
    findings = []
    for node in evidence.nodes.values():
        printed = _unasked_left_out(node)
        mark = _MARK.search(printed)
        if mark:
            proof = printed[mark.start() :][:2000]
            message = f"{node.name} printed a traceback"
            findings.append(Finding(NAME, Outcome.FAILED, message, node.name, None, proof))
    return findings or [Finding(NAME, Outcome.PASSED, "no node printed a traceback")]


def _unasked_left_out(node: NodeEvidence) -> str:
    return "".join(
        event.text
        for event in node.journal
        if event.kind is Kind.PRINTED and "notice" not in event.detail
    )
