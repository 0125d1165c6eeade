"""Tells what became of a message, across what was typed, what the wire did and what was shown."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from peerlab.checks.accounting import Account
from peerlab.checks.brief import cut
from peerlab.checks.lives import Life
from peerlab.checks.trips import Key, Trip
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, Message

LONGEST = 60
"""Characters of a message's text that a story quotes."""
_MOST_TIMES = 3
"""Times that a story tells of a message that was sent again and again."""


class Stories:
    """Tells the stories of one run's messages."""

    def __init__(self, evidence: Evidence, account: Account) -> None:
        self._account = account
        self._lives = {name: Life(node) for name, node in evidence.nodes.items()}
        self._known = evidence.variables
        self._nodes = evidence.nodes
        self._typed: dict[tuple[str, str], list[float]] = defaultdict(list)
        for event in evidence.of(Kind.TYPED):
            self._typed[str(event.node), event.text].append(event.at)

    def typed_at(self, message: Message) -> float | None:
        """When the message's text was typed at its sender, in seconds since the run began."""
        times = self._typed.get((message.node, message.text), [])
        place = bisect_right(times, message.at)
        return times[place - 1] if place else None

    def of(self, key: Key) -> str:
        """The story of a message that was sent, in one sentence."""
        message, trip, recipient = self._account.sent[key], self._account.trips.get(key), key[1]
        typed = self.typed_at(message)
        parts = [] if typed is None else [f"typed at {_at(typed)}"]
        if trip is not None:
            parts.append(f"left {message.node} {_times(trip.left)}")
            parts += trip.deeds or [self._delivered(trip, recipient)]
        elif typed is None:  # what a program says of itself may come after it has left
            parts.append(f"sent at {_at(message.at)}")
        came = self._account.received.get(key, ())
        if came:
            parts += self._shown(key)
        else:
            if key in self._account.stayed:
                parts.append(f"nothing of it was seen to leave {message.node}")
            parts += [] if trip is None else self._astray(trip, recipient)
            parts.append(f"{recipient} never showed it")
            parts += self._state(key, message.at if trip is None else trip.came)
        if key in self._account.unclear:
            parts.append(f"whether it came there nobody can know: {self._account.unclear[key]}")
        return f"{name_of(message)}, to {recipient}: {'; '.join(parts)}"

    def of_late(self, key: Key) -> str:
        """The story of a message that came too late, and which one overtook it."""
        overtaker = self._account.sent[self._account.overtakers[key]]
        return f"{self.of(key)}; {name_of(overtaker)}, sent later, was shown before"

    def of_stray(self, key: Key) -> str:
        """The story of a message at a node that it was not sent to."""
        came = self._account.received[key]
        others = [node for message_id, node in self._account.sent if message_id == key[0]]
        origin = f"was sent to {', '.join(others)} only" if others else "was sent by nobody"
        return f"{name_of(came[0])}: {', and '.join(self._shown(key))}, and it {origin}"

    def _shown(self, key: Key) -> list[str]:
        """When the recipient showed it, and as what, where that is not what was sent."""
        times: dict[str, list[str]] = defaultdict(list)
        for arrival in self._account.received[key]:
            text, sender = self._account.changes(arrival)
            what = "it" if text is None else repr(cut(text, LONGEST))
            source = "" if sender is None else f", from {sender},"
            times[f"{what}{source}"].append(_at(arrival.at))
        return [f"{key[1]} showed {what} at {', '.join(at)}" for what, at in times.items()]

    def _delivered(self, trip: Trip, recipient: str) -> str:
        """Where the network brought it: a router may keep what it does not pass on."""
        if trip.target in {recipient, None}:
            return "delivered by the network"
        kind = "" if trip.target in self._nodes else "the router "
        return f"delivered to {kind}{trip.target}"

    def _astray(self, trip: Trip, recipient: str) -> list[str]:
        """Whether it went to another port of its recipient than the one that is known of it."""
        known = self._known.get(recipient, {})
        ip, port = trip.address
        if known.get("ip") != ip or known.get("port", str(port)) == str(port):
            return []
        return [f"it went to port {port}, and {recipient} is known at port {known['port']}"]

    def _state(self, key: Key, moment: float) -> list[str]:
        life = self._lives.get(key[1])
        if life is None:
            return []
        if life.at(moment) is None:
            return [f"its program did not run at {_at(moment)}"]
        return [f"it stood still at {_at(moment)}"] if life.stood_still(moment) else []


def name_of(message: Message) -> str:
    """What to call a message: its text, cut where it is long, and its id."""
    return repr(cut(message.text, LONGEST)) + (
        "" if message.id is None else f" (id {message.id[:32]})"
    )


def _times(moments: Sequence[float]) -> str:
    told = ", ".join(_at(moment) for moment in moments[:_MOST_TIMES])
    more = f" and {len(moments) - _MOST_TIMES} more" if len(moments) > _MOST_TIMES else ""
    return f"at {told}{more}" if len(moments) == 1 else f"{len(moments)} times, at {told}{more}"


def _at(moment: float) -> str:
    return f"{moment:.3f} s"
