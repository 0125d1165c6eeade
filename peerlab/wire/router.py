"""An IPv4 router (RFC 1812), with address translation or without; frames in, frames out.

It has no clock and no sockets. Its own addresses answer ARP and pings, and nothing else.
"""

from collections.abc import Sequence

from peerlab.wire import icmp
from peerlab.wire.arp import BROADCAST, Neighbours
from peerlab.wire.checksum import internet_checksum
from peerlab.wire.ends import ECHO, seal
from peerlab.wire.nat import Nat
from peerlab.wire.packet import (
    ARP_TYPE,
    IP_START,
    IPV4_TYPE,
    IcmpMessage,
    Packet,
    parse,
)

INSIDE, OUTSIDE = 0, 1
"""Interfaces of a router that translates; any further ones are inside too."""

_ARP, _IPV4 = ARP_TYPE.to_bytes(2), IPV4_TYPE.to_bytes(2)
_TIME_TO_LIVE = IP_START + 8
_DESTINATION = slice(IP_START + 16, IP_START + 20)
_POINT_TO_POINT = 31
_LINK_LOCAL = bytes((169, 254))
_LOOPBACK, _FIRST_GROUP = 127, 224

Frames = list[tuple[int, bytes]]
"""Frames to send, each with the interface that it leaves by."""


class Interface:
    """Where a router is connected: its address there, and how long the network's prefix is."""

    __slots__ = ("address", "mac", "prefix")

    def __init__(self, mac: bytes, address: bytes, prefix: int) -> None:
        self.mac = mac
        self.address = address
        self.prefix = prefix


class Route:
    """By which interface a network is reached, and through which router if not directly."""

    __slots__ = ("_number", "gateway", "interface", "network", "prefix")

    def __init__(
        self, network: bytes, prefix: int, interface: int, gateway: bytes | None = None
    ) -> None:
        self.network = network
        self.prefix = prefix
        self.interface = interface
        self.gateway = gateway
        self._number = int.from_bytes(network)

    def leads_to(self, address: bytes) -> bool:
        """Whether an address is in the network."""
        return (int.from_bytes(address) ^ self._number) >> (32 - self.prefix) == 0


class Router:
    """Takes frames one by one. Whatever comes, nothing raises."""

    def __init__(
        self, interfaces: Sequence[Interface], routes: Sequence[Route] = (), nat: Nat | None = None
    ) -> None:
        """Take the interfaces, whose networks need no route, and what lies beyond them.

        Raises:
            ValueError: a route leaves by no interface or through a gateway that is not on it, or
                the NAT's address is not that of the outside interface.
        """
        self.last_drop: str | None = None
        """Why the last frame was not passed on; None also where it waits for a neighbour."""
        self._nat = nat
        self._interfaces = tuple(interfaces)
        self._neighbours = tuple(Neighbours(one.mac, one.address) for one in interfaces)
        links = [Route(one.address, one.prefix, at) for at, one in enumerate(interfaces)]
        for route in routes:
            if not 0 <= route.interface < len(links):
                raise ValueError(f"a route leaves by interface {route.interface}, which is not")
            if route.gateway is not None and not links[route.interface].leads_to(route.gateway):
                raise ValueError(f"a gateway is not on interface {route.interface}")
        if nat is not None and [one.address for one in interfaces[OUTSIDE:2]] != [nat.address]:
            raise ValueError("the NAT's address is not that of the outside interface")
        # The longest prefix first, and of several the network of an interface.
        self._routes = sorted([*links, *routes], key=lambda route: -route.prefix)
        self._own = frozenset(one.address for one in interfaces)
        self._broadcast = frozenset(chosen for one in interfaces for chosen in _broadcast(one))

    def take(self, interface: int, frame: bytes, now: float) -> Frames:
        """What to send because of a frame that came in at an interface, at a time in seconds."""
        self.last_drop = None
        own = frame[:6] == self._interfaces[interface].mac
        kind = frame[12:14]
        if kind == _ARP and (own or frame[:6] == BROADCAST):
            answers = self._neighbours[interface].take(frame, now)
            return self._drop("ARP") if answers is None else [(interface, one) for one in answers]
        if not own or kind != _IPV4:
            return self._drop("not IPv4" if own else "not to this router")
        size = int.from_bytes(frame[16:18])
        packet = parse(frame[: IP_START + size])  # without what fills up a short frame
        if packet is None:
            return self._drop("malformed")
        return self._take(interface, packet, now)

    def _take(self, interface: int, packet: Packet, now: float) -> Frames:
        fault = self._fault(packet)
        if fault is not None:
            return self._drop(fault)
        if self._nat is not None and interface == OUTSIDE:
            return self._from_outside(packet, self._nat, now)
        if packet.destination in self._own:
            return self._to_itself(packet, now)
        if self._nowhere(packet.destination):
            return self._drop("not to be forwarded")
        way = self._way(packet.destination)
        if self._nat is not None and way is not None and way.interface == OUTSIDE:
            return self._from_inside(packet, self._nat, now)
        return self._pass_on(packet, packet.frame, now)

    def _fault(self, packet: Packet) -> str | None:
        """Why a packet goes nowhere, whatever its destination."""
        header = packet.frame[IP_START : IP_START + (packet.frame[IP_START] & 15) * 4]
        if internet_checksum(header) != 0:
            return "checksum"
        return "source" if self._nowhere(packet.source) or packet.source in self._own else None

    def _to_itself(self, packet: Packet, now: float) -> Frames:
        if isinstance(packet, IcmpMessage) and packet.kind == ECHO:
            return self._answer(packet, now)
        if self._nat is not None and packet.destination == self._nat.address:
            return self._from_inside(packet, self._nat, now)
        return self._drop("to the router itself")

    def _from_outside(self, packet: Packet, nat: Nat, now: float) -> Frames:
        if packet.destination != nat.address:
            return self._drop("not to the external address")
        if isinstance(packet, IcmpMessage) and packet.kind == ECHO:
            return self._answer(packet, now)
        return self._translated(packet, nat.inbound(packet, now), nat, now)

    def _from_inside(self, packet: Packet, nat: Nat, now: float) -> Frames:
        if packet.frame[_TIME_TO_LIVE] <= 1:
            return self._expired(packet, now)
        back = self._way(packet.source)
        if back is None or back.interface == OUTSIDE:
            return self._drop("source")
        frames = nat.outbound(packet, now)
        if packet.destination == nat.address:
            # To an external endpoint from inside: it comes back as if from outside (REQ-9).
            turned = [one for one in map(parse, frames) if one is not None]
            frames = [frame for one in turned for frame in nat.inbound(one, now)]
        return self._translated(packet, frames, nat, now)

    def _translated(self, packet: Packet, frames: list[bytes], nat: Nat, now: float) -> Frames:
        if not frames:
            return self._drop(nat.reason)
        return [sent for frame in frames for sent in self._pass_on(packet, frame, now)]

    def _pass_on(self, packet: Packet, frame: bytes, now: float) -> Frames:
        """Send a packet a step further, in the frame that holds it as it is now."""
        way = self._way(frame[_DESTINATION])
        if way is None:
            self.last_drop = "no route"
            return self._report(packet, (icmp.UNREACHABLE, 0), now)
        if frame[_TIME_TO_LIVE] <= 1:
            return self._expired(packet, now)
        data = bytearray(frame)
        data[_TIME_TO_LIVE] -= 1
        seal(data, IP_START)
        return self._send(way, bytes(data), now)

    def _answer(self, request: IcmpMessage, now: float) -> Frames:
        if request.fragmented:
            return self._drop("fragment to the router itself")
        if not icmp.holds(request):
            return self._drop("checksum")
        return self._originate(icmp.echo_reply(request), now)

    def _expired(self, packet: Packet, now: float) -> Frames:
        self.last_drop = "time to live"
        return self._report(packet, (icmp.EXCEEDED, 0), now)

    def _report(self, about: Packet, kind: tuple[int, int], now: float) -> Frames:
        """Tell the source of a packet that it was dropped."""
        way = self._way(about.source)
        if way is None:
            return []
        report = icmp.error(about, *kind, self._interfaces[way.interface].address)
        return [] if report is None else self._originate(report, now)

    def _originate(self, frame: bytes, now: float) -> Frames:
        way = self._way(frame[_DESTINATION])
        return self._drop("no route") if way is None else self._send(way, frame, now)

    def _send(self, way: Route, frame: bytes, now: float) -> Frames:
        neighbours = self._neighbours[way.interface]
        frames = neighbours.send(way.gateway or frame[_DESTINATION], frame, now)
        return [(way.interface, one) for one in frames]

    def _way(self, address: bytes) -> Route | None:
        return next((route for route in self._routes if route.leads_to(address)), None)

    def _nowhere(self, address: bytes) -> bool:
        """Whether no router forwards to or from an address (RFC 1812, sections 4.2.2.11, 5.3)."""
        return (
            not 0 < address[0] < _FIRST_GROUP
            or address[0] == _LOOPBACK
            or address[:2] == _LINK_LOCAL
            or address in self._broadcast
        )

    def _drop(self, reason: str | None) -> Frames:
        self.last_drop = reason
        return []


def _broadcast(interface: Interface) -> list[bytes]:
    """The addresses that mean all on a link: the last of its network, and of old the first."""
    if interface.prefix >= _POINT_TO_POINT:
        return []
    hosts = (1 << (32 - interface.prefix)) - 1
    number = int.from_bytes(interface.address)
    return [(number | hosts).to_bytes(4), (number & ~hosts).to_bytes(4)]
