"""Clients that ask for the list as fast as they can, never waiting for an answer."""

import contextlib
import selectors
import threading
from typing import Final, Self

from tests.load.crowd import PER_SECOND, Crowd
from tests.support.bystander import Bystander, Caller
from tests.support.figures import MEGABYTE, Figure
from tests.support.watched import WatchedServer

_AT_ONCE: Final = b"LIST\n" * 500
_LOOK: Final = 0.1


def greedy_clients(greedy: int, count: int, seconds: float) -> list[Figure]:
    """Let so many greedy clients ask beside so many others, who go on asking in turn."""
    with WatchedServer() as server, Crowd(server.port, count) as crowd:
        crowd.log_in()
        with Bystander(server.port) as bystander, _Greedy(server.port, greedy) as ones:
            crowd.ask_in_turn(int(seconds * PER_SECOND), PER_SECOND)
        return [
            Figure("greedy clients", greedy),
            Figure("clients beside them", count),
            Figure("lists that they were sent, MB/s", ones.taken / MEGABYTE / seconds, timed=True),
            *crowd.figures(),
            *bystander.figures(),
            *server.end(),
        ]


class _Greedy:
    """All of them, in one thread, until it is closed."""

    def __init__(self, port: int, count: int) -> None:
        self.taken = 0
        self._over = threading.Event()
        self._open = contextlib.ExitStack()
        self._selector = self._open.enter_context(selectors.DefaultSelector())
        for number in range(count):
            caller = self._open.enter_context(Caller(port, f"127.0.5.{number + 1}"))
            caller.log_in()
            caller.socket.settimeout(0)
            self._selector.register(
                caller.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, caller
            )
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._open.close()

    def _run(self) -> None:
        while not self._over.is_set():
            for key, events in self._selector.select(_LOOK):
                caller: Caller = key.data
                try:
                    if events & selectors.EVENT_READ:
                        self.taken += len(caller.socket.recv(MEGABYTE))
                    if events & selectors.EVENT_WRITE:
                        caller.socket.send(_AT_ONCE)
                except BlockingIOError:
                    continue
                except ConnectionError:
                    # On a slow machine this one may not have read fast enough.
                    self._selector.unregister(caller.socket)
