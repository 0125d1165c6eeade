"""Always on: the network that the scenario asked for was the one that the nodes had."""

from typing import Final

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence

NAME: Final = "wire"


def check(evidence: Evidence) -> list[Finding]:
    """Unknown if the wire was too slow for its nodes, so that the lab itself lost frames."""
    totals = [
        event for event in evidence.journal if event.kind is Kind.WIRE and event.text == "totals"
    ]
    missed = sum(int(event.detail["missed"]) for event in totals)
    if not missed:
        return []
    message = f"the wire missed {missed} frames: more came than this machine can hand on"
    return [Finding(NAME, Outcome.UNKNOWN, message)]
