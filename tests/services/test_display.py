import io
import os
import pty
import re
import socket
import termios
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.display import escape, has_room, shorten, write_flushed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("HELLO", "HELLO"),
        ("", ""),
        ("a\nb\tc\rd", r"a\nb\tc\x0dd"),
        ("\x00\x1b[2J\x07\x7f", r"\x00\x1b[2J\x07\x7f"),
        ("\x85\x9b31m", r"\x85\x9b31m"),
        ("\u202eabc\u2066\u061c", r"\u202eabc\u2066\u061c"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        ("a\u200bb\u200cc\u200dd\u2060\ufeff\u00ad", r"a\u200bb\u200cc\u200dd\u2060\ufeff\xad"),
        ("\ud800", r"\ud800"),
        ("\u3164\u115f", r"\u3164\u115f"),
        ("C:\\new", "C:\\new"),
        ("Grüße, Ελλάδα, 日本, עברית", "Grüße, Ελλάδα, 日本, עברית"),
        ("e\u0301", "e\u0301"),
        ("\U000e0041\U000e0042", r"\U000e0041\U000e0042"),
        ("a\ufe0f", r"a\ufe0f"),
        ("\U0001f600\ufe0f\ufe0f\U000e0100", "\U0001f600\ufe0f" + r"\ufe0f\U000e0100"),
        ("\U0001f600\u200d\u200d\U0001f600", "\U0001f600" + r"\u200d\u200d" + "\U0001f600"),
    ],
)
def test_what_could_steer_a_terminal_or_hide_is_made_visible(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize(
    "emoji",
    [
        "\U0001f600",
        "\u2764\ufe0f",
        "\U0001f44d\U0001f3fd",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
        "\U0001f469\U0001f3fe\u200d\U0001f680",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f937\u200d\u2642\ufe0f",
        "\U0001f642\u200d\u2194\ufe0f",
        "\U0001f408\u200d\u2b1b",
        "\U0001f1ff\U0001f1e6",
        "1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ],
)
def test_emoji_stay_what_they_are(emoji: str) -> None:
    assert escape(f"a{emoji}b") == f"a{emoji}b"


@given(st.text())
def test_no_text_brings_a_control_character_to_the_screen(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", escape(text))


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_printable_ascii_is_shown_as_it_is(text: str) -> None:
    assert escape(text) == text


def test_a_long_text_says_how_much_is_left_out() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefgh", 6) == "abcdef... (2 more)"


def test_writing_to_a_pipe_that_nobody_reads_is_reported_and_harmless_from_then_on() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        assert write_flushed(stream, "lost\n") is False
        assert write_flushed(stream, "lost too\n") is True


def unread_pipe() -> tuple[int, int]:
    return os.pipe()


@pytest.mark.parametrize("unread", [unread_pipe, pty.openpty])
def test_output_that_nobody_takes_in_time_is_dropped_and_so_is_all_that_follows(
    unread: Callable[[], tuple[int, int]],
) -> None:
    reading, writing = unread()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as stream:
        assert write_flushed(stream, "lost\n" * 50_000, 0.1) is False
        assert write_flushed(stream, "lost too\n" * 50_000) is True


def test_nothing_waits_for_a_reader_of_a_program_that_is_to_stop() -> None:
    reading, writing = os.pipe()
    stop, alarm = socket.socketpair()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as stream, closing(stop), closing(alarm):
        alarm.send(b"\0")
        assert write_flushed(stream, "seen\n", 3600, stop) is True
        assert write_flushed(stream, "lost\n" * 50_000, 3600, stop) is False


def test_a_terminal_that_is_stopped_takes_nothing_until_it_goes_on() -> None:
    keyboard, screen = pty.openpty()
    with os.fdopen(keyboard, "rb+", buffering=0) as person, os.fdopen(screen, "w") as stream:
        assert has_room(stream, 20)
        termios.tcflow(screen, termios.TCOOFF)
        assert not has_room(stream, 0)
        termios.tcflow(screen, termios.TCOON)
        assert write_flushed(stream, "seen\n")
        assert person.read(4) + person.read(2) == b"seen\r\n"


def test_long_output_arrives_whole(tmp_path: Path) -> None:
    text = "Grüße \U0001f600\n" * 10_000
    with (tmp_path / "out").open("w", encoding="utf-8") as stream:
        assert write_flushed(stream, text)
    assert (tmp_path / "out").read_text("utf-8") == text


def test_writing_is_flushed(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        assert write_flushed(stream, "seen\n")
        assert (tmp_path / "out").read_text() == "seen\n"


def test_a_stream_without_emoji_gets_their_numbers() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")

    assert write_flushed(stream, "\U0001f600")
    assert raw.getvalue() == rb"\U0001f600"
