import itertools
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from services.server.outbox import MOST_LEFT, Outbox
from tests.services.running import DEADLINE


class Ends(NamedTuple):
    near: socket.socket
    far: socket.socket


@pytest.fixture
def ends() -> Iterator[Ends]:
    near, far = socket.socketpair()
    with near, far:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        near.settimeout(0)
        far.settimeout(DEADLINE)
        yield Ends(near, far)


def read(far: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = far.recv(size - len(data))
        assert more
        data += more
    return data


def test_a_line_that_is_left_is_written_at_once(ends: Ends) -> None:
    outbox = Outbox(ends.near, bytes)

    assert outbox.leave(b"PUNCH 1\n")
    assert read(ends.far, 8) == b"PUNCH 1\n"
    outbox.send(b"PONG\n", DEADLINE)
    assert read(ends.far, 5) == b"PONG\n"


def test_who_leaves_a_line_does_not_wait_for_a_client_that_reads_nothing(ends: Ends) -> None:
    outbox = Outbox(ends.near, bytes)
    lines = [b"PUNCH %d" % number + b" " * 1000 + b"\n" for number in range(1000)]
    taken = [line for line in lines if outbox.leave(line)]

    assert MOST_LEFT <= len(taken) < len(lines)
    # What is left goes out with the next answer, whole and in order.
    answering = threading.Thread(target=outbox.send, args=(b"PING\n", DEADLINE))
    answering.start()
    expected = b"".join(taken)
    received = read(ends.far, len(expected) + 5)
    answering.join()
    assert received.replace(b"PING\n", b"") == expected


def test_lines_of_many_threads_stay_whole(ends: Ends) -> None:
    outbox = Outbox(ends.near, bytes)

    def leave(name: bytes) -> None:
        for _ in range(50):
            while not outbox.leave(name * 100 + b"\n"):
                pass

    def answer() -> None:
        while any(thread.is_alive() for thread in leaving):
            outbox.send(b"a" * 100 + b"\n", DEADLINE)
        outbox.send(b"", DEADLINE)
        ends.near.shutdown(socket.SHUT_WR)

    leaving = [threading.Thread(target=leave, args=(name,)) for name in (b"b", b"c", b"d")]
    answering = threading.Thread(target=answer)
    for thread in (*leaving, answering):
        thread.start()
    lines = ends.far.makefile("rb").read().splitlines()
    answering.join()

    assert all(line == line[:1] * 100 for line in lines)
    counted = Counter(line[:1] for line in lines)
    del counted[b"a"]
    assert counted == {b"b": 50, b"c": 50, b"d": 50}


def test_after_the_close_nothing_is_written(ends: Ends) -> None:
    outbox = Outbox(ends.near, bytes)
    outbox.close()

    assert not outbox.leave(b"PUNCH 1\n")
    ends.near.close()
    assert ends.far.recv(100) == b""


def test_a_connection_that_has_ended_takes_no_line_and_raises_nothing(ends: Ends) -> None:
    outbox = Outbox(ends.near, bytes)
    ends.far.close()

    outbox.leave(b"PUNCH 1\n")
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        outbox.send(b"PING\n", DEADLINE)


def test_lines_go_out_in_the_order_in_which_they_are_encoded(ends: Ends) -> None:
    numbers = itertools.count()

    def number(data: bytes) -> bytes:
        return b"%d %s" % (next(numbers), data)

    outbox = Outbox(ends.near, number)
    lines = [b"PUNCH" + b" " * 1000 + b"\n" for _ in range(1000)]
    taken = [line for line in lines if outbox.leave(line)]
    answering = threading.Thread(target=outbox.send, args=(b"PING\n", DEADLINE))
    answering.start()
    received = b""
    while not received.endswith(b"PING\n"):
        received += ends.far.recv(65536)
    answering.join()

    assert received.count(b"PUNCH") == len(taken)
    counted = [int(line.split()[0]) for line in received.splitlines() if line[:1].isdigit()]
    assert counted == list(range(len(counted)))
