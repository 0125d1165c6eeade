"""Finds the datagrams that carried the messages of a run: what the wire did to each of them."""

import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence, Message

_WORD: Final = re.compile(r"[\w-]+")
_NEAR: Final = 32
"""How many messages of a flow, nearest in time, are looked for in one of its datagrams."""


@dataclass(frozen=True, slots=True)
class Trip:
    """What the wire saw of one message: one datagram or more, each at one place of its way or more.

    Attributes:
        events: the `datagram` events, in order of time.
    """

    events: tuple[Event, ...]

    @property
    def left(self) -> Sequence[float]:
        """When it left its sender, in seconds since the run began; several times if sent again."""
        # What happened later on the way is an event of its own, and names its place.
        return [event.at for event in self.events if "cable" not in event.detail] or [
            self.events[0].at
        ]

    @property
    def address(self) -> tuple[str, int]:
        """The IP address and the port that it was sent to."""
        ip, _, port = str(self.events[0].detail["destination"]).rpartition(":")
        return ip, int(port)

    @property
    def lost(self) -> bool:
        """Whether none of it got to the end of its way as it was."""
        left = sum(_is_whole(event) for event in self.events if "cable" not in event.detail)
        later = sum(not _is_whole(event) for event in self.events if "cable" in event.detail)
        return left <= later

    @property
    def arrived(self) -> float:
        """When the last of it came, if it came: when it left, and what it was delayed by."""
        return max(event.at + float(event.detail.get("delay") or 0) for event in self.events)

    @property
    def deeds(self) -> tuple[str, ...]:
        """Which steps did something to it, and what, in words; what they did again is told once."""
        return tuple(dict.fromkeys(filter(None, (_deed(event) for event in self.events))))


def _is_whole(event: Event) -> bool:
    return event.detail["fate"] == "delivered" and event.detail.get("damaged") is None


def _deed(event: Event) -> str | None:
    detail = event.detail
    by = ", ".join(str(rule) for rule in detail.get("by") or ())
    done = []
    if detail["fate"] == "dropped":
        done.append("dropped")
    if detail["fate"] == "nowhere":
        done.append("sent to an address that nobody has")
    if detail.get("delay"):
        done.append(f"delayed by {float(detail['delay']) * 1000:.0f} ms")
    if int(detail.get("copies") or 1) > 1:
        done.append("duplicated")
    if detail.get("damaged"):
        done.append("damaged")
    if detail.get("held"):
        done.append("held until others had passed")
    if not done:
        return None
    where = f" at {detail['cable']}" if detail.get("cable") else ""
    return " and ".join(done) + (f" by {by}" if by else "") + where


def trips(
    evidence: Evidence, sent: Mapping[tuple[str, str], Message]
) -> dict[tuple[str, str], Trip]:
    """The datagrams of each message, found by its id in their payload, or by its text.

    Args:
        evidence: the run.
        sent: messages by what tells them, and the node that they are for.
    """
    index = _Index(sent)
    found: dict[tuple[str, str], list[Event]] = defaultdict(list)
    if sent:
        for event in evidence.journal:
            if event.kind is Kind.DATAGRAM:
                for key in index.find(event):
                    found[key].append(event)
    return {
        key: Trip(tuple(sorted(events, key=lambda event: event.at)))
        for key, events in found.items()
    }


class _Index:
    """Finds the messages in a payload without looking for each of them."""

    def __init__(self, sent: Mapping[tuple[str, str], Message]) -> None:
        self._by_word: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._by_flow: dict[tuple[str, str], list[tuple[float, str, tuple[str, str]]]] = (
            defaultdict(list)
        )
        for key, message in sent.items():
            peer = str(message.peer)
            if message.id is not None and _WORD.fullmatch(message.id):
                self._by_word[message.node, peer, message.id] = key
            elif needle := message.id or message.text:
                insort(self._by_flow[message.node, peer], (message.at, needle, key))

    def find(self, event: Event) -> Sequence[tuple[str, str]]:
        """The messages that this datagram carries."""
        node = str(event.node)
        address = str(event.detail["destination"]).rpartition(":")[0]
        if self._by_word:
            for word in _WORD.findall(event.text):
                key = self._by_word.get((node, address, word))
                if key is not None:
                    return [key]
        flow = self._by_flow.get((node, address))
        if flow is None:
            return ()
        middle = bisect_left(flow, (event.at,))
        near = flow[max(0, middle - _NEAR) : middle + _NEAR]
        return [key for _, needle, key in near if needle in event.text][:1]
