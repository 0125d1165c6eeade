"""Packets between any addresses, and a small internet in memory for routers to stand in.

Behind router n is the network 10.n.0.0/24; outside it has the address 192.0.2.n. All public hosts
are on that outside network. Every host answers ARP.
"""

import struct
from collections import defaultdict

from peerlab.wire.checksum import checksums_hold, internet_checksum, with_checksums
from peerlab.wire.nat import Nat
from peerlab.wire.packet import Datagram, IcmpMessage, Packet, parse
from peerlab.wire.router import Interface, Router

Endpoint = tuple[str, int]
Heard = tuple[Endpoint, Endpoint, bytes]


def ip(text: str) -> bytes:
    return bytes(map(int, text.split(".")))


def mac(address: bytes) -> bytes:
    return b"\x02\x00" + address


def ipv4(
    ends: tuple[str, str],
    protocol: int,
    payload: bytes,
    *,
    fragment: int = 0,
    ttl: int = 64,
    options: bytes = b"",
) -> bytes:
    """A frame without hardware addresses; checksums are right as far as it is not a fragment."""
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45 + len(options) // 4,
        0,
        20 + len(options) + len(payload),
        7,
        fragment,
        ttl,
        protocol,
        0,
        ip(ends[0]),
        ip(ends[1]),
    )
    return with_checksums(bytes(12) + b"\x08\x00" + header + options + payload)


def udp(source: Endpoint, destination: Endpoint, payload: bytes = b"", *, ttl: int = 64) -> bytes:
    header = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0)
    return ipv4((source[0], destination[0]), 17, header + payload, ttl=ttl)


def tcp(source: Endpoint, destination: Endpoint, flags: int) -> bytes:
    header = struct.pack("!HHIIBBHHH", source[1], destination[1], 1, 1, 5 << 4, flags, 65535, 0, 0)
    return ipv4((source[0], destination[0]), 6, header + b"data")


def icmp(kind: int, code: int, rest: bytes) -> bytes:
    """A message; `rest` is all that follows the checksum."""
    checksum = internet_checksum(bytes((kind, code, 0, 0)) + rest)
    return struct.pack("!BBH", kind, code, checksum) + rest


def echo(source: str, destination: str, identifier: int, *, reply: bool = False) -> bytes:
    rest = struct.pack("!HH", identifier, 1) + b"ping"
    return ipv4((source, destination), 1, icmp(0 if reply else 8, 0, rest))


def report(source: str, destination: str, about: bytes, kind: int = 3, code: int = 3) -> bytes:
    """An ICMP error that quotes a frame's packet."""
    quote = about[14 : 14 + (about[14] & 15) * 4 + 8]
    return ipv4((source, destination), 1, icmp(kind, code, bytes(4) + quote))


def arp(
    operation: int, sender: str, target: str, *, hardware: bytes | None = None, to: bytes = b""
) -> bytes:
    own = hardware or mac(ip(sender))
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    body += own + ip(sender) + bytes(6) + ip(target)
    return (to or b"\xff" * 6) + own + b"\x08\x06" + body


def interface(address: str, prefix: int = 24) -> Interface:
    return Interface(mac(ip(address)), ip(address), prefix)


def read(frame: bytes) -> Packet:
    """The packet in a frame that a router sent, all of whose checksums are to be right."""
    packet = parse(frame)
    assert packet is not None
    assert checksums_hold(frame)
    if isinstance(packet, IcmpMessage) and not packet.fragmented:
        assert internet_checksum(frame[packet.start - 8 : packet.end]) == 0
    return packet


class Site:
    """A router, on whose links are hosts."""

    def __init__(self, router: Router, interfaces: list[Interface]) -> None:
        self.router = router
        self.interfaces = interfaces
        self.dropped: str | None = None
        """What the router said of the last frame that a host sent."""

    def send(self, interface: int, frame: bytes, now: float = 0.0) -> list[tuple[int, bytes]]:
        """Let a host send a frame to the router: what comes out, with all neighbours known."""
        addressed = self.interfaces[interface].mac + mac(frame[26:30]) + frame[12:]
        sent = self.router.take(interface, addressed, now)
        self.dropped = self.router.last_drop
        return [found for at, one in sent for found in self._resolved(at, one, now)]

    def one(self, interface: int, frame: bytes, now: float = 0.0) -> tuple[int, Packet]:
        """The same where exactly one packet is to come out."""
        [(way, sent)] = self.send(interface, frame, now)
        return way, read(sent)

    def _resolved(self, at: int, sent: bytes, now: float) -> list[tuple[int, bytes]]:
        if sent[12:14] != b"\x08\x06":
            return [(at, sent)]
        asker, asked = sent[28:32], sent[38:42]
        answer = arp(2, ".".join(map(str, asked)), ".".join(map(str, asker)), to=sent[6:12])
        return self.router.take(at, answer, now)


def translating(number: int, nat: Nat) -> Site:
    interfaces = [interface(f"10.{number}.0.1"), interface(f"192.0.2.{number}")]
    return Site(Router(interfaces, nat=nat), interfaces)


class Internet:
    """Sites by number, public hosts, and what each host heard."""

    def __init__(self, sites: dict[int, Site]) -> None:
        self.sites = sites
        self.now = 0.0
        self.heard: dict[str, list[Heard]] = defaultdict(list)
        self.on_the_way: list[bytes] = []

    def send(self, source: Endpoint, destination: Endpoint, payload: bytes = b"") -> None:
        """Let a host send a datagram, and have all that is on its way arrive."""
        self.start(source, destination, payload)
        while self.on_the_way:
            self.arrive(0)

    def start(self, source: Endpoint, destination: Endpoint, payload: bytes = b"") -> None:
        """Let a host send a datagram that stays on its way in public."""
        frame = udp(source, destination, payload)
        number = self._site(source[0])
        if number is None:
            self.on_the_way.append(frame)
        else:
            self._out(self.sites[number].send(0, frame, self.now))

    def arrive(self, at: int) -> None:
        """Let one of the frames on their way arrive."""
        frame = self.on_the_way.pop(at)
        number = frame[33]
        if number in self.sites:
            self._out(self.sites[number].send(1, frame, self.now))
        else:
            self._hear(frame)

    def last(self, host: str) -> Heard:
        return self.heard[host][-1]

    def _site(self, address: str) -> int | None:
        parts = address.split(".")
        return int(parts[1]) if parts[0] == "10" else None

    def _out(self, sent: list[tuple[int, bytes]]) -> None:
        for way, frame in sent:
            if way == 1:
                self.on_the_way.append(frame)
            else:
                self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        packet = read(frame)
        if isinstance(packet, Datagram):
            source = dotted(packet.source), packet.source_port
            own = dotted(packet.destination), packet.destination_port
            self.heard[own[0]].append((source, own, packet.payload))


def dotted(address: bytes) -> str:
    return ".".join(map(str, address))
