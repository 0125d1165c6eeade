"""The way back to a server that was lost: tries with pauses between them that grow."""

import errno
import os
import socket
from collections.abc import Callable

from services.client.signalling import Signalling
from services.values import Address

DIAL_TIMEOUT = 2.0
"""Seconds that one try may take."""
FORGOTTEN_AFTER = 15.0
"""Seconds since the last try after which the next one is made at once again."""


class BackOff:
    """How long to wait before each try: not at all, then twice as long each time, up to a bound.

    Half of every pause is chance, so that a hundred clients do not come back at the same moment.
    """

    def __init__(self, first: float, most: float, chance: Callable[[], float]) -> None:
        """Wait for `first` seconds before the second try; `chance` gives numbers from 0 to 1."""
        self._first = first
        self._most = most
        self._chance = chance
        self._tries = 0
        self._last = 0.0

    def pause(self, now: float) -> float:
        """Return the seconds from `now` to the next try, which is taken to be made then."""
        if now - self._last > max(self._most, FORGOTTEN_AFTER):
            self._tries = 0
        pause = 0.0
        if self._tries:
            # The exponent is bounded: a server may be away for days.
            longest = min(self._most, self._first * 2 ** min(self._tries - 1, 30))
            pause = longest * (1 + self._chance()) / 2
        self._tries += 1
        self._last = now + pause
        return pause


class Redial:
    """At most one try at a time to connect to the address where the server was."""

    def __init__(
        self,
        address: Address,
        back_off: BackOff,
        clock: Callable[[], float],
        take_over: Callable[[socket.socket], Signalling] = Signalling,
    ) -> None:
        """Make no try before `begin`; `clock` counts seconds.

        What is connected goes through `take_over`.
        """
        self.address = address
        self._take_over = take_over
        self._back_off = back_off
        self._clock = clock
        self._connection: socket.socket | None = None
        self._due: float | None = None

    def begin(self) -> None:
        """Make a try as soon as the back-off allows."""
        self._due = self._clock() + self._back_off.pause(self._clock())

    @property
    def dialling(self) -> bool:
        """Whether a connection is being made: then this waits to become writable."""
        return self._connection is not None

    def fileno(self) -> int:
        """Return the descriptor of the connection that is being made, for `select`."""
        return self._connection.fileno() if self._connection else -1

    def patience(self) -> float | None:
        """Return in how many seconds `proceed` has something to do; None if no try is wanted."""
        return None if self._due is None else max(0.0, self._due - self._clock())

    def proceed(self, *, writable: bool) -> Signalling | OSError | None:
        """Begin a try that is due, or end it: with a connection, or with why there is none."""
        if self._due is None:
            return None
        if self._connection is None:
            return self._dial() if self._clock() >= self._due else None
        if writable:
            return self._outcome(self._connection)
        if self._clock() >= self._due:
            return self._failed(errno.ETIMEDOUT)
        return None

    def close(self) -> None:
        """Give up, be it in the middle of a try."""
        self._due = None
        if self._connection:
            self._connection.close()
            self._connection = None

    def _dial(self) -> OSError | None:
        self._due = self._clock() + DIAL_TIMEOUT
        try:
            self._connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        except OSError as error:
            # There are too many open files, for now.
            return self._failed(error.errno or errno.EMFILE)
        self._connection.settimeout(0)
        number = self._connection.connect_ex(self.address)
        return None if number in {0, errno.EINPROGRESS} else self._failed(number)

    def _outcome(self, connection: socket.socket) -> Signalling | OSError:
        number = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            return self._failed(number)
        try:
            signalling = self._take_over(connection)
        except OSError:
            return self._failed(errno.ECONNRESET)
        self._connection = self._due = None
        return signalling

    def _failed(self, number: int) -> OSError:
        self.close()
        return OSError(number, os.strerror(number))
