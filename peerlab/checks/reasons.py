"""Tells why a step did not come true: what came nearest to it, and what became of messages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

from peerlab.checks.accounting import Account, account
from peerlab.checks.nearest import literal, nearest
from peerlab.checks.story import Stories
from peerlab.evidence.journal import Event
from peerlab.evidence.reading import Evidence

_MOST: Final = 3
"""Messages whose story is told with a step that they would have made come true."""
_TAKEN: Final = "\1"
"""Stands for a text that was found, so that nothing is found in it or across it."""
_LATELY: Final = 50
"""Lines that a node printed last in which the nearest is looked for, seen before or not."""


class Reasons:
    """Tells the reasons of all failed steps of a run; what they share is worked out once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def of(self, event: Event) -> Iterator[str]:
        """What came nearest to what was awaited, and what became of messages that were awaited."""
        awaited, node = _awaited(event), str(event.node)
        if not awaited:
            return
        lately = self._evidence.node(node).printed.splitlines()[-_LATELY:]
        # What came since the last match is, mostly, what was printed last.
        shown = list(dict.fromkeys([*str(event.detail["since"]).splitlines(), *lately]))
        for text, regex in awaited:
            miss = nearest(text, shown, regex=regex)
            if miss is not None:
                yield (
                    f"nearest to it is {miss.line!r}: at its character {miss.at} {miss.got!r} "
                    f"instead of {miss.expected!r}"
                )
        texts = [literal(text) if regex else text for text, regex in awaited]
        yield from self._of_messages(node, texts)

    def _of_messages(self, node: str, awaited: Sequence[str]) -> Iterator[str]:
        """The stories of messages that the node was to show."""
        sent = self._account.sent
        texts = _standing_in(awaited, {message.text for message in sent.values()})
        wanted = [key for key, message in sent.items() if message.text in texts]
        told = [key for key in wanted if key[1] == node] or wanted
        yield from (self._stories.of(key) for key in told[-_MOST:])

    @cached_property
    def _account(self) -> Account:
        return account(self._evidence)

    @cached_property
    def _stories(self) -> Stories:
        return Stories(self._evidence, self._account)


def _standing_in(awaited: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Which texts stand in what was awaited, as whole words and not as part of a longer one."""
    found = set()
    longest_first = sorted((text for text in texts if text.strip()), key=len, reverse=True)
    for each in awaited:
        rest = each
        for text in longest_first:
            if text in rest:
                rest, times = re.subn(rf"(?<!\w){re.escape(text)}(?!\w)", _TAKEN, rest)
                found.update([text] if times else [])
    return found


def _awaited(event: Event) -> list[tuple[str, bool]]:
    """The texts that would have made the step come true, and whether each is an expression."""
    awaited = event.detail.get("awaited") or ()
    return [(str(each["text"]), bool(each["regex"])) for each in awaited]
