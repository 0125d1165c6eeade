"""Accounts for every message of a run, as Jepsen's total-queue does for what is put into a queue.

Messages are told by the unique ids that programs report. Where a program reports none, its
messages are told by sender, text and order, which is weaker: two equal messages cannot be told
apart. The programs are believed in what they say of themselves; what the wire saw decides whether
a message that nobody showed is lost, or whether nobody can know.

Source: jepsen-io/jepsen, checker `total-queue`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from peerlab.checks.brief import lasting
from peerlab.checks.lives import Life
from peerlab.checks.trips import Trip, trips
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, Message

Key = tuple[str, str]
"""What tells a message, and the node that it is for: one to three nodes counts three times. Where a
message for an address of no node has come to nobody, that address stands for the node."""

SETTLED: Final = 1.0
"""Seconds after which a program that still runs would have shown what had come to it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What became of the messages of one sender to one recipient."""

    sent: int = 0
    delivered: int = 0
    lost: int = 0
    unclear: int = 0
    duplicated: int = 0
    reordered: int = 0


@dataclass(frozen=True)
class Account:
    """The messages of a run.

    Attributes:
        sent: what was sent.
        received: every arrival, in order; also of what was not sent there, or not at all.
        unclear: of what was sent and did not arrive, why nobody can know whether it did.
        trips: what the wire saw of what was sent.
        by_id: whether every message had an id.
    """

    sent: Mapping[Key, Message]
    received: Mapping[Key, Sequence[Message]]
    unclear: Mapping[Key, str]
    trips: Mapping[Key, Trip]
    by_id: bool

    @property
    def delivered(self) -> list[Key]:
        """Sent, and received where it was sent to."""
        return [key for key in self.sent if key in self.received]

    @property
    def lost(self) -> list[Key]:
        """Sent, and surely never received where it was sent to."""
        return [key for key in self.sent if key not in self.received and key not in self.unclear]

    @property
    def duplicated(self) -> list[Key]:
        """Received again, once for every time after the first."""
        return [key for key in self.delivered for _ in self.received[key][1:]]

    @property
    def misdelivered(self) -> list[Key]:
        """Received by a node that it was not sent to, once for every time."""
        known = {message_id for message_id, _ in self.sent}
        return [key for key in self._strays() if key[0] in known]

    @property
    def unexpected(self) -> list[Key]:
        """Received, and sent by nobody, once for every time."""
        known = {message_id for message_id, _ in self.sent}
        return [key for key in self._strays() if key[0] not in known]

    @cached_property
    def reordered(self) -> list[Key]:
        """Received for the first time after one that the same node sent there later."""
        places = {key: place for place, key in enumerate(self.sent)}
        newest: dict[tuple[str, str], int] = {}
        found = []
        for key in self.received:  # in the order in which they first came
            if key in places:
                pair = self.sent[key].node, key[1]
                if places[key] < newest.get(pair, -1):
                    found.append(key)
                newest[pair] = max(places[key], newest.get(pair, -1))
        return found

    @property
    def pairs(self) -> dict[tuple[str, str], Pair]:
        """The account of each sender and recipient."""
        late = set(self.reordered)
        return {
            pair: Pair(
                len(keys),
                sum(key in self.received for key in keys),
                sum(key not in self.received and key not in self.unclear for key in keys),
                sum(key in self.unclear for key in keys),
                sum(max(0, len(self.received.get(key, ())) - 1) for key in keys),
                sum(key in late for key in keys),
            )
            for pair, keys in self._by_pair().items()
        }

    def _by_pair(self) -> dict[tuple[str, str], list[Key]]:
        pairs: dict[tuple[str, str], list[Key]] = defaultdict(list)
        for key, message in self.sent.items():
            pairs[message.node, key[1]].append(key)
        return pairs

    def _strays(self) -> Iterator[Key]:
        return (key for key, came in self.received.items() if key not in self.sent for _ in came)


def account(evidence: Evidence) -> Account:
    """Add up what the programs reported."""
    by_address = evidence.addresses
    messages = [message for node in evidence.nodes.values() for message in node.messages]
    messages.sort(key=lambda message: message.at)
    sends = [message for message in messages if message.direction is Kind.SENT]
    arrivals = [message for message in messages if message.direction is Kind.RECEIVED]
    telling = _Telling(sends, by_address, evidence.labels)
    received: dict[Key, list[Message]] = defaultdict(list)
    for message in arrivals:
        received[telling.of_arrival(message), message.node].append(message)
    sent: dict[Key, Message] = {}
    elsewhere: list[tuple[str, Message]] = []
    for message_id, message in zip(telling.ids, sends, strict=True):
        recipient = by_address.get(message.peer or "")
        if recipient is None:
            elsewhere.append((message_id, message))
        else:
            sent.setdefault((message_id, recipient), message)
    _add_elsewhere(sent, elsewhere, received)
    sent = dict(sorted(sent.items(), key=lambda item: item[1].at))
    on_the_way = trips(evidence, sent)
    lives = {name: Life(node) for name, node in evidence.nodes.items()}
    unclear = {}
    for key, message in sent.items():
        if key not in received and (life := lives.get(key[1])) is not None:
            why = _why_unclear(message, on_the_way.get(key), life)
            if why is not None:
                unclear[key] = why
    by_id = all(message.id is not None for message in messages)
    return Account(sent, dict(received), unclear, on_the_way, by_id)


class _Telling:
    """Tells messages apart: by id, and without one by sender, text and order."""

    def __init__(
        self, sends: Sequence[Message], by_address: Mapping[str, str], by_label: Mapping[str, str]
    ) -> None:
        self._nodes = {**by_label, **by_address}
        self._times: Counter[tuple[str, str | None, str]] = Counter()
        self._came: Counter[tuple[str, str, str]] = Counter()
        self._most: Counter[tuple[str, str]] = Counter()
        self.ids = [self._of_send(message) for message in sends]
        self._senders: dict[str, str] = {
            message.text: message.node for message in sends if message.id is None
        }

    def _of_send(self, message: Message) -> str:
        if message.id is not None:
            return message.id
        which = (message.node, message.peer, message.text)
        self._times[which] += 1
        self._most[message.node, message.text] = max(
            self._most[message.node, message.text], self._times[which]
        )
        return _numbered(message.node, message.text, self._times[which])

    def of_arrival(self, message: Message) -> str:
        """What tells a message that came."""
        if message.id is not None:
            return message.id
        sender = self._nodes.get(message.peer or "") or self._senders.get(message.text) or "nobody"
        which = (sender, message.text, message.node)
        self._came[which] += 1
        # What came more often than it was sent is its last one again.
        times = min(self._came[which], max(1, self._most[sender, message.text]))
        return _numbered(sender, message.text, times)


def _numbered(sender: str, text: str, times: int) -> str:
    return f"{text!r} of {sender}" + (f" ({times})" if times > 1 else "")


def _add_elsewhere(
    sent: dict[Key, Message],
    messages: Iterable[tuple[str, Message]],
    received: Iterable[Key],
) -> None:
    """Add messages for addresses of no node, such as those of a NAT.

    Only the NAT knows which node it passes them on to, and it may well be several: so each of them
    is for one that received its id and was not sent it at its own address.
    """
    takers: dict[str, list[str]] = defaultdict(list)
    for message_id, node in received:
        if (message_id, node) not in sent:
            takers[message_id].append(node)
    for message_id, message in messages:
        address = str(message.peer)
        if takers[message_id]:
            sent[message_id, takers[message_id].pop(0)] = message
            continue
        recipient, number = address, 1
        while (message_id, recipient) in sent:
            number += 1
            recipient = f"{address} ({number})"
        sent[message_id, recipient] = message


def _why_unclear(message: Message, trip: Trip | None, life: Life) -> str | None:
    """Why nobody can know whether a message that was not shown arrived; None: it is lost."""
    if trip is not None and trip.lost:
        return None
    came = message.at if trip is None else trip.arrived
    if life.stopped is not None and message.at < life.stopped <= came:
        return f"the run ended {lasting(came - life.stopped)} before it would have come there"
    run = life.at(came)
    if run is None or run[0] > message.at:
        return None  # the program that it was for did not run any more, or not yet
    if life.truncated is not None:
        return f"{life.name} printed more than the lab keeps"
    if run[1] is None or life.moved(came, run[1]) >= SETTLED:
        return None
    return f"{life.name} ended {lasting(run[1] - came)} after it came there"
