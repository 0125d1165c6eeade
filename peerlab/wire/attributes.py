"""How messages of rtnetlink(7) are put together. Pure."""

import struct


def attribute(kind: int, data: bytes) -> bytes:
    """A `struct rtattr` with its data, as long as the next one needs it."""
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)
