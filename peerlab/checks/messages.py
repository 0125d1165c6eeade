"""What the checks on messages share: which they speak about, and what there is to say of all."""

from typing import Final

from peerlab.checks.accounting import Account
from peerlab.checks.brief import cut
from peerlab.checks.trips import Key
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.reading import Message
from peerlab.scenario.model import CheckSpec

NOTHING: Final = "no node reported a message, so nothing can be counted"
WEAKER: Final = (
    "the programs tell no ids, so messages are told by sender, text and order, which is weaker: "
    "two equal messages cannot be told apart"
)
_MOST: Final = 10
"""Ids that were used again, of which a finding tells."""
_LONGEST: Final = 60
"""Characters of a text that is quoted."""
BROKEN_OFF: Final = "; the steps did not come to their end"
"""Added where less than expected is there, which may be all that there is to it."""


def chosen(account: Account, key: Key, spec: CheckSpec) -> bool:
    """Whether the check's `from` and `to`, where it has them, are those of the message."""
    source, target = spec.arguments["from"], spec.arguments["to"]
    return (not isinstance(source, tuple) or account.sent[key].node in source) and (
        not isinstance(target, tuple) or key[1] in target
    )


def reused(account: Account, spec: CheckSpec) -> Finding:
    """Nobody can say what became of messages where ids stand for several of them."""
    again = account.reused
    which = "an id was" if len(again) == 1 else f"{len(again)} ids were"
    told = [
        f"the id {cut(str(first.id), _LONGEST)} was used by {_use(first)}, then by {_use(then)}"
        for first, then in again[:_MOST]
    ]
    if len(again) > _MOST:
        told.append(f"and {len(again) - _MOST} more")
    message = f"{which} used for more than one message, so nobody can tell these apart"
    return Finding(spec.name, Outcome.UNKNOWN, message, None, spec.where, why=tuple(told))


def _use(message: Message) -> str:
    return f"{message.node} for {cut(message.text, _LONGEST)!r}"
