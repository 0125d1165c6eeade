"""Reads captures: the UDP datagrams in them, and what TCP connections carried.

Ethernet and IPv4 only, as the wire writes them (classic pcap). What is cut short at the end, as by
`kill -9`, is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from peerlab.evidence.files import open_file

MOST_BYTES: Final = 64 * 1024 * 1024
"""How much of a capture is read."""
MOST_WAITING: Final = 256
"""Segments of a TCP stream that may wait for what is missing before them."""
MOST_FRAGMENTS: Final = 1000
"""Datagrams of which fragments may be missing at a time."""

_HEADER: Final = Struct("<IHHiIII")
_RECORD: Final = Struct("<IIII")
_MAGIC: Final = 0xA1B23C4D
_ETHERNET: Final = 1
_LONGEST_FRAME: Final = 262_144
_IPV4: Final = b"\x08\x00"
_IP_START: Final = 14
_IP_LENGTH: Final = 20
_UDP: Final = 17
_UDP_LENGTH: Final = 8
_TCP: Final = 6
_TCP_LENGTH: Final = 20
_SYN: Final = 2
_SEQUENCES: Final = 1 << 32
_HALF: Final = 1 << 31
_MORE_FRAGMENTS: Final = 0x2000
_OFFSET: Final = 0x1FFF


@dataclass(frozen=True, slots=True)
class Payload:
    """One UDP datagram, or one direction of a TCP connection.

    Attributes:
        protocol: `udp` or `tcp`.
        source: address and port, `10.0.0.2:4000`.
        whole: whether nothing of it is missing in between.
    """

    protocol: str
    source: str
    destination: str
    data: bytes
    whole: bool = True

    @property
    def text(self) -> str:
        """What can be read in it; bytes that are not UTF-8 have a backslash."""
        return self.data.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Captured:
    """What a capture has, as far as it was read.

    Attributes:
        frames: how many were read, of whatever kind.
        cut: it has more than is read.
    """

    payloads: tuple[Payload, ...]
    frames: int
    cut: bool


def read_capture(path: Path, *, limit: int = MOST_BYTES) -> Captured:
    """Read a capture: its datagrams in order, then its TCP streams in the order of their begin.

    Raises:
        OSError: it cannot be read, or is no regular file.
        ValueError: it is not a capture of Ethernet with nanoseconds.
    """
    reader = _Reader()
    frames = 0
    with open_file(path, None) as file:
        for frame in _frames(file, path, limit):
            reader.take(frame)
            frames += 1
        cut = path.stat().st_size > limit
    return Captured((*reader.datagrams, *reader.end()), frames, cut)


def _frames(file: BinaryIO, path: Path, limit: int) -> Iterator[bytes]:
    header = file.read(_HEADER.size)
    if not header:
        return  # nothing was written yet when the run was killed
    if len(header) < _HEADER.size:
        raise ValueError(f"{path.name} is not a capture: it ends in its header")
    magic, *_, link = _HEADER.unpack(header)
    if (magic, link) != (_MAGIC, _ETHERNET):
        raise ValueError(f"{path.name} is not a capture of Ethernet with nanoseconds")
    read = _HEADER.size
    while len(record := file.read(_RECORD.size)) == _RECORD.size:
        *_, length, _original = _RECORD.unpack(record)
        read += _RECORD.size + length
        if length > _LONGEST_FRAME:
            raise ValueError(f"{path.name} is not a capture: it has a frame of {length} bytes")
        frame = file.read(length)
        if read > limit or len(frame) < length:
            return
        yield frame


@dataclass(slots=True)
class _Parts:
    """The fragments of one packet that came so far, by their places."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int | None = None

    def whole(self) -> bytes | None:
        """The packet's payload, once nothing is missing."""
        data = b""
        for place in sorted(self.pieces):
            if place > len(data):
                return None
            data = data[:place] + self.pieces[place]
        return data if self.size is not None and len(data) >= self.size else None


@dataclass(slots=True)
class _Stream:
    """One direction of a TCP connection, from its first sequence number on."""

    start: int
    next: int
    data: bytearray = field(default_factory=bytearray)
    waiting: dict[int, bytes] = field(default_factory=dict)
    whole: bool = True

    def take(self, sequence: int, data: bytes) -> None:
        """Take in a segment; what came before is left out, what comes too early waits."""
        if len(data) > len(self.waiting.get(sequence, b"")):
            self.waiting[sequence] = data
        self._go_on()
        if len(self.waiting) > MOST_WAITING:
            self._skip()

    def end(self) -> None:
        """Take all that waits, whatever is missing before it."""
        while self.waiting:
            self._skip()

    def _skip(self) -> None:
        self.whole = False
        self.next = min(self.waiting, key=lambda sequence: (sequence - self.next) % _SEQUENCES)
        self._go_on()

    def _go_on(self) -> None:
        """Take what waits, as far as nothing is missing."""
        while due := [place for place in self.waiting if (self.next - place) % _SEQUENCES < _HALF]:
            for place in due:
                fresh = self.waiting.pop(place)[(self.next - place) % _SEQUENCES :]
                self.data += fresh
                self.next = (self.next + len(fresh)) % _SEQUENCES


_Ends = tuple[bytes, bytes]
"""Source and destination: address and port, six bytes each."""


class _Reader:
    """Puts together what frames carry."""

    def __init__(self) -> None:
        self.datagrams: list[Payload] = []
        self._streams: dict[_Ends, _Stream] = {}
        self._ended: list[Payload] = []
        self._parts: dict[bytes, _Parts] = {}

    def take(self, frame: bytes) -> None:
        """Take in one frame; what is no UDP and no TCP over IPv4 is passed over."""
        if frame[12:14] != _IPV4 or len(frame) < _IP_START + _IP_LENGTH:
            return
        header = (frame[_IP_START] & 15) * 4
        total = int.from_bytes(frame[16:18])
        # A frame that the system was to cut into segments may have no length of its own.
        data = frame[_IP_START + header : _IP_START + total if total else None]
        fragment = int.from_bytes(frame[20:22])
        if fragment & (_MORE_FRAGMENTS | _OFFSET):
            whole = self._put_together(frame, fragment, data)
            if whole is None:
                return
            data = whole
        protocol, source, target = frame[23], frame[26:30], frame[30:34]
        ends = (source + data[:2], target + data[2:4])
        if protocol == _UDP and len(data) >= _UDP_LENGTH:
            size = int.from_bytes(data[4:6])
            payload = data[_UDP_LENGTH : size or None]
            self.datagrams.append(Payload("udp", _shown(ends[0]), _shown(ends[1]), payload))
        elif protocol == _TCP and len(data) >= _TCP_LENGTH:
            self._take_segment(ends, data)

    def end(self) -> list[Payload]:
        """What the connections carried."""
        for ends, stream in self._streams.items():
            self._close(ends, stream)
        self._streams.clear()
        return self._ended

    def _take_segment(self, ends: _Ends, segment: bytes) -> None:
        sequence = int.from_bytes(segment[4:8])
        payload = segment[(segment[12] >> 4) * 4 :]
        stream = self._streams.get(ends)
        if segment[13] & _SYN:
            sequence = (sequence + 1) % _SEQUENCES
            if stream is not None and stream.start != sequence:  # another connection
                self._close(ends, stream)
                stream = None
        if stream is None:
            stream = self._streams[ends] = _Stream(sequence, sequence)
        if payload:
            stream.take(sequence, payload)

    def _close(self, ends: _Ends, stream: _Stream) -> None:
        stream.end()
        if stream.data:
            data = bytes(stream.data)
            self._ended.append(
                Payload("tcp", _shown(ends[0]), _shown(ends[1]), data, whole=stream.whole)
            )

    def _put_together(self, frame: bytes, fragment: int, data: bytes) -> bytes | None:
        """The payload of a whole packet, once its last fragment has come."""
        key = frame[18:20] + frame[23:24] + frame[26:34]
        parts = self._parts.setdefault(key, _Parts())
        place = (fragment & _OFFSET) * 8
        parts.pieces[place] = data
        if not fragment & _MORE_FRAGMENTS:
            parts.size = place + len(data)
        whole = parts.whole()
        if whole is not None:
            del self._parts[key]
        elif len(self._parts) > MOST_FRAGMENTS:
            del self._parts[next(iter(self._parts))]
        return whole


def _shown(end: bytes) -> str:
    return f"{end[0]}.{end[1]}.{end[2]}.{end[3]}:{int.from_bytes(end[4:])}"
