"""Datagrams on trial: the wire sends them to itself through the nodes' own cables, to be measured.

They are told from all else by the type of their frames, which no network stack takes (IEEE 802
"local experimental"), carry a datagram or segment of the kind that the rules speak about, and meet
cables of their own, where the rules on trial act from the begin: no counter and no chance of the
run itself is used up.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from struct import Struct
from zlib import crc32

from peerlab.wire.cable import Cable, Delivery
from peerlab.wire.checksum import with_checksums
from peerlab.wire.packet import ACK, IPV4_TYPE, TCP, UDP, packed, parse
from peerlab.wire.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FRAME_TYPE = 0x88B5
"""Of the frames: local experimental EtherType 1."""

_TYPE = FRAME_TYPE.to_bytes(2)
_IPV4 = IPV4_TYPE.to_bytes(2)
_IP = Struct("!BBHHHBBH4s4s")
_UDP = Struct("!HHHH")
_TCP = Struct("!HHIIBBHHH")
_STAMP = Struct("!HH")
_PAYLOAD = bytes(range(16))
_DISCARD = 9  # the port of the Discard protocol (RFC 863)


class Trial:
    """Some rules, and datagrams that go from one node to another under them."""

    __slots__ = (
        "_port",
        "_protocol",
        "arriving",
        "count",
        "destination",
        "leaving",
        "number",
        "receiver",
        "sender",
        "source",
    )

    def __init__(
        self, described: "Mapping[str, Any]", seed: int, name_of: Callable[[bytes], str]
    ) -> None:
        """Take a trial as the runner describes it.

        It has its `number` and that of datagrams (`count`), `rules`, the nodes `sender` and
        `receiver`, which are neighbours, and the `source` and `destination` address. If it is
        `native` the kernel is on trial, too.

        Raises:
            KeyError, TypeError, ValueError: it lacks something.
        """
        self.number: int = described["number"]
        self.count: int = described["count"]
        self.sender: str = described["sender"]
        self.receiver: str = described["receiver"]
        self.source = packed(described["source"])
        self.destination = packed(described["destination"])
        rules = [Rule(rule) for rule in described["rules"]]
        protocol, port = rules[0].protocol, rules[0].port
        self._protocol = UDP if protocol is None else protocol
        self._port = _DISCARD if port is None else port
        native: bool = described["native"]
        self.leaving = Cable(seed, name_of, self.sender, leaving=True, native=native)
        self.arriving = Cable(seed, name_of, self.receiver, leaving=False, native=native)
        for cable in (self.leaving, self.arriving):
            cable.put(rules)

    def by_kernel(self, node: str | None, *, leaving: bool) -> Sequence[Rule]:
        """The rules on trial that the kernel has to follow at one end of a node's cable."""
        if node != (self.sender if leaving else self.receiver):
            return ()
        return (self.leaving if leaving else self.arriving).by_kernel

    def frame(self, number: int, origin: bytes, target: bytes) -> bytes:
        """The frame with one of its datagrams, between two hardware addresses."""
        if self._protocol == TCP:
            transport = _TCP.pack(_DISCARD, self._port, 1, 1, 0x50, ACK, 0, 0, 0)
        else:
            transport = _UDP.pack(_DISCARD, self._port, _UDP.size + len(_PAYLOAD), 0)
        size = _IP.size + len(transport) + len(_PAYLOAD)
        addresses = self.source, self.destination
        header = _IP.pack(0x45, 0, size, 0, 0, 64, self._protocol, 0, *addresses)
        made = with_checksums(target + origin + _IPV4 + header + transport + _PAYLOAD)
        # Behind the packet, where no rule damages it.
        return made[:12] + _TYPE + made[14:] + _STAMP.pack(self.number, number)


def is_on_trial(frame: bytes) -> bool:
    """Whether a frame carries a datagram on trial."""
    return frame[12:14] == _TYPE


def stamp_of(frame: bytes) -> tuple[int, int] | None:
    """The numbers of the trial and the datagram in a frame; None: there are none."""
    if len(frame) < _STAMP.size:
        return None
    trial, number = _STAMP.unpack(frame[-_STAMP.size :])
    return trial, number


def digest(frame: bytes) -> int:
    """Tells whether the datagram in a frame was changed on the way."""
    return crc32(frame[14 : -_STAMP.size])


def rest(cable: Cable) -> Sequence[Delivery]:
    """What still waits for others when none comes any more."""
    released: list[Delivery] = []
    while cable.release_at < inf:
        released += cable.release(cable.release_at)
    return sealed(released)


def carry(cable: Cable, frame: bytes, at: float) -> Sequence[Delivery]:
    """Let a datagram on trial have its fate; what is to be handed on."""
    packet = parse(frame[:12] + _IPV4 + frame[14:])
    return () if packet is None else sealed(cable.carry(packet, at)[1])


def sealed(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Give frames the type again by which they are told from all else."""
    return [(due, frame[:12] + _TYPE + frame[14:]) for due, frame in deliveries]
