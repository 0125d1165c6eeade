"""Network address translation in the terms of RFC 4787: the kinds of NAT that a lab can have.

Also after RFC 5382 for TCP and RFC 5508 for ICMP. It decides and rewrites; a router moves frames.
"""

from itertools import chain

from peerlab.wire import icmp
from peerlab.wire.ends import (
    DESTINATION,
    ECHO,
    ECHO_REPLY,
    SOURCE,
    Endpoint,
    ends,
    readdressed,
)
from peerlab.wire.fragments import Fragments
from peerlab.wire.packet import IP_START, UDP, Datagram, IcmpMessage, Packet, Segment
from peerlab.wire.sessions import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from random import Random

ENDPOINT_INDEPENDENT = "endpoint-independent"
ADDRESS_DEPENDENT = "address-dependent"
ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"
BEHAVIOURS = (ENDPOINT_INDEPENDENT, ADDRESS_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT)

ICMP_TIMEOUT = 60.0
"""Seconds after which a query is forgotten (RFC 5508, REQ-2)."""

_FIRST_DYNAMIC, _PORTS = 1024, 65536
"""Ports below the first are given only to those below it (RFC 4787, REQ-3)."""


class Nat:
    """One external address for all that is inside."""

    def __init__(
        self,
        mapping: str,
        filtering: str,
        timeout: float,
        address: bytes,
        chance: "Random",
        *,
        limit: int = 16384,
    ) -> None:
        """Take two of BEHAVIOURS, seconds that a UDP session lives, and the external address.

        There are at most `limit` mappings; that which was not used for longest is forgotten.

        Raises:
            ValueError: there is no such behaviour.
        """
        for behaviour in (mapping, filtering):
            if behaviour not in BEHAVIOURS:
                raise ValueError(f"unknown behaviour {behaviour!r}")
        self.address = address
        self.translated = 0
        """How many packets and fragments went through."""
        self.refused = 0
        """How many from outside did not, for want of a mapping or because of filtering."""
        self.reason: str | None = None
        """Why the last packet gave no frame; None also where it waits for its first fragment."""
        self._mapping, self._filtering = mapping, filtering
        self._timeout = timeout
        self._chance = chance
        self._limit = limit
        self._mappings: dict[tuple[int, Endpoint, object], Mapping] = {}
        self._ports: dict[tuple[int, int], Mapping] = {}
        self._fragments = Fragments()

    def outbound(self, packet: Packet, now: float) -> list[bytes]:
        """The frames that come of one from inside."""
        return self._translate(packet, SOURCE, now)

    def inbound(self, packet: Packet, now: float) -> list[bytes]:
        """The frames that come of one for the external address."""
        return self._translate(packet, DESTINATION, now)

    def _translate(self, packet: Packet, which: int, now: float) -> list[bytes]:
        self.reason = None
        if packet.offset:
            frames = self._later(packet, which, now)
        elif isinstance(packet, IcmpMessage) and packet.kind in icmp.ERRORS:
            frames = self._error(packet, which, now)
        else:
            frames = self._whole_or_first(packet, which, now)
        self.translated += len(frames)
        return frames

    def _whole_or_first(self, packet: Packet, which: int, now: float) -> list[bytes]:
        end = self._from_inside(packet, now) if which == SOURCE else self._to_inside(packet, now)
        waited: list[bytes] = []
        if packet.fragmented:
            waited = self._fragments.first(packet, end and end[0], now)
        if end is None:
            return []
        frames = [readdressed(packet.frame, IP_START, which, *end)]
        frames += [readdressed(frame, IP_START, which, end[0], None) for frame in waited]
        return frames

    def _later(self, packet: Packet, which: int, now: float) -> list[bytes]:
        decided, address = self._fragments.later(packet, now)
        if address is not None:
            return [readdressed(packet.frame, IP_START, which, address, None)]
        if decided:
            self.reason = "first fragment dropped"
        return []

    def _from_inside(self, packet: Packet, now: float) -> Endpoint | None:
        """The external endpoint in place of a packet's source, mapped if it is not yet."""
        found = self._ends(packet, ECHO)
        if found is None:
            return None
        protocol, inside, remote = found
        key = protocol, inside, _part(self._mapping, remote)
        mapping = self._living(self._mappings.get(key), now) or self._new(key, now)
        if mapping is None:
            self.reason = "no free port"
            return None
        self._mappings[key] = self._mappings.pop(key)  # those used last stand last
        session = mapping.session(remote, now)
        if isinstance(packet, Segment):
            session.segment(packet.flags, now, outbound=True)
        else:
            session.until = now + (self._timeout if protocol == UDP else ICMP_TIMEOUT)
        return self.address, mapping.port

    def _to_inside(self, packet: Packet, now: float) -> Endpoint | None:
        """The endpoint inside in place of a packet's destination, if it may come in."""
        found = self._ends(packet, ECHO_REPLY)
        if found is None:
            return None
        protocol, remote, (_, port) = found
        mapping = self._living(self._ports.get((protocol, port)), now)
        if mapping is None or not self._permits(mapping, remote, now):
            # Nothing is answered and nothing remembered. A NAT on connection tracking hands such
            # a datagram to the router's own stack, which confirms an entry for it; the flow from
            # inside that comes next collides with that entry and is given another port, so
            # that of two peers behind such NATs who punch holes the later one fails.
            self.reason = "no mapping" if mapping is None else "filtered"
            self.refused += 1
            return None
        if isinstance(packet, Segment):
            mapping.session(remote, now).segment(packet.flags, now, outbound=False)
        return mapping.inside

    def _error(self, report: IcmpMessage, which: int, now: float) -> list[bytes]:
        """Translate a report on a mapped flow: its own end, and that of the packet it quotes.

        What it quotes went the other way, so that the same end is the other one there. No report
        keeps a mapping or ends one (RFC 5508, REQ-3 to REQ-5).
        """
        at = icmp.quoted(report) if not report.fragmented and icmp.holds(report) else None
        found = None if at is None else ends(report.frame, at)
        if at is None or found is None:
            self.reason = "unreadable ICMP error"
            return []
        protocol, source, destination = found
        if which == SOURCE:
            key = protocol, destination, _part(self._mapping, source)
            mapping = self._living(self._mappings.get(key), now)
        else:
            mapping = self._living(self._ports.get((protocol, source[1])), now)
            if source[0] != self.address or (
                mapping is not None and not self._permits(mapping, destination, now)
            ):
                mapping = None
            self.refused += mapping is None
        if mapping is None:
            self.reason = "no mapping"
            return []
        end = (self.address, mapping.port) if which == SOURCE else mapping.inside
        other = DESTINATION if which == SOURCE else SOURCE
        frame = icmp.resealed(report, readdressed(report.frame, at, other, *end))
        return [readdressed(frame, IP_START, which, end[0], None)]

    def _ends(self, packet: Packet, query: int) -> tuple[int, Endpoint, Endpoint] | None:
        """Protocol, source and destination of what can be translated."""
        if isinstance(packet, Datagram | Segment) or (
            isinstance(packet, IcmpMessage) and packet.kind == query
        ):
            return ends(packet.frame, IP_START)
        self.reason = "protocol not translated"
        return None

    def _permits(self, mapping: Mapping, remote: Endpoint, now: float) -> bool:
        """Whether what comes from an endpoint outside may go in."""
        if self._filtering == ENDPOINT_INDEPENDENT:
            return True
        if self._filtering == ADDRESS_DEPENDENT:
            return mapping.knows_address(remote[0], now)
        return mapping.knows(remote, now)

    def _living(self, mapping: Mapping | None, now: float) -> Mapping | None:
        """The mapping if it still lives; else it is forgotten."""
        if mapping is None or mapping.lives(now):
            return mapping
        self._forget(mapping)
        return None

    def _forget(self, mapping: Mapping) -> None:
        del self._mappings[mapping.key]
        del self._ports[mapping.key[0], mapping.port]

    def _new(self, key: tuple[int, Endpoint, object], now: float) -> Mapping | None:
        if len(self._mappings) >= self._limit:
            self._forget(next(iter(self._mappings.values())))
        wanted = key[1][1]
        if self._mapping != ENDPOINT_INDEPENDENT:
            wanted = self._chance.randrange(_FIRST_DYNAMIC, _PORTS)
        port = self._free_port(key[0], wanted, now)
        if port is None:
            return None
        mapping = self._mappings[key] = self._ports[key[0], port] = Mapping(key, port)
        return mapping

    def _free_port(self, protocol: int, wanted: int, now: float) -> int | None:
        """The port wanted, or the next free one that is as even or odd (RFC 4787, REQ-4)."""
        wanted = wanted or 2  # no port is 0
        low, high = (1, _FIRST_DYNAMIC) if wanted < _FIRST_DYNAMIC else (_FIRST_DYNAMIC, _PORTS)
        first = low + (wanted - low) % 2
        for port in chain(range(wanted, high, 2), range(first, wanted, 2)):
            if self._living(self._ports.get((protocol, port)), now) is None:
                return port
        return self._free_port(protocol, wanted + _FIRST_DYNAMIC, now) if low == 1 else None


def _part(behaviour: str, remote: Endpoint) -> object:
    """What of an endpoint outside a mapping is for."""
    if behaviour == ENDPOINT_INDEPENDENT:
        return None
    return remote[0] if behaviour == ADDRESS_DEPENDENT else remote
