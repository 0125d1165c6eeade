import pytest

from peerlab.wire.flows import Connections, Record, datagram_record
from peerlab.wire.packet import ACK, FIN, RST, SYN, Datagram, Segment, parse
from tests.wire import frames

OUT, BACK = (1, 2), (2, 1)


class Conversation:
    """One connection, told segment by segment. The opener's numbers start at 100, 500 come back."""

    def __init__(self, connections: Connections | None = None, port: int = 5000) -> None:
        self.connections = connections or Connections()
        self.port = port
        self.at = 0.0

    def out(
        self, flags: int, numbers: tuple[int, int] = (101, 501), data: bytes = b""
    ) -> list[Record]:
        return self._seen(frames.tcp(OUT, flags, numbers, data, (self.port, 80)), "u1", "u2")

    def back(
        self, flags: int, numbers: tuple[int, int] = (501, 101), data: bytes = b""
    ) -> list[Record]:
        return self._seen(frames.tcp(BACK, flags, numbers, data, (80, self.port)), "u2", "u1")

    def open(self) -> list[Record]:
        return [
            *self.out(SYN, (100, 0)),
            *self.back(SYN | ACK, (500, 101)),
            *self.out(ACK),
        ]

    def finish(self) -> list[Record]:
        return list(self.connections.finish(99.0))

    def _seen(self, frame: bytes, origin: str, target: str) -> list[Record]:
        self.at += 1
        segment = parse(frame)
        assert isinstance(segment, Segment)
        return self.connections.seen(segment, self.at, origin, target)


def states(records: list[Record]) -> list[object]:
    return [record["state"] for record in records]


def counts(record: Record) -> tuple[object, object]:
    return record["sent"], record["received"]


def test_a_datagram_is_told_with_its_ends_its_size_and_its_text() -> None:
    datagram = parse(frames.udp((1, 2), "grüß dich".encode()))
    assert isinstance(datagram, Datagram)
    assert datagram_record(datagram, 1.5, "u1", "u2", {"fate": "delivered"}) == {
        "record": "datagram",
        "at": 1.5,
        "from": "u1",
        "to": "u2",
        "source": "10.9.0.1:5000",
        "destination": "10.9.0.2:7000",
        "size": 11,
        "text": "grüß dich",
        "fate": "delivered",
    }


def test_of_a_datagram_the_first_512_bytes_are_shown_whatever_they_are() -> None:
    datagram = parse(frames.udp((1, 2), b"\xff\0" + b"a" * 600))
    assert isinstance(datagram, Datagram)
    record = datagram_record(datagram, 0.0, "u1", None, {"fate": "nowhere"})
    assert record["text"] == "\\xff\0" + "a" * 510
    assert (record["size"], record["to"]) == (602, None)


def test_a_connection_is_opened_by_the_third_segment_of_the_handshake() -> None:
    talk = Conversation()
    assert talk.out(SYN, (100, 0)) == []
    assert talk.back(SYN | ACK, (500, 101)) == []
    assert talk.out(ACK) == [
        {
            "record": "connection",
            "at": 3.0,
            "from": "u1",
            "to": "u2",
            "source": "10.9.0.1:5000",
            "destination": "10.9.0.2:80",
            "state": "opened",
            "sent": 0,
            "received": 0,
        }
    ]
    assert talk.out(ACK) == []


def test_a_connection_is_closed_when_both_ends_have_finished() -> None:
    talk = Conversation()
    talk.open()
    talk.out(ACK, data=b"hello")
    talk.back(ACK, (501, 106), b"hi")
    assert talk.out(FIN | ACK, (106, 503)) == []
    closed = talk.back(FIN | ACK, (503, 107))
    assert states(closed) == ["closed"]
    assert counts(closed[0]) == (5, 2)
    assert talk.out(ACK, (107, 504)) == []
    assert talk.finish() == []


def test_what_is_sent_again_does_not_count_again() -> None:
    talk = Conversation()
    talk.open()
    for _ in range(3):
        talk.out(ACK, (101, 501), b"hello")
    talk.out(ACK, (104, 501), b"lo you")
    talk.out(ACK, (100, 501), b"")  # a keep-alive
    assert counts(talk.finish()[0]) == (9, 0)


def test_the_end_of_what_one_says_is_no_payload() -> None:
    talk = Conversation()
    talk.open()
    talk.out(FIN | ACK, (101, 501), b"hello")
    talk.out(FIN | ACK, (101, 501), b"hello")
    talk.out(ACK, (107, 501))
    assert counts(talk.finish()[0]) == (5, 0)


def test_segments_out_of_order_count_in_full() -> None:
    talk = Conversation()
    talk.open()
    talk.back(ACK, (504, 101), b"def")
    talk.back(ACK, (501, 101), b"abc")
    assert counts(talk.finish()[0]) == (0, 6)


def test_sequence_numbers_may_wrap() -> None:
    talk = Conversation()
    talk.out(SYN, (2**32 - 3, 0))
    talk.back(SYN | ACK, (500, 2**32 - 2))
    talk.out(ACK, (2**32 - 2, 501), b"hello")
    talk.out(ACK, (3, 501), b"you")
    assert counts(talk.finish()[0]) == (8, 0)


def test_a_sequence_number_beyond_any_window_does_not_count() -> None:
    talk = Conversation()
    talk.open()
    talk.out(ACK, (101 + (1 << 31) - 10, 501), b"hello")
    assert counts(talk.finish()[0]) == (0, 0)


def test_a_reset_that_answers_the_request_is_a_refusal() -> None:
    talk = Conversation()
    talk.out(SYN, (100, 0))
    assert states(talk.back(RST | ACK, (0, 101))) == ["refused"]
    assert talk.finish() == []


def test_an_opener_that_gives_up_its_request_resets_it() -> None:
    talk = Conversation()
    talk.out(SYN, (100, 0))
    assert states(talk.out(RST, (101, 0))) == ["reset"]


@pytest.mark.parametrize("side", ["opener", "other"])
def test_a_reset_of_an_open_connection_is_told_with_what_was_said_until_then(side: str) -> None:
    talk = Conversation()
    talk.open()
    talk.out(ACK, data=b"hello")
    ended = talk.out(RST, (106, 0)) if side == "opener" else talk.back(RST, (501, 0))
    assert states(ended) == ["reset"]
    assert counts(ended[0]) == (5, 0)
    assert talk.finish() == []


def test_a_request_that_is_repeated_and_never_answered_is_one_unanswered_connection() -> None:
    talk = Conversation()
    for _ in range(3):
        assert talk.out(SYN, (100, 0)) == []
    assert states(talk.finish()) == ["unanswered"]


def test_an_answer_that_is_never_acknowledged_leaves_the_request_unanswered() -> None:
    talk = Conversation()
    talk.out(SYN, (100, 0))
    talk.back(SYN | ACK, (500, 101))
    assert states(talk.finish()) == ["unanswered"]


def test_a_connection_that_outlives_the_run_is_open_at_its_end() -> None:
    talk = Conversation()
    talk.open()
    assert talk.out(FIN | ACK) == []
    assert [(record["state"], record["at"]) for record in talk.finish()] == [("open", 99.0)]


def test_data_that_comes_with_the_last_segment_of_the_handshake_counts() -> None:
    talk = Conversation()
    talk.out(SYN, (100, 0))
    talk.back(SYN | ACK, (500, 101))
    opened = talk.out(ACK, data=b"hello")
    assert states(opened) == ["opened"]
    assert counts(opened[0]) == (5, 0)


def test_a_handshake_whose_last_segment_also_finishes_opens_and_closes() -> None:
    talk = Conversation()
    talk.out(SYN, (100, 0))
    talk.back(SYN | ACK, (500, 101))
    talk.back(FIN | ACK, (501, 101))
    assert states(talk.out(FIN | ACK, (101, 502))) == ["opened", "closed"]


def test_the_same_ports_serve_a_second_connection_after_the_first() -> None:
    talk = Conversation()
    assert states(talk.open()) == ["opened"]
    talk.out(RST, (101, 0))
    assert states(talk.open()) == ["opened"]


def test_a_new_request_over_an_old_connection_ends_the_old_one() -> None:
    talk = Conversation()
    talk.out(SYN, (7, 0))
    assert states(talk.out(SYN, (8, 0))) == ["unanswered"]
    assert states(talk.open()) == ["unanswered", "opened"]
    assert states(talk.out(SYN, (9, 0))) == ["reset"]


def test_segments_of_no_known_connection_are_no_connection() -> None:
    talk = Conversation()
    for flags in (ACK, SYN | ACK, RST, FIN | ACK, SYN | RST, 0):
        assert talk.out(flags) == []
        assert talk.back(flags) == []
    assert talk.finish() == []


def test_an_answer_of_the_opener_itself_opens_nothing() -> None:
    talk = Conversation()
    talk.out(SYN, (100, 0))
    talk.out(SYN | ACK, (100, 0))
    assert talk.out(ACK) == []
    assert states(talk.finish()) == ["unanswered"]


def test_a_flood_of_requests_costs_no_open_connection_its_record() -> None:
    connections = Connections(limit=10)
    real = Conversation(connections)
    real.open()
    for port in range(1, 101):
        Conversation(connections, port).out(SYN, (100, 0))
    assert connections.forgotten == 91
    left = real.finish()
    assert states(left) == ["open"] + ["unanswered"] * 9
    assert left[-1]["source"] == "10.9.0.1:100"


def test_where_all_are_open_the_oldest_is_forgotten() -> None:
    connections = Connections(limit=2)
    talks = [Conversation(connections, port) for port in (1, 2, 3)]
    for talk in talks:
        assert states(talk.open()) == ["opened"]
    assert connections.forgotten == 1
    assert [record["source"] for record in talks[0].finish()] == ["10.9.0.1:2", "10.9.0.1:3"]
