"""Checksums of IPv4, UDP and TCP: whether a frame's hold, and a frame with right ones."""

from peerlab.wire.packet import IP_START, TCP, UDP, Datagram, Packet, Segment, parse

_IP_CHECKSUM = IP_START + 10
_IDENTIFICATION = IP_START + 4
_UDP_CHECKSUM = 6
_TCP_CHECKSUM = 16
_ALL_ONES = 0xFFFF


def internet_checksum(data: bytes) -> int:
    """The checksum of some bytes (RFC 1071): 0 over bytes that contain their own, right one."""
    number = int.from_bytes(data + b"\0" if len(data) % 2 else data)
    # Adding 16-bit words with end-around carry is counting modulo 2**16 - 1, where both 0 and
    # all ones stand for zero. The sum is 0 only if every word is.
    total = number % _ALL_ONES or (_ALL_ONES if number else 0)
    return _ALL_ONES - total


def checksums_hold(frame: bytes) -> bool:
    """Whether the frame carries an IPv4 packet, and all checksums in it are right.

    A UDP checksum of zero says that there is none (RFC 768) and holds. A fragment's transport
    checksum speaks of the whole packet; it is not looked at. Of a UDP or TCP header that cannot
    be read none holds.
    """
    packet = parse(frame)
    if packet is None or internet_checksum(frame[IP_START : _payload_start(frame)]) != 0:
        return False
    place = _transport_checksum(packet)
    if place is None:
        return packet.protocol not in (UDP, TCP) or packet.fragmented
    if packet.protocol == UDP and frame[place : place + 2] == b"\0\0":
        return True
    return internet_checksum(_pseudo_header(packet) + _transport(packet)) == 0


def with_checksums(frame: bytes) -> bytes:
    """The frame with right checksums; as it is where it carries no whole IPv4 header."""
    packet = parse(frame)
    if packet is None:
        return frame
    done = bytearray(frame)
    done[_IP_CHECKSUM : _IP_CHECKSUM + 2] = b"\0\0"
    header = internet_checksum(bytes(done[IP_START : _payload_start(frame)]))
    done[_IP_CHECKSUM : _IP_CHECKSUM + 2] = header.to_bytes(2)
    place = _transport_checksum(packet)
    if place is not None:
        done[place : place + 2] = b"\0\0"
        begin = _payload_start(frame)
        value = internet_checksum(_pseudo_header(packet) + bytes(done[begin : packet.end]))
        if packet.protocol == UDP:
            value = value or _ALL_ONES
        done[place : place + 2] = value.to_bytes(2)
    return bytes(done)


def with_identification(frame: bytes) -> bytes:
    """The frame with the packet as another one: its fragments go together with those alone."""
    changed = bytearray(frame)
    changed[_IDENTIFICATION] ^= 0x80
    return with_checksums(bytes(changed))


def _payload_start(frame: bytes) -> int:
    return IP_START + (frame[IP_START] & 15) * 4


def _transport(packet: Packet) -> bytes:
    return packet.frame[_payload_start(packet.frame) : packet.end]


def _transport_checksum(packet: Packet) -> int | None:
    """Where the transport checksum stands, if there is one that this frame alone decides."""
    if packet.fragmented:
        return None
    if isinstance(packet, Datagram):
        return _payload_start(packet.frame) + _UDP_CHECKSUM
    if isinstance(packet, Segment):
        return _payload_start(packet.frame) + _TCP_CHECKSUM
    return None


def _pseudo_header(packet: Packet) -> bytes:
    """What UDP and TCP checksums cover beside the transport itself (RFC 768, RFC 9293)."""
    protocol = UDP if isinstance(packet, Datagram) else TCP
    length = len(_transport(packet))
    return packet.source + packet.destination + bytes((0, protocol)) + length.to_bytes(2)
