import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.datagram import MAX_DATAGRAM, ChatMessage, format_datagram, parse_datagram
from services.values import ProtocolError

MESSAGE = ChatMessage("0123456789abcdef", "USER 1", 1795365840.25, "HELLO")


def datagram(**changes: object) -> bytes:
    members = {"id": "m1", "from": "USER 1", "sent": 1795365840, "text": "HELLO"} | changes
    return b"CHAT/1 " + json.dumps(members).encode()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=150))
def test_a_message_is_read_as_it_was_written(text: str) -> None:
    message = ChatMessage("m-1_a", "USER 12", 1795365840.25, text)

    assert parse_datagram(format_datagram(message)) == message


def test_the_longest_text_fits_exactly_and_one_byte_more_does_not() -> None:
    room = MAX_DATAGRAM - len(format_datagram(MESSAGE)) + len("HELLO")
    longest = ChatMessage(MESSAGE.message_id, MESSAGE.sender, MESSAGE.sent, "x" * room)
    longer = ChatMessage(MESSAGE.message_id, MESSAGE.sender, MESSAGE.sent, "x" * (room + 1))

    assert len(format_datagram(longest)) == MAX_DATAGRAM
    with pytest.raises(ProtocolError, match="datagram-too-long"):
        format_datagram(longer)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "bad-datagram"),
        (b"HELLO", "bad-datagram"),
        (b"CHAT/2 {}", "bad-datagram"),
        (b"CHAT/1", "bad-datagram"),
        (b"CHAT/1 ", "bad-argument"),
        (b"CHAT/1 \xff", "not-utf8"),
        (b"CHAT/1 " + b"[" * 1100, "bad-argument"),
        (datagram(extra=1), "bad-argument"),
        (datagram(id=""), "bad-argument"),
        (datagram(id="a b"), "bad-argument"),
        (datagram(id="a\n"), "bad-argument"),
        (datagram(id="x" * 65), "bad-argument"),
        (datagram(id=1), "bad-argument"),
        (datagram(text=["HELLO"]), "bad-argument"),
        (datagram(text="\ud83d"), "bad-argument"),
        (datagram(sent=float("nan")), "bad-argument"),
        (datagram(**{"from": "bob"}), "bad-argument"),
        (datagram(text="x" * 1200), "datagram-too-long"),
    ],
)
def test_a_datagram_of_another_format_is_a_named_error(data: bytes, name: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_datagram(data)

    assert caught.value.name == name


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (0, 0.0),
        (1795365840.5, 1795365840.5),
        (-1, None),
        (10**15, None),
        (int("9" * 1000), None),
        (True, None),
        (None, None),
        ("2026-11-22T16:44:00Z", None),
        ([[[]]], None),
    ],
)
def test_a_send_time_that_is_no_sane_number_is_left_out(sent: object, read: float | None) -> None:
    assert parse_datagram(datagram(sent=sent)).sent == read


def test_a_send_time_too_large_for_a_float_is_left_out() -> None:
    assert parse_datagram(datagram().replace(b"1795365840", b"1e999")).sent is None


@given(st.one_of(st.binary(max_size=1300), st.binary(max_size=1300).map(lambda b: b"CHAT/1 " + b)))
def test_whatever_arrives_nothing_but_a_protocol_error_is_raised(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        parse_datagram(data)


def test_half_a_surrogate_pair_is_not_written() -> None:
    with pytest.raises(ProtocolError):
        format_datagram(ChatMessage("m1", "USER 1", 0.0, "\ud800"))
