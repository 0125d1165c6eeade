"""Senders that take their time before they have logged in: a byte a second, or nothing at all."""

import contextlib
import heapq
import selectors
import socket
import time
from itertools import cycle
from typing import Final

from services.protocol import Login, format_request
from services.settings import DEFAULT_PASSWORD
from tests.services.running import DEADLINE
from tests.support.bystander import Bystander
from tests.support.figures import Figure, exactly, none
from tests.support.watched import WatchedServer

_PACE: Final = 1.0
"""Seconds from one byte to the next."""
_PER_ADDRESS: Final = 100
_LOGIN: Final = format_request(Login("x" * 32, DEFAULT_PASSWORD))
_TOLD: Final = b"ERROR login-timeout "
_OVER: Final = 1.0
"""Seconds more than it is given that a slow sender may stay, on a machine that keeps up."""


def slow_senders(count: int, rounds: int, login_within: float) -> list[Figure]:
    """Keep so many slow senders at a server; each comes so often, until it is shown out."""
    with WatchedServer("--login-within", str(login_within)) as server:
        server.settle()
        with Bystander(server.port) as bystander:
            slow = _Slow(server.port)
            try:
                for number in range(count):
                    slow.come(number, rounds)
                slow.attend(DEADLINE + rounds * login_within)
            finally:
                slow.close()
        return [
            Figure("slow senders at a time", count),
            exactly("shown out with a reason", slow.shown_out, count * rounds),
            none("ended otherwise", slow.wrong),
            Figure(
                "longest stay, s", max(slow.stays, default=0), most=login_within + _OVER, timed=True
            ),
            *bystander.figures(),
            server.growth(most=None),
            *server.end(),
        ]


class _Sender:
    """One of them, on its present connection."""

    def __init__(self, number: int, rounds: int, connection: socket.socket) -> None:
        self.number = number
        self.rounds = rounds
        self.socket = connection
        self.came = time.monotonic()
        self.bytes = cycle(_LOGIN[:-1])
        self.heard = b""


class _Slow:
    """All of them, in one thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, _Sender]] = []
        self.stays: list[float] = []
        self.shown_out = 0
        self.wrong: list[str] = []

    def come(self, number: int, rounds: int) -> None:
        """Connect a sender that will come so often; every second one sends nothing."""
        source = f"127.0.3.{number // _PER_ADDRESS + 1}"
        connection = socket.create_connection(
            ("127.0.0.1", self._port), DEADLINE, source_address=(source, 0)
        )
        sender = _Sender(number, rounds, connection)
        self._selector.register(connection, selectors.EVENT_READ, sender)
        if number % 2:
            heapq.heappush(self._due, (sender.came + _PACE, number, sender))

    def attend(self, seconds: float) -> None:
        """Send and listen until all have been shown out for the last time."""
        deadline = time.monotonic() + seconds
        while self._selector.get_map():
            now = time.monotonic()
            if now > deadline:
                self.wrong.append(f"{len(self._selector.get_map())} are still there")
                return
            while self._due and self._due[0][0] <= now:
                self._send(heapq.heappop(self._due)[2])
            for key, _ in self._selector.select(_PACE / 10):
                self._hear(key.data)

    def close(self) -> None:
        """Close what is still open."""
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()
        self._selector.close()

    def _send(self, sender: _Sender) -> None:
        try:
            sender.socket.send(bytes([next(sender.bytes)]))
        except OSError:
            # It was shown out already; what it heard then tells.
            return
        heapq.heappush(self._due, (time.monotonic() + _PACE, sender.number, sender))

    def _hear(self, sender: _Sender) -> None:
        # A byte that came too late resets the connection, after what was said before.
        data = b""
        with contextlib.suppress(ConnectionResetError):
            data = sender.socket.recv(4096)
        sender.heard += data
        if data:
            return
        self.stays.append(time.monotonic() - sender.came)
        if sender.heard.startswith(_TOLD):
            self.shown_out += 1
        else:
            self.wrong.append(f"told {sender.heard!r}")
        self._selector.unregister(sender.socket)
        sender.socket.close()
        if sender.rounds > 1:
            self.come(sender.number, sender.rounds - 1)
