"""What the checks on messages share: which they speak about, and what there is to say of all."""

from typing import Final

from peerlab.checks.accounting import Account, Key
from peerlab.scenario.model import CheckSpec

NOTHING: Final = "no node reported a message, so nothing can be counted"
WEAKER: Final = (
    "the programs tell no ids, so messages are told by sender, text and order, which is weaker: "
    "two equal messages cannot be told apart"
)
BROKEN_OFF: Final = "; the steps did not come to their end"
"""Added where less than expected is there, which may be all that there is to it."""


def chosen(account: Account, key: Key, spec: CheckSpec) -> bool:
    """Whether the check's `from` and `to`, where it has them, are those of the message."""
    source, target = spec.arguments["from"], spec.arguments["to"]
    return (not isinstance(source, tuple) or account.sent[key].node in source) and (
        not isinstance(target, tuple) or key[1] in target
    )
