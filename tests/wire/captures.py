"""Reads captures, knowing the format only from its description."""

import struct


def captured(data: bytes) -> list[tuple[int, bytes]]:
    """The frames of a capture of Ethernet with nanoseconds, and when each was seen."""
    magic, major, minor, *_, link = struct.unpack_from("<IHHIIII", data)
    assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 1)
    found = []
    place = 24
    while place < len(data):
        seconds, nanoseconds, length, original = struct.unpack_from("<IIII", data, place)
        assert length == original
        assert nanoseconds < 10**9
        place += 16 + length
        assert place <= len(data)
        found.append((seconds * 10**9 + nanoseconds, data[place - length : place]))
    return found
