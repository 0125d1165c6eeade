"""Captures in the classic pcap format, which Wireshark opens."""

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

# Magic number for timestamps in nanoseconds, version 2.4, no zone, no accuracy, frames whole up
# to the length, link type Ethernet.
_HEADER = Struct("<IHHiIII")
_NANOSECONDS_MAGIC = 0xA1B23C4D
_LONGEST_FRAME = 262_144
_ETHERNET = 1
_RECORD = Struct("<IIII")
_BUFFER_BYTES = 1 << 16


class Capture:
    """A capture being written. What does not fit ends it, and never the one who writes it."""

    def __init__(self, file: "BinaryIO", *, limit: int = 1 << 30) -> None:
        """Write to a binary file at most so many bytes."""
        self._file = file
        self._room = limit
        self._buffer = bytearray()
        self.ended: str | None = None
        """Why frames are missing at the end of the capture; None: none are."""
        self.frames = 0
        """How many frames it has."""
        self._add(_HEADER.pack(_NANOSECONDS_MAGIC, 2, 4, 0, 0, _LONGEST_FRAME, _ETHERNET))

    def write(self, at: int, frame: bytes) -> None:
        """Add a frame that was seen at a time, in nanoseconds since 1970 (UTC)."""
        if self.ended is None:
            seconds, nanoseconds = divmod(at, 1_000_000_000)
            length = len(frame)
            self._add(_RECORD.pack(seconds, nanoseconds, length, length) + frame)
            self.frames += self.ended is None

    def flush(self) -> None:
        """Hand over to the system what waits."""
        try:
            while self._buffer:
                del self._buffer[: self._file.write(self._buffer)]
            self._file.flush()
        except OSError as error:
            self.ended = f"cannot write the capture: {error.strerror}"
            self._buffer.clear()

    def _add(self, data: bytes) -> None:
        if len(data) > self._room:
            self.ended = "the capture has reached its limit"
            return
        self._room -= len(data)
        self._buffer += data
        if len(self._buffer) >= _BUFFER_BYTES:
            self.flush()
