"""Many clients at once in one thread: they log in, answer PING, and ask for the list."""

import json
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from statistics import quantiles
from typing import Final, Self

from services.protocol import Login, format_request
from services.settings import DEFAULT_PASSWORD
from tests.services.running import DEADLINE
from tests.support.bystander import Bystander
from tests.support.figures import Figure, exactly, none
from tests.support.watched import WatchedServer

PER_SECOND: Final = 100
"""How often anybody of the crowd asks for the list, in a second."""
_PER_ADDRESS: Final = 100
"""Clients with one IP address: fewer than a server takes by default."""
_MEMORY: Final = 256.0
"""Megabytes that a server may have in memory with the largest crowd."""
_LOGIN: Final = format_request(Login("Mzi", DEFAULT_PASSWORD))


def storm(count: int) -> list[Figure]:
    """Let so many clients log in at the same moment."""
    with WatchedServer() as server, Crowd(server.port, count) as crowd:
        began = time.monotonic()
        crowd.log_in()
        took = time.monotonic() - began
        crowd.ask_in_turn(count, PER_SECOND)
        return [
            Figure("clients that log in at once", count),
            *crowd.figures(),
            Figure("until the last is in, s", took, most=10, timed=True),
            *server.end(),
        ]


def chatter(count: int, seconds: float) -> list[Figure]:
    """Let so many clients stay for some time, asking for the list in turn."""
    with WatchedServer() as server, Crowd(server.port, count) as crowd:
        crowd.log_in()
        with Bystander(server.port) as bystander:
            crowd.ask_in_turn(int(seconds * PER_SECOND), PER_SECOND)
        return [
            Figure("clients logged in", count),
            *crowd.figures(),
            Figure("LIST answered", len(crowd.waits)),
            Figure("LIST p50, s", _quantile(crowd.waits, 50), timed=True),
            Figure("LIST p99, s", _quantile(crowd.waits, 99), most=0.5, timed=True),
            Figure("LIST slowest, s", max(crowd.waits, default=0), timed=True),
            *bystander.figures(),
            Figure("server: memory, MB", round(server.memory(), 1), most=_MEMORY),
            *server.end(),
        ]


class _Member:
    """One client; `label` is empty until it is let in."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.label = ""
        self.asked: float | None = None
        self.rest = b""
        self.listed: set[str] = set()


class Crowd:
    """The clients, and what went wrong with them; closing it ends all connections."""

    def __init__(self, port: int, count: int) -> None:
        """Connect nobody yet."""
        self._port = port
        self._count = count
        self._members: list[_Member] = []
        self._selector = selectors.DefaultSelector()
        self.waits: list[float] = []
        """Seconds from each LIST to the last line of its answer."""
        self._wrong: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.socket.close()
        self._selector.close()

    def log_in(self) -> None:
        """Connect and log in all of them at once."""
        for number in range(self._count):
            connection = socket.socket()
            connection.settimeout(0)
            connection.bind((f"127.0.2.{number // _PER_ADDRESS + 1}", 0))
            connection.connect_ex(("127.0.0.1", self._port))
            member = _Member(connection)
            self._members.append(member)
            self._selector.register(connection, selectors.EVENT_WRITE, member)
        self._attend_until(lambda: all(member.label for member in self._members))

    def ask_in_turn(self, count: int, per_second: float) -> None:
        """Ask for the list so often, one after the other, and wait for all answers.

        Once something has gone wrong nobody is asked any more.
        """
        began = time.monotonic()
        for number in range(count):
            due = began + number / per_second
            while (left := due - time.monotonic()) > 0:
                self._attend(left)
            member = self._members[number % self._count]
            self._attend_until(partial(_is_idle, member))
            if self._wrong:
                return
            member.asked = time.monotonic()
            member.listed.clear()
            self._say(member, b"LIST\n")
        self._attend_until(lambda: all(map(_is_idle, self._members)))

    def figures(self) -> list[Figure]:
        """What came of them."""
        labels = {member.label for member in self._members if member.label}
        return [
            exactly("labels given, each once", len(labels), self._count),
            none("clients dropped or answered wrongly", self._wrong),
        ]

    def _attend_until(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not is_done() and not self._wrong:
            if time.monotonic() > deadline:
                self._wrong.append(f"not done within {DEADLINE:g} s")
            self._attend(1)

    def _attend(self, seconds: float) -> None:
        for key, events in self._selector.select(seconds):
            member: _Member = key.data
            if events & selectors.EVENT_WRITE:
                self._selector.modify(member.socket, selectors.EVENT_READ, member)
                self._say(member, _LOGIN)
            else:
                self._hear(member)

    def _say(self, member: _Member, data: bytes) -> None:
        try:
            member.socket.sendall(data)
        except OSError as error:
            self._wrong.append(f"{member.label or 'one'}: {error!r}")

    def _hear(self, member: _Member) -> None:
        try:
            data = member.socket.recv(65536)
        except OSError as error:
            data = b""
            self._wrong.append(f"{member.label or 'one'}: {error!r}")
        if not data:
            self._wrong.append(f"{member.label or 'one'} was dropped")
            self._selector.unregister(member.socket)
        *lines, member.rest = (member.rest + data).split(b"\n")
        for line in lines:
            self._take(member, line)

    def _take(self, member: _Member, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        if word == b"PING":
            self._say(member, b"PONG\n")
        elif word == b"OK":
            member.label = json.loads(rest)["label"]
        elif word == b"CLIENTS" and member.asked is not None:
            part = json.loads(rest)
            member.listed.update(part["clients"])
            if not part["more"]:
                self.waits.append(time.monotonic() - member.asked)
                member.asked = None
                if missing := {each.label for each in self._members} - member.listed:
                    self._wrong.append(f"{member.label} is not told of {missing}")
        else:
            self._wrong.append(f"{member.label or 'one'} was told {line!r}")


def _is_idle(member: _Member) -> bool:
    return member.asked is None


def _quantile(waits: list[float], percent: int) -> float:
    return quantiles(waits, n=100, method="inclusive")[percent - 1] if len(waits) > 1 else 0
