import socket

from services.media.arrival import note_arrivals, receive


def test_a_datagram_comes_with_its_source_and_its_age() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as here,
        socket.socket(type=socket.SOCK_DGRAM) as there,
    ):
        for each in (here, there):
            each.bind(("127.0.0.1", 0))
        note_arrivals(here)
        there.sendto(b"first", here.getsockname())
        there.sendto(b"second", here.getsockname())
        first, source, first_age = receive(here)
        second, _, second_age = receive(here)

        assert (first, second, source) == (b"first", b"second", there.getsockname())
        assert first_age > 0
        assert second_age > 0


def test_where_the_system_does_not_note_it_a_datagram_came_just_now() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        here.sendto(b"x", here.getsockname())

        assert receive(here) == (b"x", here.getsockname(), 0.0)
