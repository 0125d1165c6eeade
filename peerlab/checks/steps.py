"""`steps`, always on: did every step come true, and did the lab hold until the end?"""

from collections.abc import Iterator, Sequence
from typing import Final

from peerlab.checks.accounting import Account, account
from peerlab.checks.nearest import literal, nearest
from peerlab.checks.story import Stories
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence

NAME = "steps"
_MOST: Final = 3
"""Messages whose story is told with a step that they would have made come true."""


def check(evidence: Evidence, *, expecting: bool, steps: int) -> list[Finding]:
    """Look for failed steps, a broken lab and output that was not kept.

    Args:
        evidence: the run.
        expecting: whether any step of the scenario could have failed to come true.
        steps: how many steps the scenario has.
    """
    findings = [_failed(evidence, event, steps) for event in evidence.failed_steps]
    findings += [
        Finding(NAME, Outcome.UNKNOWN, _cut_short(event), event.node)
        for event in evidence.journal
        if event.kind in {Kind.BROKE, Kind.TRUNCATED}
    ]
    if not evidence.complete and not findings:
        findings.append(Finding(NAME, Outcome.UNKNOWN, "the run did not come to its end"))
    if findings or not expecting:
        return findings
    played = len({event.detail["number"] for event in evidence.journal if event.kind is Kind.STEP})
    return [Finding(NAME, Outcome.PASSED, f"all {played} steps came true")]


def _cut_short(event: Event) -> str:
    if event.kind is Kind.TRUNCATED:
        return f"{event.node} printed more than the lab keeps: {event.text}"
    return event.text


def _failed(evidence: Evidence, event: Event, steps: int) -> Finding:
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
        tuple(_why(evidence, event)),
        max(0.0, (event.detail.get("number", 1) - 1) / max(1, steps)),
    )


def _why(evidence: Evidence, event: Event) -> Iterator[str]:
    """What came nearest to what was awaited, and what became of messages that were awaited."""
    awaited, node = _awaited(event), str(event.node)
    shown = [*str(event.detail["since"]).splitlines(), *_lately(evidence, node)]
    for text, regex in awaited:
        miss = nearest(text, shown, regex=regex)
        if miss is not None:
            yield (
                f"nearest to it is {miss.line!r}: at its character {miss.at} {miss.got!r} "
                f"instead of {miss.expected!r}"
            )
    if awaited:
        found = account(evidence)
        yield from _of_messages(
            evidence, found, node, [literal(text) if regex else text for text, regex in awaited]
        )


def _of_messages(
    evidence: Evidence, found: Account, node: str, awaited: Sequence[str]
) -> Iterator[str]:
    """The stories of messages that the node was to show."""
    stories = Stories(evidence, found)
    wanted = [
        key
        for key, message in found.sent.items()
        if message.text and any(message.text in text for text in awaited)
    ]
    told = [key for key in wanted if key[1] == node] or wanted
    yield from (stories.of(key) for key in told[-_MOST:])


def _awaited(event: Event) -> list[tuple[str, bool]]:
    """The texts that would have made the step come true, and whether each is an expression."""
    awaited = event.detail.get("awaited") or ()
    return [(str(each["text"]), bool(each["regex"])) for each in awaited]


def _lately(evidence: Evidence, node: str) -> list[str]:
    """The last lines that the node printed, those included that were seen before."""
    return evidence.node(node).printed.splitlines()[-50:]
