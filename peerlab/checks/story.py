"""Tells what became of a message, across what was typed, what the wire did and what was shown."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from peerlab.checks.accounting import Account, Key
from peerlab.checks.brief import cut
from peerlab.checks.lives import Life
from peerlab.checks.trips import Trip
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
        self._typed: dict[tuple[str, str], list[float]] = defaultdict(list)
        for name, node in evidence.nodes.items():
            for event in node.journal:
                if event.kind is Kind.TYPED:
                    self._typed[name, event.text].append(event.at)

    def typed_at(self, message: Message) -> float | None:
        """When the message's text was typed at its sender, in seconds since the run began."""
        times = self._typed.get((message.node, message.text), [])
        place = bisect_right(times, message.at)
        return times[place - 1] if place else None

    def of(self, key: Key) -> str:
        """The story of a message that was sent, in one sentence."""
        message, trip, recipient = self._account.sent[key], self._account.trips.get(key), key[1]
        typed = self.typed_at(message)
        parts = [
            f"{name_of(message)}, to {recipient}: "
            + (f"sent at {_at(message.at)}" if typed is None else f"typed at {_at(typed)}")
        ]
        if trip is not None:
            parts.append(f"left {message.node} {_times(trip.left)}")
            parts += trip.deeds or ["delivered by the network"]
        came = self._account.received.get(key, ())
        if came:
            parts.append(f"{recipient} showed it at " + ", ".join(_at(each.at) for each in came))
        else:
            parts += [] if trip is None else self._astray(trip, recipient)
            parts.append(f"{recipient} never showed it")
            parts += self._state(key, message.at if trip is None else trip.arrived)
        if key in self._account.unclear:
            parts.append(f"whether it came there nobody can know: {self._account.unclear[key]}")
        return "; ".join(parts)

    def of_stray(self, key: Key) -> str:
        """The story of a message at a node that it was not sent to."""
        came = self._account.received[key]
        at = ", ".join(_at(message.at) for message in came)
        others = [node for message_id, node in self._account.sent if message_id == key[0]]
        origin = f"was sent to {', '.join(others)} only" if others else "was sent by nobody"
        return f"{name_of(came[0])}: {key[1]} showed it at {at}, and it {origin}"

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
