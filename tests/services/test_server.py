"""The server inside this process, where something goes wrong that no client can bring about."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from queue import SimpleQueue

import pytest

from services.channel import Codec
from services.server.console import Console
from services.server.limits import Limits
from services.server.server import Server
from tests.services.running import DEADLINE


def no_tls() -> Codec:
    raise RuntimeError("there is no TLS to be had")


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server with one place and without a way to make its end of TLS."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stop, alarm = (stack.enter_context(end) for end in socket.socketpair())
        console = Console(io.StringIO(), io.StringIO())
        server = Server(listener, "CSC3@A1", console, Limits(connections=1), no_tls)
        serving = threading.Thread(target=server.serve, args=(stop,))
        serving.start()
        stack.callback(serving.join)
        stack.callback(alarm.send, b"\0")
        yield listener.getsockname()[1]


def heard(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        return connection.recv(4096)


def test_a_connection_that_cannot_be_served_is_closed_and_its_place_is_free(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: SimpleQueue[threading.ExceptHookArgs] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", failed.put)

    assert heard(port) == b""

    deadline = time.monotonic() + DEADLINE
    # The place is free a moment after the connection has ended.
    while answer := heard(port):
        assert answer.startswith(b"ERROR too-many-connections ")
        assert time.monotonic() < deadline
    for _ in range(2):
        assert "no TLS to be had" in str(failed.get(timeout=DEADLINE).exc_value)
