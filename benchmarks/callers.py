"""Clients by the thousand in one process that asks as fast as it can, whatever the server.

Blocking sockets, and a queue of requests under way: some are sent before the first answer is
awaited, and always the oldest answer. That costs less for each request than waiting for whichever
comes first.
"""

import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import Self

from benchmarks.loopback import HERE, Server
from peerlab.errors import LabError

UNDER_WAY = 8
"""Requests that are sent before the first answer is awaited; ngircd lets 10 connections queue."""
_AT_ONCE = 65536
_WITHIN = 60
"""Seconds without an answer after which none comes any more."""


@dataclass(frozen=True, slots=True)
class Language:
    """What is said to a server, and how its answers end.

    Attributes:
        login: what logs in the client of a number, which no client has had before.
        welcome: the last line of the answer has this in it.
        listing: asks for the list of who is there.
        list_end: the last line of that has this in it.
    """

    login: Callable[[int], bytes]
    welcome: bytes
    listing: bytes
    list_end: bytes


@dataclass(frozen=True, slots=True)
class Pace:
    """How much was done in how many seconds."""

    done: int
    seconds: float

    @property
    def one(self) -> float:
        """Seconds for each."""
        return self.seconds / self.done


class Callers:
    """Clients that are logged in at a server, and new ones that come and go."""

    def __init__(self, server: Server, language: Language) -> None:
        self._server = server
        self._language = language
        self._open = ExitStack()
        self._logged_in: list[socket.socket] = []
        self._number = 0
        self._length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def stay(self, count: int) -> None:
        """Log in until so many are there, and nobody else is."""
        while len(self._logged_in) < count:
            caller = self._open.enter_context(self._call())
            _read(caller, self._language.welcome)
            self._logged_in.append(caller)
        self._length = len(self.list())

    def list(self) -> bytes:
        """The list, as the client is told it that came first."""
        asker = self._logged_in[0]
        asker.sendall(self._language.listing)
        return _read(asker, self._language.list_end)

    def first_list(self) -> float:
        """Seconds until that client has the list when somebody has logged in just before."""
        with self._call() as newcomer:
            _read(newcomer, self._language.welcome)
            began = time.perf_counter()
            self.list()
            return time.perf_counter() - began

    def logins(self, seconds: float) -> Pace:
        """Have clients connect, log in and leave."""

        def finish(caller: socket.socket) -> None:
            with caller:
                _read(caller, self._language.welcome)

        return _pace(self._call, finish, seconds)

    def lists(self, seconds: float) -> Pace:
        """Have the clients get the list in turn; none logs in or leaves meanwhile."""
        self._await_those_who_leave()
        askers = cycle(self._logged_in)
        whole = memoryview(bytearray(self._length))

        def ask() -> socket.socket:
            asker = next(askers)
            asker.sendall(self._language.listing)
            return asker

        def finish(asker: socket.socket) -> None:
            if asker.recv_into(whole, 0, socket.MSG_WAITALL) != len(whole):
                raise LabError("a list was cut off")

        return _pace(ask, finish, seconds)

    def _await_those_who_leave(self) -> None:
        deadline = time.monotonic() + _WITHIN
        while len(self.list()) != self._length:
            if time.monotonic() > deadline:
                raise LabError("clients that have left are still on the list")

    def _call(self) -> socket.socket:
        """Connect and ask to be let in."""
        caller = socket.create_connection((HERE, self._server.port))
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The system's own timeout: one of Python's would cost every call another one.
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _WITHIN, 0))
        self._number += 1
        caller.sendall(self._language.login(self._number))
        return caller


def _pace(
    begin: Callable[[], socket.socket], finish: Callable[[socket.socket], None], seconds: float
) -> Pace:
    """Begin for so many seconds, at least once, and finish all."""
    waiting = deque[socket.socket]()
    done = 0
    began = now = time.perf_counter()
    while waiting or not done:
        while len(waiting) < UNDER_WAY and (now - began < seconds or not done):
            waiting.append(begin())
        finish(waiting.popleft())
        done += 1
        now = time.perf_counter()
    return Pace(done, now - began)


def _read(caller: socket.socket, end: bytes) -> bytes:
    """Read until a line with `end` in it is whole."""
    said = b""
    while not (said.endswith(b"\n") and end in said):
        data = caller.recv(_AT_ONCE)
        if not data:
            raise LabError(f"a server hung up after it had said {said!r}")
        said += data
    return said
