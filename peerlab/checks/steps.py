"""`steps`, always on: did every step come true, and did the lab hold until the end?"""

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence

NAME = "steps"


def check(evidence: Evidence, *, expecting: bool) -> list[Finding]:
    """Look for failed steps, a broken lab and output that was not kept.

    Args:
        evidence: the run.
        expecting: whether any step of the scenario could have failed to come true.
    """
    findings = [_failed(event) for event in evidence.failed_steps]
    findings += [
        Finding(NAME, Outcome.UNKNOWN, event.text, event.node)
        for event in evidence.journal
        if event.kind in {Kind.BROKE, Kind.TRUNCATED}
    ]
    if not evidence.complete and not findings:
        findings.append(Finding(NAME, Outcome.UNKNOWN, "the run did not come to its end"))
    if findings or not expecting:
        return findings
    steps = len({event.detail["number"] for event in evidence.journal if event.kind is Kind.STEP})
    return [Finding(NAME, Outcome.PASSED, f"all {steps} steps came true")]


def _failed(event: Event) -> Finding:
    waited = event.detail.get("waited", 0)
    after = f" within {waited:.3g} s" if waited else ""
    return Finding(
        NAME,
        Outcome.FAILED,
        f"{event.text}{after}; {event.node} {event.detail['state']}",
        event.node,
        (event.detail["line"], event.detail["column"]),
        event.detail["since"],
    )
