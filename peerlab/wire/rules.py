"""Which packets a rule speaks about, and at which cables it acts.

The runner sends rules as JSON: `id` (the same on every replay), `shown` and `name` (for people),
`from` and `to` (names of nodes, null: any), `protocol` (udp, tcp, null: all of IPv4), `port`,
`effect` (a name of `effects.EFFECTS`, or `off` to end another) and what the effect needs to know.
"""

from collections.abc import Mapping
from random import Random

from peerlab.wire.effects import EFFECTS, NUMBERED, Effect
from peerlab.wire.packet import TCP, UDP, Datagram, Packet, Segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PROTOCOLS = {"udp": UDP, "tcp": TCP}
_OFF = "off"


class Rule:
    """One thing that is done to some packets while it is in force."""

    __slots__ = (
        "arguments",
        "effect",
        "id",
        "name",
        "numbered",
        "order",
        "port",
        "protocol",
        "scope",
        "shown",
        "sources",
        "targets",
    )

    def __init__(self, described: "Mapping[str, Any]") -> None:
        """Take a rule as the runner describes it.

        Raises:
            KeyError, TypeError: it lacks something, or there is no such effect.
        """
        self.id: str = described["id"]
        self.shown: str = described["shown"]
        self.name: str | None = described["name"]
        self.sources = _names(described["from"])
        self.targets = _names(described["to"])
        protocol = described["protocol"]
        self.protocol = None if protocol is None else _PROTOCOLS[protocol]
        self.port: int | None = described["port"]
        self.effect: str = described["effect"]
        self.arguments = described
        if self.effect != _OFF:
            EFFECTS[self.effect](described, Random())  # noqa: S311 - whether it can be made
        self.numbered = self.effect in NUMBERED
        self.order = -1 if self.effect == _OFF else list(EFFECTS).index(self.effect)
        self.scope = (self.sources, self.targets, self.protocol, self.port)
        """What it speaks about: another of its kind for the same takes its place."""

    @property
    def place(self) -> str:
        """Where it comes from, for people: `step 6 (drop: 2)`."""
        step = self.id.split(".", 1)[0]
        return f"{f'step {step}' if step != '0' else 'the start'} ({self.shown})"

    def replaces(self, other: "Rule") -> bool:
        """Whether it takes the place of another rule, or ends it."""
        kind = self.arguments["kind"] if self.effect == _OFF else self.effect
        # Two kinds of loss exclude each other; single packets are spoken of one by one.
        kinds = ("loss", "bursts") if kind in ("loss", "bursts") else (kind,)
        return (
            other.effect in kinds
            and other.scope == self.scope
            and other.effect not in NUMBERED
            and other.effect != "cut"
        )

    @property
    def ends_only(self) -> bool:
        """Whether all that it does is to end another."""
        return self.effect == _OFF

    def acts_on_leaving(self, node: str, *, routes: bool) -> bool:
        """Whether it acts at a node's own end of its cable; `routes` if the node is a router."""
        if self.sources is not None:
            return node in self.sources
        return self.targets is None and not routes

    def acts_on_arriving(self, node: str) -> bool:
        """Whether it acts at the far end of a node's cable, on what comes for the node.

        What cuts acts there, too: a broadcast cannot be told apart by receivers when it leaves.
        """
        if self.targets is None or node not in self.targets:
            return False
        return self.sources is None or self.effect == "cut"

    def speaks_of(self, packet: Packet) -> bool:
        """Whether it is about a packet of this kind, whoever sent it.

        A rule that counts counts datagrams, and of segments those that carry something: how many
        bare acknowledgements there are depends on the time that systems take.
        """
        if self.protocol is not None and packet.protocol != self.protocol:
            return False
        if self.port is not None and not (
            isinstance(packet, Datagram | Segment)
            and self.port in (packet.source_port, packet.destination_port)
        ):
            return False
        if not self.numbered:
            return True
        if isinstance(packet, Segment):
            return packet.end > packet.start
        return isinstance(packet, Datagram)

    def flow(self, seed: int, source: str, target: str, protocol: int) -> Effect:
        """What it does to the flow of a protocol from one node to another, from the begin."""
        # Seeding with text is the same in every version of Python.
        chance = Random(f"{seed} {self.id} {source} {target} {protocol}")  # noqa: S311 - repeatable
        return EFFECTS[self.effect](self.arguments, chance)


def _names(names: "list[str] | None") -> frozenset[str] | None:
    return None if names is None else frozenset(names)
