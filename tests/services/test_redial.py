import contextlib
import select
import socket
from collections.abc import Iterator

import pytest

from services.client.redial import DIAL_TIMEOUT, FORGOTTEN_AFTER, BackOff, Redial
from services.client.signalling import Signalling
from tests.services.running import DEADLINE


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pauses(chance: float, count: int) -> list[float]:
    clock, back_off = Clock(), BackOff(0.5, 8.0, lambda: chance)
    found = []
    for _ in range(count):
        found.append(back_off.pause(clock.now))
        clock.now += found[-1]
    return found


def test_pauses_grow_up_to_a_bound_and_half_of_each_is_chance() -> None:
    assert pauses(1.0, 8) == [0, 0.5, 1, 2, 4, 8, 8, 8]
    assert pauses(0.0, 8) == [0, 0.25, 0.5, 1, 2, 4, 4, 4]


def test_the_first_try_after_a_long_time_is_made_at_once() -> None:
    back_off = BackOff(0.5, 8.0, lambda: 1.0)
    back_off.pause(1000.0)

    assert back_off.pause(1000.0 + FORGOTTEN_AFTER) == 0.5
    assert back_off.pause(1000.5 + 2 * FORGOTTEN_AFTER + 0.1) == 0.0


def test_a_server_that_accepts_and_hangs_up_is_not_dialled_without_pauses() -> None:
    back_off = BackOff(0.5, 8.0, lambda: 1.0)

    assert [back_off.pause(1000.0 + number) for number in range(3)] == [0, 0.5, 1]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@contextlib.contextmanager
def redial(listener: socket.socket, clock: Clock) -> Iterator[Redial]:
    with contextlib.closing(
        Redial(listener.getsockname(), BackOff(0.5, 8.0, lambda: 1.0), clock)
    ) as made:
        yield made


def test_nothing_is_tried_before_it_is_wanted(listener: socket.socket) -> None:
    with redial(listener, Clock()) as way:
        assert way.patience() is None
        assert way.proceed(writable=False) is None
        assert not way.dialling


def test_a_try_ends_with_a_connection(listener: socket.socket) -> None:
    with redial(listener, Clock()) as way:
        way.begin()
        assert way.patience() == 0.0
        assert way.proceed(writable=False) is None
        assert way.dialling
        assert select.select([], [way], [], DEADLINE)[1]
        signalling = way.proceed(writable=True)

        assert isinstance(signalling, Signalling)
        assert signalling.server_address == listener.getsockname()
        assert way.patience() is None
        signalling.close(farewell=False)


def test_a_try_that_is_refused_says_so_and_the_next_one_is_later(listener: socket.socket) -> None:
    clock = Clock()
    with redial(listener, clock) as way:
        listener.close()
        way.begin()
        failure = way.proceed(writable=False)
        if failure is None:
            assert select.select([], [way], [], DEADLINE)[1]
            failure = way.proceed(writable=True)

        assert isinstance(failure, ConnectionRefusedError)
        assert way.patience() is None
        way.begin()
        assert way.patience() == 0.5
        assert way.proceed(writable=False) is None
        assert not way.dialling


def test_a_try_without_an_answer_takes_its_time_and_no_more(listener: socket.socket) -> None:
    clock = Clock()
    with redial(listener, clock) as way:
        way.begin()
        way.proceed(writable=False)
        assert way.patience() == DIAL_TIMEOUT
        clock.now += DIAL_TIMEOUT

        assert isinstance(way.proceed(writable=False), TimeoutError)
        assert not way.dialling
