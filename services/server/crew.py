"""Threads that serve connections: one for each, which takes another one when that has ended."""

import socket
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

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
        self._guests: SimpleQueue[_Guest] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0
        """How many threads wait, those left out that a connection is on its way to."""

    def take_on(self, connection: socket.socket, address: Address) -> None:
        """Begin to serve a connection at once.

        Raises:
            RuntimeError: the system allows no more threads.
        """
        with self._lock:
            one_is_free = self._free > 0
            self._free -= one_is_free
        if one_is_free:
            self._guests.put((connection, address))
        else:
            threading.Thread(target=self._run, args=(connection, address), daemon=True).start()

    def _run(self, connection: socket.socket, address: Address) -> None:
        guest: _Guest | None = (connection, address)
        while guest:
            self._serve(*guest)
            del guest  # not kept, and so not kept open, until the next one comes
            guest = self._next()

    def _next(self) -> _Guest | None:
        with self._lock:
            self._free += 1
        try:
            return self._guests.get(timeout=self._stay)
        except Empty:
            with self._lock:
                if self._free:
                    self._free -= 1
                    return None
        # All that wait are counted on, so this one as well.
        return self._guests.get()
