"""What the wire and the runner say to each other: lines of JSON over a stream socket."""

import json
from collections import deque
from math import inf
from select import POLLOUT, poll

from peerlab.wire.flows import Record, datagram_record
from peerlab.wire.packet import Datagram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

_QUEUE = 20_000
"""How many records may wait; each keeps its frame until it is written."""

_BATCH = 16
"""How many records are written between two looks at the network."""

_GATHER = 0.005
"""Seconds that a record may wait for more: each time that the runner wakes costs the network."""

_Waiting = Record | tuple[Datagram, float, str | None, str | None, Record]


class Control:
    """The wire's end of the connection. Telling never waits: what does not fit is counted."""

    def __init__(self, channel: "socket", limit: int) -> None:
        """Tell at most so many datagrams, and as many other records."""
        channel.settimeout(0)
        self._channel = channel
        self._limit = limit
        self._queue: deque[_Waiting] = deque()
        self._answers = b""
        self._large: deque[bytes] = deque()
        self._large_next = False
        self.unsent = 0
        """How many bytes of what is large wait."""
        self._written = b""
        self._read = b""
        self._datagrams = self._others = 0
        self._untold_datagrams = self._untold_others = 0
        self.write_at = inf
        """When to call `write`, by the monotonic clock in seconds."""
        self.blocked = False
        """Whether the runner must read before more can be written."""
        self.closed = False
        """Whether the runner has gone, or given no sign of life for too long."""

    def fileno(self) -> int:
        """For whoever waits for the runner."""
        return self._channel.fileno()

    def tell_datagram(
        self,
        datagram: Datagram,
        at: float,
        origin: str | None,
        target: str | None,
        about: Record,
    ) -> None:
        """Queue the record of a datagram; it takes its form when there is time to write it."""
        if self._datagrams < self._limit and len(self._queue) < _QUEUE:
            self._datagrams += 1
            self._add((datagram, at, origin, target, about), at)
        else:
            self._untold_datagrams += 1

    def tell(self, record: Record, at: float) -> None:
        """Queue any other record."""
        if self._others < self._limit and len(self._queue) < _QUEUE:
            self._others += 1
            self._add(record, at)
        else:
            self._untold_others += 1

    def answer(self, record: Record) -> None:
        """Queue what the runner waits for: it goes before all records."""
        self._answers += _line(record)
        self.write_at = 0.0

    def hand(self, record: Record) -> None:
        """Queue what is large, and must not be missing; it takes turns with the records."""
        line = _line(record)
        self.unsent += len(line)
        self._large.append(line)
        self.write_at = 0.0

    def write(self) -> None:
        """Send some of what waits, as far as the connection takes it at once."""
        if not self._written:
            self._written = self._next()
        try:
            sent = self._channel.send(self._written)
        except BlockingIOError:
            self.blocked = True
        except OSError:
            self.closed = True
        else:
            self._written = self._written[sent:]
        more = self._waits() and not (self.blocked or self.closed)
        self.write_at = 0.0 if more else inf

    def resume(self) -> None:
        """The connection takes more again."""
        self.blocked = False
        self.write_at = 0.0

    def read(self) -> list[Record]:
        """The commands that have come; `closed` says whether more can come."""
        try:
            data = self._channel.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        *lines, self._read = (self._read + data).split(b"\n")
        return [_command(line) for line in lines]

    def finish(self, last: Record, patience: float) -> None:
        """Tell all that waits, then what could not be told, and the last record.

        Gives up when the runner reads nothing for so many seconds.
        """
        self.drain(patience)
        if self._untold_datagrams or self._untold_others:
            untold = {"datagrams": self._untold_datagrams, "others": self._untold_others}
            self._queue.append({"record": "unrecorded", **untold})
        self._queue.append(last)
        self.drain(patience)

    def drain(self, patience: float) -> None:
        """Write all that waits; gives up when the runner reads nothing for so many seconds."""
        room = poll()
        room.register(self._channel, POLLOUT)
        while self._waits() and not self.closed:
            self.write()
            if self.blocked:
                if not room.poll(patience * 1000):
                    self.closed = True
                    return
                self.resume()

    def _waits(self) -> bool:
        return bool(self._written or self._answers or self._large or self._queue)

    def _next(self) -> bytes:
        """What is to be written next."""
        if self._answers:
            answers, self._answers = self._answers, b""
            return answers
        self._large_next = not self._large_next
        if self._large and (self._large_next or not self._queue):
            line = self._large.popleft()
            self.unsent -= len(line)
            return line
        batch = min(_BATCH, len(self._queue))
        return b"".join(_line(self._queue.popleft()) for _ in range(batch))

    def _add(self, waiting: _Waiting, at: float) -> None:
        if not (self._queue or self.blocked):
            self.write_at = min(self.write_at, at + _GATHER)
        self._queue.append(waiting)


def _line(waiting: _Waiting) -> bytes:
    record = waiting if isinstance(waiting, dict) else datagram_record(*waiting)
    return json.dumps(record).encode() + b"\n"


def _command(line: bytes) -> Record:
    try:
        command = json.loads(line)
    except ValueError:
        command = None
    return command if isinstance(command, dict) else {"unreadable": line.decode(errors="replace")}
