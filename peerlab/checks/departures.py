"""Finds the messages that never left their senders, though these say that they sent them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from peerlab.checks.marks import Marks
from peerlab.checks.trips import Key, Trip, marks_of
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, Message
from peerlab.wire.flows import TEXT_BYTES

_NOT_ALL: Final = frozenset({"unrecorded", "silent"})
"""What the wire tells where it has not told of all datagrams."""


def never_left(
    evidence: Evidence, sent: Mapping[Key, Message], on_the_way: Mapping[Key, Trip]
) -> frozenset[Key]:
    """The messages that surely never left: the wire saw others of their senders, and not them.

    Args:
        evidence: the run.
        sent: as for `trips`.
        on_the_way: what that found.
    """
    if any(event.text in _NOT_ALL for event in evidence.of(Kind.WIRE)):
        return frozenset()
    seen = {sent[key].node for key in on_the_way}
    marked: dict[str, list[Key]] = defaultdict(list)
    candidates = set()
    for key, message in sent.items():
        marks = marks_of(message)
        if key in on_the_way or message.node not in seen or _is_inside(key, message):
            continue
        if not (marks and all(map(_is_told, marks))):
            continue
        candidates.add(key)
        for mark in marks:
            marked[mark].append(key)
    if candidates:
        # It may have gone to somebody else than the program says.
        booked = {id(event) for trip in on_the_way.values() for event in trip.events}
        carried = Marks(marked)
        for event in evidence.of(Kind.DATAGRAM):
            for _, keys in carried.find(event.text):
                candidates -= {
                    key
                    for key in keys
                    if sent[key].node == event.node
                    and (sent[key].id is not None or id(event) not in booked)
                }
    return frozenset(candidates)


def _is_inside(key: Key, message: Message) -> bool:
    """Whether it passes no cable, as what a node sends to itself."""
    return key[1] == message.node or str(message.peer).startswith("127.")


def _is_told(mark: str) -> bool:
    """Whether it is found in a datagram, of which the wire tells the beginning only."""
    has_words = any(character.isalnum() for character in mark)
    return has_words and len(mark.encode(errors="replace")) <= TEXT_BYTES // 2
