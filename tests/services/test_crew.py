import socket
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from services.server.crew import Crew
from services.values import Address
from tests.services.running import DEADLINE

HOST = "127.0.0.1"


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


def test_connections_are_served_at_the_same_time(connection: socket.socket) -> None:
    together = threading.Barrier(10)
    served: SimpleQueue[int] = SimpleQueue()

    def serve(_: socket.socket, address: Address) -> None:
        together.wait(DEADLINE)
        served.put(address[1])

    crew = Crew(serve)
    for port in range(10):
        crew.take_on(connection, (HOST, port))
    assert {served.get(timeout=DEADLINE) for _ in range(10)} == set(range(10))


def test_a_thread_whose_connection_has_ended_serves_another_one(connection: socket.socket) -> None:
    served: SimpleQueue[int] = SimpleQueue()
    crew = Crew(lambda *_: served.put(threading.get_ident()), stay=DEADLINE)
    seen: list[int] = []
    deadline = time.monotonic() + DEADLINE
    # A thread is free a moment after it is done.
    while len(set(seen)) == len(seen):
        assert time.monotonic() < deadline
        crew.take_on(connection, (HOST, len(seen)))
        seen.append(served.get(timeout=DEADLINE))


def test_a_thread_without_a_connection_ends(connection: socket.socket) -> None:
    served: SimpleQueue[threading.Thread] = SimpleQueue()
    crew = Crew(lambda *_: served.put(threading.current_thread()), stay=0.01)
    crew.take_on(connection, (HOST, 1))
    thread = served.get(timeout=DEADLINE)
    thread.join(DEADLINE)
    assert not thread.is_alive()

    crew.take_on(connection, (HOST, 2))
    assert served.get(timeout=DEADLINE) is not thread


@pytest.mark.parametrize("stay", [0.0, 0.0005])
def test_every_connection_is_served_though_threads_are_about_to_end_and_all_of_them_do(
    connection: socket.socket, stay: float
) -> None:
    served: SimpleQueue[tuple[int, threading.Thread]] = SimpleQueue()
    crew = Crew(lambda _, address: served.put((address[1], threading.current_thread())), stay)
    for port in range(3000):
        crew.take_on(connection, (HOST, port))
    ports, threads = zip(*(served.get(timeout=DEADLINE) for _ in range(3000)), strict=True)
    assert set(ports) == set(range(3000))
    for thread in set(threads):
        thread.join(DEADLINE)
        assert not thread.is_alive()
