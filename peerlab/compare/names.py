"""Gives a name to what is another in every run: addresses, ports, labels, times."""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Final

from peerlab.compare.speech import Speech, router_addresses
from peerlab.evidence.journal import Event, Kind

_NAME: Final = re.compile("<(?!time>|port>|id>)[^<> ]+>")
# Right behind an address, and as high as the kernel's own choice: 12345 stays.
_PORT: Final = re.compile(rf"({_NAME.pattern}(?:', |:| ))(?:3[2-9]|[45]\d|6[0-5])\d{{3}}\b")
# Columns are filled up to the width of an address.
_FILLED: Final = re.compile(rf"({_NAME.pattern}) +")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?")
_CLOCK: Final = re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b")
# Seconds since 1970, as they are since 2001.
_EPOCH: Final = re.compile(r"(?<![\w.])\d{10}(?:\.\d+)?(?![\w.]*\w)")
_SHORTEST_ID: Final = 8
"""Characters of an id that is told from other words of a text."""
_ADDRESS: Final = re.compile(r"(?<![\w.])(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
_SOME_ROUTER: Final = "<router>"
_NOTHING: Final = "(?!)"


class Names:
    """Knows what to call that which is another in every run."""

    def __init__(self, journal: Sequence[Event], speech: Speech) -> None:
        """Learn addresses from their deployment, and labels from whatever tells them.

        Where a router has an address is told by the datagrams that were sent to it. One that not
        every run tells is just some router in each of them.
        """
        self._entries = speech.entries
        self._routed = speech.routed
        self._names = {
            event.detail["ip"]: f"<{event.node}>"
            for event in journal
            if event.kind is Kind.DEPLOYED
        }
        routers = {
            ip: f"<{name}>"
            for ip, name in router_addresses(journal).items()
            if name in speech.routers
        }
        for label, addresses in self._labelled(journal).items():
            # A server that was started again gives its labels again: those belong to nobody.
            # A NAT's are kept: it can have several clients behind it, who are not to be confused.
            if len(addresses) == 1:
                self._names[label] = self._names.get(addresses.pop(), label)
        self._names |= routers
        self._names |= {
            message_id: "<id>"
            for event in journal
            if event.kind in {Kind.SENT, Kind.RECEIVED}
            and len(message_id := str(event.detail["id"])) >= _SHORTEST_ID
        }
        self._routers = frozenset(routers.values()) | ({_SOME_ROUTER} if speech.routed else set())
        # A NAT may put any port in place of another.
        translated = "|".join(map(re.escape, sorted(self._routers))) or _NOTHING
        self._translated = re.compile(rf"((?:{translated})(?:', |:))\d+\b")
        longest_first = sorted(self._names, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, longest_first)) or _NOTHING
        self._known = re.compile(rf"(?<![\w.])(?:{alternatives})(?![\w.]*\w)")

    def put_into(self, text: str) -> str:
        """The text with these names."""
        for entry in self._entries:
            text = self._in_order(entry, text)
        return self._named(text)

    def is_of_router(self, text: str) -> bool:
        """Whether a text with names in it is about any of those behind a router."""
        return any(name in text for name in self._routers)

    def _named(self, text: str) -> str:
        named = self._known.sub(lambda known: self._names[known[0]], text)
        if self._routed:
            named = _ADDRESS.sub(_SOME_ROUTER, named)
        for variable, name in (
            (_PORT, r"\1<port>"),
            (self._translated, r"\1<port>"),
            (_FILLED, r"\1 "),
            (_TIME, "<time>"),
            (_CLOCK, "<time of day>"),
            (_EPOCH, "<time>"),
        ):
            named = variable.sub(name, named)
        return named

    def _in_order(self, entry: re.Pattern[str], text: str) -> str:
        """The text with its entries in the order of their names.

        Those who log in at the same time get their places in a list in any order.
        """
        found = list(entry.finditer(text))
        if len(found) < 2:  # noqa: PLR2004 - there is no order
            return text
        entries = sorted((match[0] for match in found), key=self._named)
        ends = [0, *(match.end() for match in found)]
        between = [text[end : match.start()] for end, match in zip(ends, found, strict=False)]
        pieces = chain.from_iterable(zip(between, entries, strict=True))
        return "".join([*pieces, text[ends[-1] :]])

    def _labelled(self, journal: Sequence[Event]) -> dict[str, set[str]]:
        """The addresses that each label was printed with.

        What is nothing but digits is no label: it could not be told from other numbers.
        """
        labelled: dict[str, set[str]] = defaultdict(set)
        texts = [event.text for event in journal if event.kind is Kind.PRINTED]
        for entry in self._entries:
            for match in chain.from_iterable(entry.finditer(text) for text in texts):
                told = match.groupdict()
                ip = told.pop("ip", None)
                for label in told.values():
                    if ip and label and not label.isdigit():
                        labelled[label].add(ip)
        return labelled


def first_name(text: str) -> str:
    """The first node or router that a text names; nothing where it names none."""
    return "".join(_NAME.findall(text)[:1])
