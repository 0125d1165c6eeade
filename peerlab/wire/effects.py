"""What a rule does to packets: decisions drawn from a seed, one by one, for every flow alone.

A flow is what passes from one node to another under one rule. Each effect has one object a flow. It
is asked about every packet of the flow in turn, `draw`, whatever becomes of the packet, so that a
decision depends on the seed, the rule, the flow and the packet's number and on nothing else.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from random import Random

from peerlab.wire.packet import Packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Arguments = Mapping[str, Any]

HELD_FOR = {"swap-these": 2.0, "reorder": 0.2}
"""Seconds after which a packet that waits for later ones goes without them."""


class Effect:
    """The base of all: lets everything pass as it is."""

    __slots__ = ("chance",)

    def __init__(self, arguments: "Arguments", chance: Random) -> None:  # noqa: ARG002 - of others
        self.chance = chance

    def draw(self, packet: Packet) -> float:  # noqa: ARG002
        """Decide on the flow's next packet: what is to be done, as a number. 0: nothing."""
        return 0


class All(Effect):
    """All packets are chosen."""

    __slots__ = ()

    def draw(self, packet: Packet) -> int:  # noqa: ARG002
        """Always."""
        return True


class Chance(Effect):
    """Packets are chosen, each for itself."""

    __slots__ = ("_probability",)

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self._probability: float = arguments["chance"]

    def draw(self, packet: Packet) -> int:  # noqa: ARG002
        """Whether the packet is chosen."""
        return self.chance.random() < self._probability


class Bursts(Effect):
    """Loss in bursts: a good and a bad state (Gilbert 1960, Elliott 1963; `gemodel` in tc-netem).

    The state may change before each packet: from good to bad with probability p, back with r.
    """

    __slots__ = ("_bad", "_lost_in_burst", "_lost_otherwise", "_p", "_r")

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self._p: float = arguments["p"]
        self._r: float = arguments["r"]
        self._lost_in_burst: float = arguments["lost_in_burst"]
        self._lost_otherwise: float = arguments["lost_otherwise"]
        self._bad = False

    def draw(self, packet: Packet) -> int:  # noqa: ARG002
        """Whether the packet is lost."""
        change, loss = self.chance.random(), self.chance.random()
        if change < (self._r if self._bad else self._p):
            self._bad = not self._bad
        return loss < (self._lost_in_burst if self._bad else self._lost_otherwise)


class Corrupt(Chance):
    """One bit of packets is turned over, each packet chosen for itself."""

    __slots__ = ()

    def draw(self, packet: Packet) -> int:
        """Which bit of the payload, counted from 1."""
        chosen, place = self.chance.random() < self._probability, self.chance.random()
        return _bit(packet, place) if chosen else 0


class Delay(Effect):
    """Packets take longer, by a time with uniform jitter around it."""

    __slots__ = ("_jitter", "_keeps_order", "_last", "_seconds")

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self._seconds: float = arguments["seconds"]
        self._jitter: float = arguments["jitter"]
        self._keeps_order: bool = arguments["keeps_order"]
        self._last = 0.0

    def draw(self, packet: Packet) -> float:  # noqa: ARG002
        """How many seconds longer."""
        if not self._jitter:
            return self._seconds
        return self._seconds + self.chance.uniform(-self._jitter, self._jitter)

    def arrival(self, at: float) -> float:
        """When a packet that is due at that time arrives: behind the one before, if order is kept.

        Only jitter can disturb the order: without it the flow keeps the one that it came in.
        """
        if self._keeps_order and self._jitter:
            at = self._last = max(at, self._last)
        return at


class Rate(Effect):
    """Packets leave one after the other, as fast as so many bits a second allow.

    Packets of IP are counted, with their header. One that finds the queue full is lost.
    """

    __slots__ = ("_bits", "_queue", "_waiting")

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self._bits: float = arguments["bits"]
        self._queue: int = arguments["queue"]
        self._waiting: deque[float] = deque()

    def draw(self, packet: Packet) -> int:
        """The length of the packet in bits."""
        return packet.length * 8

    def departure(self, bits: float, at: float) -> float | None:
        """When a packet that comes at that time has left; None: the queue is full."""
        waiting = self._waiting
        last = waiting[-1] if waiting else at
        while waiting and waiting[0] <= at:
            waiting.popleft()
        # One of them is on its way out, the others wait.
        if len(waiting) > self._queue:
            return None
        departure = max(at, last) + bits / self._bits
        waiting.append(departure)
        return departure


class _Numbered(Effect):
    """Chosen packets of the flow, by their numbers from 1 on."""

    __slots__ = ("number",)

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self.number = 0

    def _next(self) -> int:
        self.number += 1
        return self.number


class These(_Numbered):
    """Chosen packets of the flow."""

    __slots__ = ("_which",)

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self._which: Sequence[Sequence[int]] = arguments["which"]

    def draw(self, packet: Packet) -> int:  # noqa: ARG002
        """Whether the packet is one of them."""
        number = self._next()
        return any(first <= number <= last for first, last in self._which)


class CorruptThese(These):
    """One bit of chosen packets is turned over."""

    __slots__ = ()

    def draw(self, packet: Packet) -> int:
        """Which bit of the payload, counted from 1."""
        chosen, place = super().draw(packet), self.chance.random()
        return _bit(packet, place) if chosen else 0


class DelayThese(_Numbered):
    """Chosen packets take longer."""

    __slots__ = ("_which",)

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self._which: Sequence[tuple[int, int, float]] = arguments["which"]

    def draw(self, packet: Packet) -> float:  # noqa: ARG002
        """How many seconds longer."""
        number = self._next()
        return sum(seconds for first, last, seconds in self._which if first <= number <= last)


class SwapThese(_Numbered):
    """Two packets of the flow change places; those between them stay between them."""

    __slots__ = ("first", "second")

    def __init__(self, arguments: "Arguments", chance: Random) -> None:
        super().__init__(arguments, chance)
        self.first: int = arguments["first"]
        self.second: int = arguments["second"]

    def draw(self, packet: Packet) -> int:  # noqa: ARG002
        """The packet's number where it is one of them or between them, else 0."""
        number = self._next()
        return number if self.first <= number <= self.second else 0


EFFECTS: dict[str, type[Effect]] = {
    "cut": All,
    "drop-these": These,
    "loss": Chance,
    "bursts": Bursts,
    "corrupt-these": CorruptThese,
    "corrupt": Corrupt,
    "duplicate-these": These,
    "duplicate": Chance,
    "swap-these": SwapThese,
    "reorder": Chance,
    "rate": Rate,
    "delay-these": DelayThese,
    "delay": Delay,
}
"""By name, in the order in which a packet meets them."""

NUMBERED = frozenset(name for name in EFFECTS if name.endswith("-these"))
"""Those that speak of single packets; they count whole messages: see `rules.Rule.speaks_of`."""


def _bit(packet: Packet, place: float) -> int:
    """A bit of the payload, or of one byte where it is empty; counted from 1."""
    return 1 + int(place * 8 * max(1, packet.end - packet.start))
