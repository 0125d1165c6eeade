"""The way out of a connection: its own thread answers, other threads leave lines behind."""

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable

from services.within import send

MOST_LEFT = 64
"""Lines that others have left and that are not written yet; more are refused."""


class Outbox:
    """Writes to a connection, one thread at a time, whole lines only.

    Whoever leaves a line never waits: what the system does not take at once is written with the
    next answer, or the next PING.
    """

    def __init__(self, connection: socket.socket, encode: Callable[[bytes], bytes]) -> None:
        """Write to a non-blocking connection; `close` goes before its own.

        What `encode` makes of lines goes out in the order in which it was made.
        """
        self._connection = connection
        self._encode = encode
        self._writing = threading.Lock()
        self._left: deque[bytes] = deque()
        self._rest = b""
        self._closed = False

    def send(self, data: bytes, seconds: float) -> None:
        """Write an answer; for the connection's own thread alone.

        Raises:
            TimeoutError: it was not taken in so many seconds.
            OSError: the connection has ended.
        """
        with self._writing:
            rest, self._rest = self._rest, b""
            while self._left:
                rest += self._encode(self._left.popleft())
            send(self._connection, rest + self._encode(data), seconds)
        self._write_left()

    def leave(self, line: bytes) -> bool:
        """Have a line written soon, by any thread; return False if too many wait already."""
        if self._closed or len(self._left) >= MOST_LEFT:
            return False
        self._left.append(line)
        self._write_left()
        return True

    def close(self) -> None:
        """Write no more: the connection may be closed then, and its number be another's."""
        with self._writing:
            self._closed = True

    def _write_left(self) -> None:
        # Whoever holds the lock looks again after it: no line stays behind unseen.
        while self._left and self._writing.acquire(blocking=False):
            try:
                if self._closed or not self._write_now():
                    return
            finally:
                self._writing.release()

    def _write_now(self) -> bool:
        """Write what the system takes without waiting; return whether that was all."""
        while self._rest or self._left:
            self._rest = self._rest or self._encode(self._left.popleft())
            with contextlib.suppress(OSError):
                self._rest = self._rest[self._connection.send(self._rest) :]
            if self._rest:
                return False
        return True
