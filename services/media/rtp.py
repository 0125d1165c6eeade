"""Packets of RTP (RFC 3550 section 5), and what of a client's UDP port is for media. No I/O."""

import struct
from typing import NamedTuple

MAX_PACKET = 1200
"""Bytes of one datagram of RTP or RTCP, as for messages."""
VERSION = 2

_HEADER = struct.Struct("!BBHII")
_PADDING, _EXTENSION, _SOURCES, _MARKER, _TYPE = 0x20, 0x10, 0x0F, 0x80, 0x7F


class PacketError(Exception):
    """Raised for a datagram that is not in the grammar; says what is wrong with it."""


class Packet(NamedTuple):
    """One packet of RTP.

    Attributes:
        marker: whether sound begins here after silence.
        payload_type: 0 to 127; 0 is PCMU.
        sequence: counts packets, modulo 2**16.
        timestamp: counts samples, modulo 2**32.
        ssrc: which stream this belongs to, 32 bits.
        payload: the sound.
    """

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def is_media(data: bytes) -> bool:
    """Return whether a datagram is for this package: RTP or RTCP of version 2, by its first bits.

    These are the octets 128 to 191, as in RFC 7983. No text in UTF-8 begins with one of them.
    """
    return bool(data) and data[0] >> 6 == VERSION


def is_rtcp(data: bytes) -> bool:
    """Return whether a datagram for this package is RTCP: RFC 5761 section 4 keeps them apart."""
    return len(data) > 1 and 192 <= data[1] <= 223  # noqa: PLR2004 - as the RFC has them


def ahead(number: int, reference: int, bits: int) -> int:
    """Return how far a number that wraps at `bits` is ahead; negative if it is behind."""
    half = 1 << (bits - 1)
    return (number - reference + half) % (2 * half) - half


def parse_packet(data: bytes) -> Packet:
    """Read a packet; contributing sources, a header extension and padding are left out.

    Raises:
        PacketError: it is no packet of RTP.
    """
    if not _HEADER.size <= len(data) <= MAX_PACKET:
        raise PacketError(f"a packet has {_HEADER.size} to {MAX_PACKET} bytes, not {len(data)}")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != VERSION:
        raise PacketError(f"the version is {VERSION}, not {first >> 6}")
    start = _HEADER.size + 4 * (first & _SOURCES)
    if first & _EXTENSION:
        # Its length in words follows two octets that say what it is.
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    # The last octet says how much of the padding there is, itself included.
    padding = data[-1] if first & _PADDING else 0
    end = len(data) - padding
    if start > end or (first & _PADDING and padding == 0):
        raise PacketError("the header or the padding is longer than the packet")
    return Packet(
        bool(second & _MARKER), second & _TYPE, sequence, timestamp, ssrc, data[start:end]
    )


def format_packet(packet: Packet) -> bytes:
    """Write a packet with the shortest header."""
    second = packet.payload_type | (_MARKER if packet.marker else 0)
    header = _HEADER.pack(VERSION << 6, second, packet.sequence, packet.timestamp, packet.ssrc)
    return header + packet.payload
