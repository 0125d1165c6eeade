"""`delivery`: every message arrives exactly once where it was sent to, and nothing else does."""

from collections.abc import Sequence
from typing import Final

from peerlab.checks.accounting import Account, Key, Pair, account
from peerlab.checks.messages import BROKEN_OFF, NOTHING, WEAKER
from peerlab.checks.story import Stories
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.reading import Evidence
from peerlab.scenario.model import CheckSpec

_MOST: Final = 10
"""Messages that a finding tells of."""


def check(evidence: Evidence, spec: CheckSpec) -> list[Finding]:
    """Compare the account with what the scenario expects.

    What nobody can know is unknown, unless too much is lost in any case.
    """
    found = account(evidence)
    if not found.sent and not found.received:
        return [Finding(spec.name, Outcome.UNKNOWN, NOTHING, None, spec.where)]
    stories = Stories(evidence, found)
    counts = {
        "sent": list(found.sent),
        "lost": found.lost,
        "duplicated": found.duplicated,
        "misdelivered": found.misdelivered,
        "unexpected": found.unexpected,
        "reordered": found.reordered,
    }
    weaker = () if found.by_id else (WEAKER,)
    findings = []
    for name, keys in counts.items():
        expected = spec.arguments.get(name)
        if not isinstance(expected, int) or len(keys) == expected:
            continue
        # What is unclear may be lost as well.
        if name == "lost" and len(keys) < expected <= len(keys) + len(found.unclear):
            continue
        told = [_story(stories, found, key) for key in list(dict.fromkeys(keys))[:_MOST]]
        if len(set(keys)) > _MOST:
            told.append(f"and {len(set(keys)) - _MOST} more")
        message = f"{_counted(len(keys), name)}, expected {expected}"
        if len(keys) < expected and evidence.failed_steps:
            message += BROKEN_OFF
        findings.append(
            Finding(
                spec.name,
                Outcome.FAILED,
                message,
                None,
                spec.where,
                _table(found),
                (*told, *weaker),
                _share(found, spec),
            )
        )
    if found.unclear and spec.arguments.get("lost") is not None:
        count = len(found.unclear)
        which = "a message" if count == 1 else f"{count} messages"
        message = f"nobody can know whether {which} arrived"
        told = [stories.of(key) for key in list(found.unclear)[:_MOST]]
        findings.append(
            Finding(spec.name, Outcome.UNKNOWN, message, None, spec.where, why=(*told, *weaker))
        )
    if findings:
        return findings
    told_counts = {"sent": 0, "delivered": len(found.delivered)} | {
        name: len(keys) for name, keys in counts.items()
    }
    message = ", ".join(f"{count} {name}" for name, count in told_counts.items())
    return [Finding(spec.name, Outcome.PASSED, message, proof=_table(found), why=weaker)]


def _counted(count: int, name: str) -> str:
    return f"{count} message{'' if count == 1 else 's'} {name}"


def _story(stories: Stories, found: Account, key: Key) -> str:
    return stories.of(key) if key in found.sent else stories.of_stray(key)


def _share(found: Account, spec: CheckSpec) -> float:
    """Which part of all that was sent, or should have been, and came too much is surely right."""
    expected = spec.arguments["sent"]
    wrong = len(set(found.duplicated)) + len(found.lost) + len(found.unclear)
    strays = len(found.misdelivered) + len(found.unexpected)
    sent = max(len(found.sent), expected if isinstance(expected, int) else 0)
    return max(0.0, (len(found.sent) - wrong) / max(1, sent + strays))


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
