"""Threads that serve connections: one for each, which takes another one when that has ended."""

import socket
import threading
from collections import deque
from collections.abc import Callable

from services.values import Address

_Guest = tuple[socket.socket, Address]


class Crew:
    """Serves every connection in a thread of its own.

    A thread whose connection has ended stays for a while, for the next one: to start a thread takes
    longer than all the rest of a login.
    """

    def __init__(self, serve: Callable[[socket.socket, Address], None], stay: float = 1.0) -> None:
        """Serve by `serve`; a thread that has no connection for `stay` seconds ends."""
        self._serve = serve
        self._stay = stay
        self._come = threading.Condition(threading.Lock())
        self._guests: deque[_Guest] = deque()
        self._free = 0
        """How many threads wait, without one for each guest."""

    def take_on(self, connection: socket.socket, address: Address) -> None:
        """Begin to serve a connection at once.

        Raises:
            RuntimeError: the system allows no more threads.
        """
        with self._come:
            if self._free:
                self._free -= 1
                self._guests.append((connection, address))
                self._come.notify()
                return
        threading.Thread(target=self._run, args=(connection, address), daemon=True).start()

    def _run(self, connection: socket.socket, address: Address) -> None:
        guest: _Guest | None = (connection, address)
        while guest:
            self._serve(*guest)
            guest = self._next()

    def _next(self) -> _Guest | None:
        with self._come:
            self._free += 1
            if self._come.wait_for(lambda: self._guests, self._stay):
                return self._guests.popleft()
            self._free -= 1
            return None
