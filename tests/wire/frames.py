"""Frames made by hand, as nodes would send them. Node n has the address 10.9.0.n."""

import struct

from peerlab.wire.checksum import with_checksums

BROADCAST = b"\xff" * 6


def address(node: int) -> bytes:
    return bytes((10, 9, 0, node))


def mac(node: int) -> bytes:
    return b"\x02\x42" + address(node)


def ethernet(source: int, target: int, kind: int, payload: bytes, to: bytes | None = None) -> bytes:
    return (to or mac(target)) + mac(source) + struct.pack("!H", kind) + payload


def ipv4(
    ends: tuple[int, int],
    protocol: int,
    payload: bytes,
    *,
    fragment: int = 0,
    options: bytes = b"",
    to: bytes | None = None,
) -> bytes:
    """A packet with right checksums; `fragment` is flags and offset as in the header."""
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45 + len(options) // 4,
        0,
        20 + len(options) + len(payload),
        77,
        fragment,
        64,
        protocol,
        0,
        address(ends[0]),
        address(ends[1]),
    )
    return with_checksums(ethernet(*ends, 0x0800, header + options + payload, to))


def udp(
    ends: tuple[int, int],
    payload: bytes,
    ports: tuple[int, int] = (5000, 7000),
    *,
    to: bytes | None = None,
) -> bytes:
    header = struct.pack("!HHHH", *ports, 8 + len(payload), 0)
    return ipv4(ends, 17, header + payload, to=to)


def tcp(
    ends: tuple[int, int],
    flags: int,
    numbers: tuple[int, int] = (0, 0),
    payload: bytes = b"",
    ports: tuple[int, int] = (5000, 80),
) -> bytes:
    """A segment; `numbers` are sequence and acknowledgement."""
    header = struct.pack("!HHIIBBHHH", *ports, *numbers, 5 << 4, flags, 65535, 0, 0)
    return ipv4(ends, 6, header + payload)


def arp(source: int, asked: int, to: bytes = BROADCAST) -> bytes:
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    body += mac(source) + address(source) + bytes(6) + address(asked)
    return ethernet(source, asked, 0x0806, body, to)
