"""Frames as the attach stream of Docker's engine has them; terminals on sockets use the same ones.

Source: the Engine API, "Attach to a container"; docs/terminal.md.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HEADER: Final = struct.Struct(">BxxxL")  # kind, length of what follows
_LONGEST: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; 1 is the kind of standard output, 2 that of standard error."""

    kind: int
    payload: bytes


class Decoder:
    """Makes frames of bytes that come in any pieces."""

    def __init__(self, longest: int = _LONGEST) -> None:
        """Begin; a frame that announces more than `longest` bytes is none."""
        self._longest = longest
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete with this piece.

        Raises:
            ValueError: the next bytes are no frame; nothing after them can be read.
        """
        self._data += data
        while len(self._data) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._data)
            if length > self._longest:
                raise ValueError(f"a frame of {length} bytes, more than {self._longest}")
            end = _HEADER.size + length
            if len(self._data) < end:
                return
            frame = Frame(kind, bytes(self._data[_HEADER.size : end]))
            del self._data[:end]
            yield frame


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    return _HEADER.pack(frame.kind, len(frame.payload)) + frame.payload
