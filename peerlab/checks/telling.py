"""Tells messages apart, where programs report ids for them and where they do not. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from peerlab.checks.trips import Key, Trip
from peerlab.evidence.reading import Message


class Telling:
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


def add_elsewhere(
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


def in_turn(
    sent: Mapping[Key, Message],
    received: Mapping[Key, list[Message]],
    on_the_way: Mapping[Key, Trip],
) -> dict[Key, list[Message]]:
    """What came: of equal messages without ids of which some were surely lost it is the others."""
    equal: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
    for key, message in sent.items():
        if message.id is None:
            equal[message.node, message.text, key[1]].append(key)
    names: dict[Key, Key] = {}
    for keys in equal.values():
        came = [key for key in keys if key in received]
        if came and len(came) < len(keys):
            lost = {key for key in keys if key in on_the_way and on_the_way[key].lost}
            likely = set(sorted(keys, key=lost.__contains__)[: len(came)])
            names.update(zip(came, (key for key in keys if key in likely), strict=True))
    return {names.get(key, key): came for key, came in received.items()}
