"""What the checks on messages share: which they speak about, and what there is to say of all."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from peerlab.checks.accounting import Account, account
from peerlab.checks.brief import cut
from peerlab.checks.story import LONGEST, Stories
from peerlab.checks.trips import Key
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.reading import Evidence, Message
from peerlab.scenario.model import CheckSpec

NOTHING: Final = "no node reported a message, so nothing can be counted"
WEAKER: Final = (
    "the programs tell no ids, so messages are told by sender, text and order, which is weaker: "
    "two equal messages cannot be told apart"
)
_MOST: Final = 10
"""Ids that were used again, of which a finding tells."""
BROKEN_OFF: Final = "; the steps did not come to their end"
"""Added where less than expected is there, which may be all that there is to it."""


@dataclass(frozen=True)
class Messages:
    """The messages of one run, for all checks that look at them: what they share is made once."""

    evidence: Evidence

    @cached_property
    def account(self) -> Account:
        """What became of each of them."""
        return account(self.evidence)

    @cached_property
    def stories(self) -> Stories:
        """How to tell it."""
        return Stories(self.evidence, self.account)

    @property
    def remark(self) -> tuple[str, ...]:
        """What is to be said with every finding: that it is of the weaker form, if it is."""
        return () if self.account.by_id else (WEAKER,)

    def arrived(self, spec: CheckSpec, none: str) -> list[Key] | Finding:
        """Those that the check speaks of and that arrived; `none` says that there are none."""
        found = self.account
        if found.reused:
            return reused(found, spec)
        return [key for key in found.delivered if chosen(found, key, spec)] or Finding(
            spec.name, Outcome.UNKNOWN, none if found.sent else NOTHING, None, spec.where
        )


def chosen(found: Account, key: Key, spec: CheckSpec) -> bool:
    """Whether the check's `from` and `to`, where it has them, are those of the message."""
    source, target = spec.arguments["from"], spec.arguments["to"]
    return (not isinstance(source, tuple) or found.sent[key].node in source) and (
        not isinstance(target, tuple) or key[1] in target
    )


def reused(found: Account, spec: CheckSpec) -> Finding:
    """Nobody can say what became of messages where ids stand for several of them."""
    again = found.reused
    which = "an id was" if len(again) == 1 else f"{len(again)} ids were"
    told = [
        f"the id {cut(str(first.id), LONGEST)} was used by {_use(first)}, then by {_use(then)}"
        for first, then in again[:_MOST]
    ]
    if len(again) > _MOST:
        told.append(f"and {len(again) - _MOST} more")
    message = f"{which} used for more than one message, so nobody can tell these apart"
    return Finding(spec.name, Outcome.UNKNOWN, message, None, spec.where, why=tuple(told))


def _use(message: Message) -> str:
    return f"{message.node} for {cut(message.text, LONGEST)!r}"
