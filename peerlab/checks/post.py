"""Who sent which message to whom, and what of it a datagram or a stream carries."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from peerlab.checks.brief import cut
from peerlab.checks.marks import SHORTEST, Marks, beginnings
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence

_LONGEST: Final = 80
"""Characters of a message in a sentence."""


@dataclass
class Sent:
    """A message, and all whom it was sent to.

    Attributes:
        peers: their addresses or labels, as the program named them.
        recipients: the nodes among them.
        uncertain: somebody among them is nobody whom the evidence knows.
    """

    node: str
    id: str | None
    text: str
    peers: set[str] = field(default_factory=set)
    recipients: set[str] = field(default_factory=set)
    uncertain: bool = False

    @property
    def shown(self) -> str:
        """The message in a sentence."""
        return f"message {cut(self.text, _LONGEST)!r}"

    @property
    def marks(self) -> Collection[str]:
        """What tells a datagram that carries it: its id, or its text where it has none."""
        return self.text_marks if self.id is None else (self.id,)

    @cached_property
    def is_long(self) -> bool:
        """Whether these do not come by chance."""
        return all(len(mark) >= SHORTEST for mark in self.marks)

    def is_for(self, ends: Collection[str | None]) -> bool:
        """Whether it was sent to a node, or an address, that is one of these."""
        return not (self.recipients.isdisjoint(ends) and self.peers.isdisjoint(ends))

    @cached_property
    def text_marks(self) -> Collection[str]:
        """The beginning of its text, as programs may write it."""
        return beginnings(self.text)


@dataclass(frozen=True)
class Post:
    """All messages, and who may get what.

    Attributes:
        addresses: nodes by their addresses, and by their names.
        allowed: pairs of nodes that may exchange anything.
        relays: nodes that no message may pass through.
    """

    messages: list[Sent]
    addresses: Mapping[str, str]
    allowed: Collection[frozenset[str]]
    relays: Collection[str]

    @cached_property
    def nodes(self) -> frozenset[str]:
        """All nodes that have an address."""
        return frozenset(self.addresses.values())

    @cached_property
    def carried(self) -> Marks[list[Sent]]:
        """Finds the messages that a datagram carries."""
        return _marks((mark, sent) for sent in self.messages for mark in sent.marks)

    @cached_property
    def telling(self) -> Marks[list[Sent]]:
        """Finds any trace of a message at a relay, where it is long enough to be one."""
        return _marks(
            (mark, sent)
            for sent in self.messages
            for mark in (*sent.marks, *sent.text_marks)
            if len(mark) >= SHORTEST
        )

    @cached_property
    def mates(self) -> Mapping[str, set[str]]:
        """Whom each node has a message for: nodes, and addresses of none."""
        found: dict[str, set[str]] = {}
        for sent in self.messages:
            found.setdefault(sent.node, set()).update(sent.recipients, sent.peers)
        return found

    def judge(self, event: Event) -> str | None:
        """What is wrong with a datagram; None: nothing."""
        node = str(event.node)
        target, address = ends_of(event, self.addresses)
        whom = target or address
        return self._passed_through(event.text, node, whom) or self._misdirected(
            event.text, node, whom, {target, address}
        )

    def _passed_through(self, text: str, node: str, whom: str) -> str | None:
        """The message in what a relay sends or gets that is neither its own nor for it."""
        at_relay = {node, whom}.intersection(self.relays)
        for _, sent in self.traces(text) if at_relay else ():
            if at_relay.isdisjoint({sent.node, *sent.recipients}):
                if node in at_relay:
                    return f"{node} passed {sent.shown} of {sent.node} on to {whom}"
                return f"{node} sent {sent.shown} to {whom}, which it was not for"
        return None

    def _misdirected(
        self, text: str, node: str, whom: str, ends: Collection[str | None]
    ) -> str | None:
        own, others = self._carried(text, node)
        if own:
            if any(sent.uncertain or sent.is_for(ends) for sent in own):
                return None
            return f"{node} sent {own[0].shown} to {whom}, too, for whom it was not"
        for sent in others:
            if whom != sent.node and not sent.is_for(ends):
                return f"{node} sent {sent.shown} of {sent.node} on to {whom}, for whom it was not"
        if whom not in self.nodes or frozenset({node, whom}) in self.allowed:
            return None
        if self.mates.get(node, set()).isdisjoint(ends):
            return f"{node} sent a datagram to {whom}, for whom it had no message"
        return None

    def traces(self, text: str) -> Iterator[tuple[int, Sent]]:
        """The messages that a text has a trace of, and where."""
        for place, found in self.telling.find(text):
            yield from ((place, sent) for sent in found)

    def _carried(self, text: str, node: str) -> tuple[list[Sent], list[Sent]]:
        """The messages that a node's datagram carries: its own ones, and those of others.

        An id that is as short as a number must have its text beside it.
        """
        found = [sent for _, some in self.carried.find(text) for sent in some]
        own = [sent for sent in found if sent.node == node]
        sure = [sent for sent in own if any(mark in text for mark in sent.text_marks)]
        long = [sent for sent in found if sent.is_long]
        others = [sent for sent in long if sent.node != node]
        return sure or [sent for sent in own if sent.is_long], others


def ends_of(event: Event, addresses: Mapping[str, str]) -> tuple[str | None, str]:
    """The node that a datagram goes to, None where it is none of them, and the address."""
    address = str(event.detail["destination"]).rpartition(":")[0]
    # A router is told as well, and is nobody whom a message can be for.
    return addresses.get(event.detail.get("to") or "") or addresses.get(address), address


def _marks(pairs: Iterable[tuple[str, Sent]]) -> Marks[list[Sent]]:
    found: dict[str, list[Sent]] = {}
    for mark, sent in pairs:
        found.setdefault(mark, []).append(sent)
    return Marks(found)


def messages_sent(evidence: Evidence, addresses: Mapping[str, str]) -> list[Sent]:
    """All messages that programs report to have sent, each with all whom it was for.

    Args:
        evidence: the run.
        addresses: nodes by their addresses, and by their names.
    """
    found: dict[tuple[str, str, bool], Sent] = {}
    for event in evidence.of(Kind.SENT):
        node, message_id = str(event.node), event.detail.get("id")
        key = node, event.text if message_id is None else message_id, message_id is None
        sent = found.get(key)
        if sent is None:
            sent = found[key] = Sent(node, message_id, event.text)
        peer = str(event.detail.get("peer"))
        recipient = addresses.get(peer) or evidence.labels.get(peer)
        sent.peers.add(peer)
        if recipient is not None:
            sent.recipients.add(recipient)
        elif peer.count(".") != 3:  # noqa: PLR2004 - no address: an unknown label
            sent.uncertain = True
    return list(found.values())
