"""What an Ethernet frame carries, as far as a lab wants to know. Whatever comes, nothing raises."""

from struct import Struct

_Fields = tuple[int, int, int, int, int, int, bytes, bytes]

ICMP, TCP, UDP = 1, 6, 17
"""Protocol numbers in the IPv4 header."""

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
"""Control bits of a segment (RFC 9293, section 3.1)."""

IP_START = 14
"""Where the IP header begins, after two addresses and the type of the frame."""

IPV4_TYPE, ARP_TYPE = 0x0800, 0x0806

# Type of the frame, then the IPv4 header: version and length, type of service, total length,
# identification, fragment, time to live, protocol, checksum, source, destination.
_IPV4 = Struct("!HBxHHHxBxx4s4s")
_UDP = Struct("!HHH")
_TCP = Struct("!HHIIBB")
# Type of the frame, then the ARP message: kinds of addresses and their lengths, and the target's
# IPv4 address, which comes last.
_ARP = Struct("!HHHBB2x6x4x6x4s")
_ARP_KINDS = [ARP_TYPE, 1, IPV4_TYPE, 6, 4]
_TYPE_AT = 12
_LENGTH_AT = IP_START + 2
_PROTOCOL_AT = IP_START + 9
_IPV4_BYTES, _TCP_BYTE = IPV4_TYPE.to_bytes(2), TCP.to_bytes(1)
_SHORTEST_IPV4 = 20
_VERSION_4 = 4
_MORE_FRAGMENTS, _FRAGMENT_OFFSET = 0x2000, 0x1FFF
_FRAGMENT_UNIT = 8
_UDP_HEADER = 8
_SHORTEST_TCP = 20
_ICMP_HEADER = 8
_ADDRESS_SIZE = 4


class Packet:
    """An IPv4 packet (RFC 791) in its frame.

    One of this very class has no readable transport header: another protocol, a fragment other
    than the first, or a damaged header.
    """

    __slots__ = (
        "destination",
        "end",
        "fragment",
        "frame",
        "identification",
        "protocol",
        "source",
        "start",
    )

    def __init__(self, frame: bytes, fields: _Fields) -> None:
        self.frame = frame
        _, version, total, self.identification, self.fragment, self.protocol, source, target = (
            fields
        )
        self.source = source
        """Address of the sender, four bytes."""
        self.destination = target
        self.start = IP_START + (version & 15) * 4
        """Where in the frame the payload begins: after the innermost header that was read."""
        self.end = IP_START + total
        """Where in the frame the payload ends; padding may follow."""

    @property
    def length(self) -> int:
        """Bytes of the packet, from its IP header on."""
        return int.from_bytes(self.frame[_LENGTH_AT : _LENGTH_AT + 2])

    @property
    def offset(self) -> int:
        """How many bytes of the whole packet's payload come before this fragment's."""
        return (self.fragment & _FRAGMENT_OFFSET) * _FRAGMENT_UNIT

    @property
    def fragmented(self) -> bool:
        """Whether this is one of several parts of a packet."""
        return bool(self.fragment & (_MORE_FRAGMENTS | _FRAGMENT_OFFSET))

    @property
    def payload(self) -> bytes:
        """What follows the innermost header that was read."""
        return self.frame[self.start : self.end]


class Datagram(Packet):
    """A UDP datagram (RFC 768), or its first fragment."""

    __slots__ = ("destination_port", "size", "source_port")

    source_port: int
    destination_port: int
    size: int
    """Bytes of payload of the whole datagram, also where this is the first of its fragments."""


class Segment(Packet):
    """A TCP segment (RFC 9293)."""

    __slots__ = ("acknowledgement", "destination_port", "flags", "sequence", "source_port")

    source_port: int
    destination_port: int
    sequence: int
    acknowledgement: int
    flags: int


class IcmpMessage(Packet):
    """An ICMP message (RFC 792)."""

    __slots__ = ("code", "kind")

    kind: int
    code: int


def parse(frame: bytes) -> Packet | None:
    """The IPv4 packet in a frame; None where there is none, or where its header is damaged."""
    if len(frame) < IP_START + _SHORTEST_IPV4:
        return None
    fields = _IPV4.unpack_from(frame, _TYPE_AT)
    kind, version, total, _, fragment, protocol, _, _ = fields
    header = (version & 15) * 4
    if (
        kind != IPV4_TYPE
        or version >> 4 != _VERSION_4
        or not _SHORTEST_IPV4 <= header <= total <= len(frame) - IP_START
    ):
        return None
    if not fragment & _FRAGMENT_OFFSET:
        if protocol == UDP:
            return _datagram(frame, fields, total - header)
        if protocol == TCP:
            return _segment(frame, fields, total - header)
        if protocol == ICMP and total - header >= _ICMP_HEADER:
            message = IcmpMessage(frame, fields)
            message.kind, message.code = frame[message.start], frame[message.start + 1]
            message.start += _ICMP_HEADER
            return message
    return Packet(frame, fields)


def _datagram(frame: bytes, fields: _Fields, room: int) -> Packet:
    if room < _UDP_HEADER:
        return Packet(frame, fields)
    packet = Datagram(frame, fields)
    start = packet.start
    packet.source_port, packet.destination_port, length = _UDP.unpack_from(frame, start)
    if length < _UDP_HEADER or (length > room and not fields[4] & _MORE_FRAGMENTS):
        return Packet(frame, fields)
    packet.size = length - _UDP_HEADER
    packet.start = start + _UDP_HEADER
    packet.end = min(packet.end, start + length)
    return packet


def _segment(frame: bytes, fields: _Fields, room: int) -> Packet:
    if room < _SHORTEST_TCP:
        return Packet(frame, fields)
    packet = Segment(frame, fields)
    (
        packet.source_port,
        packet.destination_port,
        packet.sequence,
        packet.acknowledgement,
        length,
        packet.flags,
    ) = _TCP.unpack_from(frame, packet.start)
    header = (length >> 4) * 4
    if not _SHORTEST_TCP <= header <= room:
        return Packet(frame, fields)
    packet.start += header
    return packet


def arp_target(frame: bytes) -> bytes | None:
    """The IPv4 address that an ARP message asks for, or tells (RFC 826).

    None where the frame holds no ARP message about IPv4 on Ethernet.
    """
    if len(frame) < _TYPE_AT + _ARP.size:
        return None
    *kinds, target = _ARP.unpack_from(frame, _TYPE_AT)
    return target if kinds == _ARP_KINDS else None


def is_segment(frame: bytes) -> bool:
    """Whether a frame looks like one with TCP in it, at a glance."""
    protocol = frame[_PROTOCOL_AT : _PROTOCOL_AT + 1]
    return protocol == _TCP_BYTE and frame[_TYPE_AT:IP_START] == _IPV4_BYTES


def packed(address: str) -> bytes:
    """The four bytes of an IPv4 address as people write it.

    Raises:
        ValueError: it is none.
    """
    made = bytes(int(part) for part in address.split("."))
    if len(made) != _ADDRESS_SIZE:
        raise ValueError(f"{address!r} is no IPv4 address")
    return made


def dotted(address: bytes) -> str:
    """An IPv4 address as people write it."""
    return "{}.{}.{}.{}".format(*address)
