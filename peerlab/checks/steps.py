"""`steps`, always on: did every step come true, and did the lab hold until the end?"""

from peerlab.checks.messages import Messages
from peerlab.checks.reasons import reasons
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Event, Kind

NAME = "steps"


def check(messages: Messages, *, expecting: bool, steps: int) -> list[Finding]:
    """Look for failed steps, a broken lab and output that was not kept.

    Args:
        messages: those of the run.
        expecting: whether any step of the scenario could have failed to come true.
        steps: how many steps the scenario has.
    """
    evidence = messages.evidence
    findings = [
        _failed(event, steps, tuple(reasons(messages, event))) for event in evidence.failed_steps
    ]
    findings += [
        Finding(NAME, Outcome.UNKNOWN, _cut_short(event), event.node)
        for event in (*evidence.of(Kind.TRUNCATED), *evidence.of(Kind.BROKE))
    ]
    if evidence.lacking is not None:
        findings.append(Finding(NAME, Outcome.UNKNOWN, evidence.lacking))
    elif not evidence.complete and not findings:
        findings.append(Finding(NAME, Outcome.UNKNOWN, "the run did not come to its end"))
    if findings or not expecting:
        return findings
    played = len({event.detail["number"] for event in evidence.of(Kind.STEP)})
    return [Finding(NAME, Outcome.PASSED, f"all {played} steps came true")]


def _cut_short(event: Event) -> str:
    if event.kind is Kind.TRUNCATED:
        return f"{event.node} printed more than the lab keeps: {event.text}"
    return event.text


def _failed(event: Event, steps: int, why: tuple[str, ...]) -> Finding:
    waited = event.detail.get("waited", 0)
    after = f" within {waited:.3g} s" if waited else ""
    state = f"; {event.node} {event.detail['state']}"
    if event.detail["state"] in event.text:  # "u1 ended with status 3, expected 0" says it
        state = ""
    # What a program showed after its output was cut nobody knows.
    outcome = Outcome.UNKNOWN if event.detail.get("truncated") else Outcome.FAILED
    return Finding(
        NAME,
        outcome,
        f"{event.text}{after}{state}",
        event.node,
        (event.detail["line"], event.detail["column"]),
        event.detail["since"],
        why,
        max(0.0, (event.detail.get("number", 1) - 1) / max(1, steps)),
    )
