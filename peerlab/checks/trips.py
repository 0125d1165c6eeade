"""Finds the datagrams that carried the messages of a run: what the wire did to each of them."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.checks.marks import beginnings
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence, Message
from peerlab.wire.effects import HELD_FOR

Key = tuple[str, str]
"""What tells a message, and the node that it is for: one to three nodes counts three times. Where a
message for an address of no node has come to nobody, that address stands for the node."""

_WORD: Final = re.compile(r"[\w-]+")
_NEAR: Final = 32
"""How many messages of a flow, nearest in time, are looked for in one of its datagrams."""
_LONGEST_HELD: Final = max(HELD_FOR.values())


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
    def came(self) -> float:
        """When the last of it came, if it came: when it left, and what it was delayed by.

        What was held came later than that, but nobody knows when.
        """
        return max(event.at + float(event.detail.get("delay") or 0) for event in self.events)

    @property
    def arrived(self) -> float:
        """From when on no more of it can have come: what was held waits for so long at most."""
        return max(
            event.at
            + float(event.detail.get("delay") or 0)
            + (_LONGEST_HELD if event.detail.get("held") else 0)
            for event in self.events
        )

    @property
    def target(self) -> str | None:
        """Whom the wire handed it to: a node or a router; None: nobody, or several."""
        to = self.events[-1].detail.get("to")
        return None if to is None else str(to)

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


def trips(evidence: Evidence, sent: Mapping[Key, Message]) -> dict[Key, Trip]:
    """The datagrams of each message, found by its id in their payload, or by its text.

    Args:
        evidence: the run.
        sent: messages by what tells them, and the node that they are for.
    """
    if not sent:
        return {}
    index = _Index(sent)
    found: dict[Key, list[Event]] = defaultdict(list)
    for event in sorted(evidence.of(Kind.DATAGRAM), key=_turn):
        key = index.find(event)
        if key is not None:
            found[key].append(event)
    return {key: Trip(tuple(events)) for key, events in found.items()}


def _turn(event: Event) -> tuple[float, bool]:
    """What leaves comes before what happens to it later on its way."""
    return event.at, "cable" in event.detail


def marks_of(message: Message) -> frozenset[str]:
    """What tells a datagram that carries the message."""
    return beginnings(message.text) if message.id is None else frozenset({message.id})


class _Index:
    """Finds the messages in a payload without looking for each of them."""

    def __init__(self, sent: Mapping[Key, Message]) -> None:
        self._by_word: dict[tuple[str, str, str], Key] = {}
        self._by_flow: dict[tuple[str, str], list[tuple[float, frozenset[str], Key]]] = defaultdict(
            list
        )
        self._booked: dict[Key, set[str | None]] = defaultdict(set)
        for key, message in sent.items():
            peer = str(message.peer)
            if message.id is not None and _WORD.fullmatch(message.id):
                self._by_word[message.node, peer, message.id] = key
            elif marks := marks_of(message):
                self._by_flow[message.node, peer].append((message.at, marks, key))
        for flow in self._by_flow.values():
            flow.sort(key=_moment)

    def find(self, event: Event) -> Key | None:
        """The message that this datagram carries. They are to be asked about in order of time."""
        node = str(event.node)
        address = str(event.detail["destination"]).rpartition(":")[0]
        if self._by_word:
            for word in _WORD.findall(event.text):
                key = self._by_word.get((node, address, word))
                if key is not None:
                    return key
        flow = self._by_flow.get((node, address))
        return None if flow is None else self._book(event, flow)

    def _book(self, event: Event, flow: list[tuple[float, frozenset[str], Key]]) -> Key | None:
        """Of equal messages each is the next to leave: the first that has not been seen to.

        What happens further on the way happens to the last one that left.
        """
        middle = bisect_left(flow, event.at, key=_moment)
        near = flow[max(0, middle - _NEAR) : middle + _NEAR]
        found = [
            (max(len(mark) for mark in here), key)
            for _, marks, key in near
            if (here := [mark for mark in marks if mark in event.text])
        ]
        if not found:
            return None
        # A shorter text may stand in the longer one that it is.
        longest = max(length for length, _ in found)
        equal = [key for length, key in found if length == longest]
        cable = event.detail.get("cable")
        if cable is not None:
            equal = [key for key in reversed(equal) if None in self._booked[key]] or equal
        key = next((key for key in equal if cable not in self._booked[key]), None)
        if key is None:  # sent again
            key = equal[0] if cable is not None else equal[-1]
        self._booked[key].add(cable)
        return key


def _moment(entry: tuple[float, frozenset[str], Key]) -> float:
    return entry[0]
