"""An ordinary client beside an attack: it logs in, asks for the list, leaves, and comes again."""

import json
import socket
import threading
import time
from typing import Final, Self

from services.protocol import Login, format_request
from services.settings import DEFAULT_PASSWORD
from tests.services.running import DEADLINE
from tests.support.figures import Figure, none

_PAUSE: Final = 0.1
"""Seconds from one visit to the next."""
LOGIN: Final = format_request(Login("bystander", DEFAULT_PASSWORD, version=1))
"""A client of version 1 is sent no PING, so it may take its time."""


class Caller:
    """A bare connection that logs in, asks and leaves, and waits for each answer."""

    def __init__(self, port: int, ip: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", port), DEADLINE, source_address=(ip, 0)
        )
        self._replies = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._replies.close()
        self.socket.close()

    @property
    def address(self) -> tuple[str, int]:
        """The address of this end."""
        ip, port = self.socket.getsockname()
        return ip, port

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self.socket.sendall(data)

    def reply(self) -> bytes:
        """Return the next line; empty at the end of the connection."""
        return self._replies.readline()

    def ask(self, request: bytes) -> bytes:
        """Send a request and return the line that answers it."""
        self.send(request)
        return self.reply()

    def log_in(self) -> str:
        """Log in and return the label."""
        answer = self.ask(LOGIN)
        assert answer.startswith(b"OK "), answer
        label: str = json.loads(answer[3:])["label"]
        return label

    def listed(self) -> dict[str, tuple[str, int]]:
        """Ask for the list and return it, with all of its parts."""
        self.send(b"LIST\n")
        clients: dict[str, tuple[str, int]] = {}
        while True:
            answer = self.reply()
            assert answer.startswith(b"CLIENTS "), answer
            part = json.loads(answer[8:])
            clients |= {label: (ip, port) for label, (ip, port) in part["clients"].items()}
            if not part["more"]:
                return clients

    def other_than(self, label: str) -> tuple[str, int]:
        """Return the address of the only one on the list beside the one with this label."""
        (address,) = (there for name, there in self.listed().items() if name != label)
        return address

    def leave(self) -> None:
        """Quit and wait for the end."""
        assert self.ask(b"QUIT\n") == b"BYE\n"
        assert self.reply() == b""


class Bystander:
    """Visits the server in a thread, until it is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._visits: list[float] = []
        self._failed: list[str] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def figures(self) -> list[Figure]:
        """What came of the visits; call it after the end."""
        return [
            Figure("bystander: visits", len(self._visits), least=1),
            none("bystander: visits that failed", self._failed),
            Figure("bystander: slowest visit, s", max(self._visits, default=0), most=1, timed=True),
        ]

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self._visit()
            except (OSError, AssertionError, ValueError) as error:
                self._failed.append(repr(error))
            self._visits.append(time.monotonic() - began)
            if self._over.wait(_PAUSE):
                return

    def _visit(self) -> None:
        with Caller(self._port) as caller:
            label = caller.log_in()
            assert caller.listed()[label] == caller.address
            caller.leave()
