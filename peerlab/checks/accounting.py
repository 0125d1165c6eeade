"""Accounts for every message of a run, as Jepsen's total-queue does for what is put into a queue.

Messages are told by the unique ids that programs report. Where a program reports none, its
messages are told by sender, text and order, which is weaker: two equal messages cannot be told
apart. The programs are believed in what they say of themselves; what the wire saw decides whether
a message that nobody showed is lost, or whether nobody can know.

Source: jepsen-io/jepsen, checker `total-queue`.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from peerlab.checks.brief import lasting
from peerlab.checks.departures import never_left
from peerlab.checks.lives import Life
from peerlab.checks.telling import Telling, add_elsewhere, in_turn
from peerlab.checks.trips import Key, Trip, trips
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, Message

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
        stayed: of what was sent, what surely never left its sender.
        reused: ids that were used again for something else: what was sent first, and what then.
        by_id: whether every message had an id.
        names: nodes by their addresses, and by their labels where these tell one of them only.
    """

    sent: Mapping[Key, Message]
    received: Mapping[Key, Sequence[Message]]
    unclear: Mapping[Key, str]
    trips: Mapping[Key, Trip]
    stayed: Collection[Key]
    reused: Sequence[tuple[Message, Message]]
    by_id: bool
    names: Mapping[str, str]

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

    @property
    def altered(self) -> list[Key]:
        """Received with another text, or as from another node, than it was sent: once a time."""
        return [
            key for key, came in self.received.items() for each in came if any(self.changes(each))
        ]

    def changes(self, arrival: Message) -> tuple[str | None, str | None]:
        """The text and the sender of an arrival, each where it is not that of what was sent.

        Who an address of no node is, as behind a NAT, nobody knows; nor what had no id.
        """
        original = None if arrival.id is None else self._originals.get(arrival.id)
        if original is None:
            return None, None
        sender = self.names.get(arrival.peer or "")
        return (
            None if arrival.text == original.text else arrival.text,
            None if sender in {None, original.node} else sender,
        )

    @property
    def reordered(self) -> list[Key]:
        """Received for the first time after one that the same node sent there later."""
        return list(self.overtakers)

    @cached_property
    def overtakers(self) -> dict[Key, Key]:
        """By each message that came too late the newest that was sent later and came before it."""
        places = {key: place for place, key in enumerate(self.sent)}
        newest: dict[tuple[str, str], Key] = {}
        found = {}
        for key in self.received:  # in the order in which they first came
            if key in places:
                pair = self.sent[key].node, key[1]
                before = newest.setdefault(pair, key)
                if places[key] < places[before]:
                    found[key] = before
                else:
                    newest[pair] = key
        return found

    @property
    def counts(self) -> dict[str, list[Key]]:
        """The messages by what the check `delivery` counts."""
        return {
            "sent": list(self.sent),
            "lost": self.lost,
            "duplicated": self.duplicated,
            "misdelivered": self.misdelivered,
            "unexpected": self.unexpected,
            "altered": self.altered,
            "reordered": self.reordered,
        }

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

    @cached_property
    def _originals(self) -> dict[str, Message]:
        """What was sent first under each id."""
        found: dict[str, Message] = {}
        for message in self.sent.values():
            if message.id is not None:
                found.setdefault(message.id, message)
        return found

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
    telling = Telling(sends, by_address, evidence.labels)
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
    add_elsewhere(sent, elsewhere, received)
    sent = dict(sorted(sent.items(), key=lambda item: item[1].at))
    on_the_way = trips(evidence, sent)
    came = in_turn(sent, received, on_the_way)
    stayed = never_left(evidence, sent, on_the_way)
    lives = {name: Life(node) for name, node in evidence.nodes.items()}
    unclear = {}
    for key, message in sent.items():
        life = lives.get(key[1])
        if key not in came and key not in stayed and life is not None:
            why = _why_unclear(message, on_the_way.get(key), life)
            if why is not None:
                unclear[key] = why
    by_id = all(message.id is not None for message in messages)
    names = {**_certain(evidence, lives), **by_address}
    return Account(sent, came, unclear, on_the_way, stayed, _reused(sends), by_id, names)


def _reused(sends: Sequence[Message]) -> list[tuple[Message, Message]]:
    """Sent under an id under which somebody had sent, or something else had been sent, before."""
    first: dict[str, Message] = {}
    found: dict[str, tuple[Message, Message]] = {}
    for message in sends:
        if message.id is not None:
            before = first.setdefault(message.id, message)
            if (before.node, before.text) != (message.node, message.text):
                found.setdefault(message.id, (before, message))
    return list(found.values())


def _certain(evidence: Evidence, lives: Mapping[str, Life]) -> dict[str, str]:
    """Nodes by labels that were theirs alone: one that came again may have had another before."""
    often = Counter(known.get("label") for known in evidence.variables.values())
    return {
        label: name
        for label, name in evidence.labels.items()
        if often[label] == 1 and len(lives[name].runs) == 1
    }


def _why_unclear(message: Message, trip: Trip | None, life: Life) -> str | None:
    """Why nobody can know whether a message that was not shown arrived; None: it is lost."""
    if trip is not None and trip.lost:
        return None
    came = message.at if trip is None else trip.arrived
    if trip is not None and life.ended_within(trip.came, trip.arrived):
        return f"the wire held it, and {life.name} ended before it surely had come there"
    return _why_unseen(message, came, life)


def _why_unseen(message: Message, came: float, life: Life) -> str | None:
    """Why a message that the wire did not lose may have come then, though it was not shown."""
    if life.stopped is not None and message.at < life.stopped <= came:
        return f"the run ended {lasting(came - life.stopped)} before it would have come there"
    run = life.at(came)
    if run is None or run.begin > message.at:
        return None  # the program that it was for did not run any more, or not yet
    if life.truncated is not None:
        return f"{life.name} printed more than the lab keeps"
    if run.end is None or life.moved(came, run.end) >= SETTLED:
        return None
    return f"{life.name} ended {lasting(run.end - came)} after it came there"
