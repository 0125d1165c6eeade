"""Tells why a step did not come true: what came nearest to it, and what became of messages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from peerlab.checks.messages import Messages
from peerlab.checks.nearest import literal, nearest
from peerlab.evidence.journal import Event

_MOST: Final = 3
"""Messages whose story is told with a step that they would have made come true."""
_TAKEN: Final = "\1"
"""Stands for a text that was found, so that nothing is found in it or across it."""
_LATELY: Final = 50
"""Lines that a node printed last in which the nearest is looked for, seen before or not."""


def reasons(messages: Messages, event: Event) -> Iterator[str]:
    """What came nearest to what a failed step awaited, and what became of messages that it did."""
    awaited, node = _awaited(event), str(event.node)
    if not awaited:
        return
    lately = messages.evidence.node(node).printed.splitlines()[-_LATELY:]
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
    yield from _of_messages(messages, node, texts)


def _of_messages(messages: Messages, node: str, awaited: Sequence[str]) -> Iterator[str]:
    """The stories of messages that the node was to show."""
    sent = messages.account.sent
    texts = _standing_in(awaited, {message.text for message in sent.values()})
    wanted = [key for key, message in sent.items() if message.text in texts]
    told = [key for key in wanted if key[1] == node] or wanted
    yield from (messages.stories.of(key) for key in told[-_MOST:])


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
