"""`delivery`: every message arrives exactly once where it was sent to, and nothing else does."""

from collections.abc import Mapping, Sequence
from typing import Final

from peerlab.checks.accounting import Account, Pair
from peerlab.checks.messages import BROKEN_OFF, NOTHING, Messages, reused
from peerlab.checks.story import Stories
from peerlab.checks.trips import Key
from peerlab.checks.verdict import Finding, Outcome
from peerlab.scenario.model import CheckSpec

_MOST: Final = 10
"""Messages that a finding tells of."""


def check(messages: Messages, spec: CheckSpec) -> list[Finding]:
    """Compare the account with what the scenario expects.

    What nobody can know is unknown, unless too much is lost in any case.
    """
    found = messages.account
    if not found.sent and not found.received:
        return [Finding(spec.name, Outcome.UNKNOWN, NOTHING, None, spec.where)]
    if found.reused:
        return [reused(found, spec)]
    stories, counts = messages.stories, found.counts
    off = _off(found, spec, counts)
    findings = []
    for name, (expected, _) in off.items():
        keys = counts[name]
        told = [_story(stories, found, name, key) for key in list(dict.fromkeys(keys))[:_MOST]]
        if len(set(keys)) > _MOST:
            told.append(f"and {len(set(keys)) - _MOST} more")
        message = f"{_counted(len(keys), name)}, expected {expected}"
        if len(keys) < expected and messages.evidence.failed_steps:
            message += BROKEN_OFF
        findings.append(
            Finding(
                spec.name,
                Outcome.FAILED,
                message,
                None,
                spec.where,
                _table(found),
                (*told, *messages.remark),
                _share(found, spec, off),
            )
        )
    if found.unclear and spec.arguments.get("lost") is not None:
        count = len(found.unclear)
        which = "a message" if count == 1 else f"{count} messages"
        message = f"nobody can know whether {which} arrived"
        told = [stories.of(key) for key in list(found.unclear)[:_MOST]]
        findings.append(
            Finding(
                spec.name, Outcome.UNKNOWN, message, None, spec.where, why=(*told, *messages.remark)
            )
        )
    if findings:
        return findings
    told_counts = {"sent": 0, "delivered": len(found.delivered)} | {
        name: len(keys) for name, keys in counts.items()
    }
    message = ", ".join(f"{count} {name}" for name, count in told_counts.items())
    return [Finding(spec.name, Outcome.PASSED, message, proof=_table(found), why=messages.remark)]


def _counted(count: int, name: str) -> str:
    return f"{count} message{'' if count == 1 else 's'} {name}"


def _story(stories: Stories, found: Account, name: str, key: Key) -> str:
    if key not in found.sent:
        return stories.of_stray(key)
    return stories.of_late(key) if name == "reordered" else stories.of(key)


def _off(
    found: Account, spec: CheckSpec, counts: Mapping[str, Sequence[Key]]
) -> dict[str, tuple[int, int]]:
    """By the counts that are not as expected: what was expected, and by how much it was missed."""
    off = {}
    for name, keys in counts.items():
        expected = spec.arguments.get(name)
        if isinstance(expected, int):
            missed = abs(len(keys) - expected)
            # What is unclear may be lost as well.
            if name == "lost" and len(keys) < expected <= len(keys) + len(found.unclear):
                missed = 0
            if missed:
                off[name] = expected, missed
    return off


def _share(found: Account, spec: CheckSpec, off: Mapping[str, tuple[int, int]]) -> float:
    """Which part of all that was sent, or should have been, is surely as expected."""
    expected = spec.arguments["sent"]
    sent = max(len(found.sent), expected if isinstance(expected, int) else 0, 1)
    wrong = sum(missed for _, missed in off.values()) + len(found.unclear)
    return max(0.0, 1 - wrong / sent)


def _table(found: Account) -> str:
    """The account of each pair, the ones with the most that is wrong first."""
    pairs: Sequence[tuple[tuple[str, str], Pair]] = sorted(
        found.pairs.items(),
        key=lambda item: (item[1].delivered - item[1].sent, -item[1].duplicated, item[0]),
    )
    lines = [
        f"{sender} to {recipient}: "
        + ", ".join(
            f"{count} {name}"
            for name, count in (
                ("sent", pair.sent),
                ("delivered", pair.delivered),
                ("lost", pair.lost),
                ("unclear", pair.unclear),
                ("duplicated", pair.duplicated),
                ("reordered", pair.reordered),
            )
            if count or name in {"sent", "delivered"}
        )
        for (sender, recipient), pair in pairs[: 2 * _MOST]
    ]
    if len(pairs) > 2 * _MOST:
        lines.append(f"and {len(pairs) - 2 * _MOST} more pairs")
    return "\n".join(lines)
