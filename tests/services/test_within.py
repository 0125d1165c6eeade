import socket
import threading
from collections.abc import Iterator

import pytest

from services.within import receive, send

LONG = 30.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection: this end, which is non-blocking, and the other one."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(0)
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield here, there


def test_what_has_come_is_received_though_the_time_is_over(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, there = pair
    there.send(b"LIST\n")

    assert receive(here, 0.0) == b"LIST\n"
    assert receive(here, 0.0) is None


def test_the_end_of_a_connection_is_no_silence(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    there.close()

    assert receive(here, None) == b""


def test_what_comes_later_is_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    later = threading.Timer(0.05, there.send, [b"LIST\n"])
    later.start()

    assert receive(here, LONG) == b"LIST\n"
    later.join()


def test_all_is_sent_to_one_who_takes_it_bit_by_bit(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    here, there = pair
    data = bytes(range(256)) * 4096
    sending = threading.Thread(target=send, args=(here, data, LONG))
    sending.start()
    there.settimeout(LONG)
    taken = bytearray()
    while len(taken) < len(data):
        taken += there.recv(1000)
    sending.join()

    assert taken == data
    assert here.gettimeout() == 0


def test_who_takes_nothing_is_given_up(pair: tuple[socket.socket, socket.socket]) -> None:
    here, _ = pair

    with pytest.raises(TimeoutError):
        send(here, bytes(1 << 20), 0.05)
    assert here.gettimeout() == 0
