"""Frames between the terminal of a node and the lab, as docs/terminal.md has them. No I/O."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HEADER: Final = struct.Struct(">BxxxL")
"""Kind and length, as in the engine's attach stream, whose numbers of the streams are kept."""

MAX_PAYLOAD: Final = 64 * 1024
"""Bytes of one frame; longer data goes in several."""


class Kind(IntEnum):
    """What a frame carries."""

    HELLO = 0
    """First from the node: who it is, as a JSON object."""
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    """Last from the node: the program's exit status in decimal digits."""
    INPUT = 4
    """From the lab, for standard input; without a payload it is the end of input."""
    SIGNAL = 5
    """From the lab: INT, TERM, KILL, STOP or CONT."""


class FrameError(ValueError):
    """Raised when what came is not a frame, or not one of this direction."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    payload: bytes


def encode(kind: Kind, payload: bytes) -> bytes:
    """Return the bytes of a frame, whose payload has at most MAX_PAYLOAD bytes."""
    return HEADER.pack(kind, len(payload)) + payload


class Decoder:
    """Makes frames of bytes that come in any pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete with this piece.

        Raises:
            FrameError: the next bytes are no frame; nothing after them can be read.
        """
        self._data += data
        while len(self._data) >= HEADER.size:
            number, length = HEADER.unpack_from(self._data)
            if length > MAX_PAYLOAD:
                raise FrameError(f"a frame of {length} bytes, more than {MAX_PAYLOAD}")
            try:
                kind = Kind(number)
            except ValueError:
                raise FrameError(f"a frame of the unknown kind {number}") from None
            end = HEADER.size + length
            if len(self._data) < end:
                return
            frame = Frame(kind, bytes(self._data[HEADER.size : end]))
            del self._data[:end]
            yield frame
