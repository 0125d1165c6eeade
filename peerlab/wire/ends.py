"""The two ends of a packet: reading them, and putting another in place of one.

Checksums of the transport are adjusted by what changes (RFC 1624) and not computed anew: a
datagram that was damaged on its way stays one.
"""

from struct import unpack_from

from peerlab.wire.checksum import internet_checksum
from peerlab.wire.packet import ICMP, TCP, UDP

Endpoint = tuple[bytes, int]
"""An IPv4 address and a port; of an ICMP query the identifier stands for the querier's port."""

SOURCE, DESTINATION = 12, 16
"""Which end: where in the IP header its address stands."""

ECHO_REPLY, ECHO = 0, 8
"""Types of ICMP messages (RFC 792)."""

_IP_CHECKSUM = 10
_PROTOCOL = 9
_PORT = {SOURCE: 0, DESTINATION: 2}
_ICMP_CHECKSUM, _UDP_CHECKSUM, _TCP_CHECKSUM = 2, 6, 16
_ICMP_IDENTIFIER = 4
_ALL_ONES = 0xFFFF


def ends(frame: bytes, at: int) -> tuple[int, Endpoint, Endpoint] | None:
    """Protocol, source and destination of the packet whose IP header begins at a place.

    The first eight bytes of its payload are to be there. None where it is neither a UDP
    datagram, nor a segment of TCP, nor an ICMP echo or its reply.
    """
    header = at + (frame[at] & 15) * 4
    protocol = frame[at + _PROTOCOL]
    source, destination = frame[at + 12 : at + 16], frame[at + 16 : at + 20]
    first, second, identifier = unpack_from("!HHH", frame, header)
    if protocol in (UDP, TCP):
        return protocol, (source, first), (destination, second)
    if protocol == ICMP and frame[header] == ECHO:
        return protocol, (source, identifier), (destination, 0)
    if protocol == ICMP and frame[header] == ECHO_REPLY:
        return protocol, (source, 0), (destination, identifier)
    return None


def readdressed(frame: bytes, at: int, which: int, address: bytes, port: int | None) -> bytes:
    """The frame with another source or destination in the IP header that begins at a place.

    Without a port the payload stays as it is, as it must in all fragments but the first.
    """
    data = bytearray(frame)
    header = at + (data[at] & 15) * 4
    if port is not None:
        protocol = data[at + _PROTOCOL]
        place = header + (_ICMP_IDENTIFIER if protocol == ICMP else _PORT[which])
        before, after = bytes(data[place : place + 2]), port.to_bytes(2)
        data[place : place + 2] = after
        if protocol == ICMP:
            _adjust(data, header + _ICMP_CHECKSUM, before, after)
        else:  # these cover the addresses too
            before += bytes(data[at + which : at + which + 4])
            after += address
            if protocol == TCP:
                _adjust(data, header + _TCP_CHECKSUM, before, after)
            elif any(data[header + _UDP_CHECKSUM : header + _UDP_CHECKSUM + 2]):
                _adjust(data, header + _UDP_CHECKSUM, before, after)
    data[at + which : at + which + 4] = address
    seal(data, at)
    return bytes(data)


def seal(data: bytearray, at: int) -> None:
    """Set the checksum of the IP header that begins at a place."""
    place = at + _IP_CHECKSUM
    data[place : place + 2] = b"\0\0"
    value = internet_checksum(bytes(data[at : at + (data[at] & 15) * 4]))
    data[place : place + 2] = value.to_bytes(2)


def _adjust(data: bytearray, place: int, before: bytes, after: bytes) -> None:
    """Let a checksum follow a change; one that was cut off, as in what ICMP quotes, stays away."""
    if place + 2 > len(data):
        return
    checksum = int.from_bytes(data[place : place + 2])
    # Words with end-around carry are numbers modulo 2**16 - 1. Of the two forms of zero this
    # never gives the one that says to UDP that there is no checksum; the other holds everywhere.
    total = _ALL_ONES - checksum + int.from_bytes(after) - int.from_bytes(before)
    data[place : place + 2] = (_ALL_ONES - total % _ALL_ONES).to_bytes(2)
