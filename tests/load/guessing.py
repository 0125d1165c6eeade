"""Passwords guessed on many connections of one address, while others there know the right one."""

import selectors
import socket
import time
from typing import Final

from services.protocol import Login, format_request
from services.settings import DEFAULT_PASSWORD
from tests.services.running import DEADLINE
from tests.support.bystander import Bystander
from tests.support.figures import Figure, exactly, none
from tests.support.watched import WatchedServer

_REFUSED: Final = b"ERROR wrong-password Incorrect username or password. Please try again.\n"


def guesses(count: int, guessers: int, delay_most: float) -> list[Figure]:
    """Guess so often, on so many connections; then let one of them know the password."""
    with WatchedServer("--guess-delay-most", str(delay_most)) as server:
        secret = [
            stream.awaiting(word)
            for stream in (server.out, server.complaints)
            for word in (DEFAULT_PASSWORD.encode(), b"guess-")
        ]
        with Bystander(server.port) as bystander:
            attack = _Guessers(server.port, count)
            began = time.monotonic()
            try:
                attack.guess(guessers, DEADLINE + delay_most * (count / guessers + 1))
                took = time.monotonic() - began
                let_in = attack.know()
            finally:
                attack.close()
        return [
            Figure("password guesses", count),
            exactly("guesses refused", attack.refused, count),
            none("answers that were wrong", attack.wrong),
            exactly("let in with the right password afterwards", int(let_in), 1),
            Figure("guesses in a second", count / took, timed=True),
            *bystander.figures(),
            none("passwords in what the server prints", sum(event.is_set() for event in secret)),
            *server.end(),
        ]


class _Guessers:
    """Connections that guess, each as soon as its last guess is refused."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._count = count
        self._selector = selectors.DefaultSelector()
        self._made = 0
        self.refused = 0
        self.wrong: list[str] = []

    def guess(self, guessers: int, seconds: float) -> None:
        """Make all guesses, within so many seconds at most."""
        deadline = time.monotonic() + seconds
        for _ in range(guessers):
            connection = socket.create_connection(("127.0.0.1", self._port), DEADLINE)
            self._selector.register(connection, selectors.EVENT_READ)
            self._next(connection)
        while self.refused + len(self.wrong) < self._count:
            if time.monotonic() > deadline:
                self.wrong.append("not all were answered in time")
                return
            for key, _ in self._selector.select(1):
                assert isinstance(key.fileobj, socket.socket)
                self._hear(key.fileobj)

    def know(self) -> bool:
        """Return whether one of the connections is let in with the right password."""
        connection = next(iter(self._selector.get_map().values())).fileobj
        assert isinstance(connection, socket.socket)
        connection.sendall(format_request(Login("Mzi", DEFAULT_PASSWORD, version=1)))
        return connection.recv(4096).startswith(b"OK ")

    def close(self) -> None:
        """Close all connections."""
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _next(self, connection: socket.socket) -> None:
        if self._made < self._count:
            self._made += 1
            connection.sendall(format_request(Login("Mzi", f"guess-{self._made}", version=1)))

    def _hear(self, connection: socket.socket) -> None:
        answer = connection.recv(4096)
        if answer == _REFUSED:
            self.refused += 1
        else:
            self.wrong.append(repr(answer))
        self._next(connection)
