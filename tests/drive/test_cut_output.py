"""Output means the same however the bytes are cut on their way."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerlab.drive.transcript import Transcript
from tests.drive.feeding import KINDS, feed, joined, pipe, pty

LINES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=8),
        st.sampled_from(
            ["* u2 says HEY", "trace: sent 1 to 10.0.0.3: grüße", "trace: received 2: 👍", "> "]
        ),
    ),
    max_size=8,
)
CUTS = st.lists(st.integers(0, 400), max_size=12)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


@settings(max_examples=60)
@given(lines=LINES, cuts=CUTS, last=st.booleans())
@pytest.mark.parametrize("echoes", [False, True], ids=["pipe", "pty"])
def test_output_means_the_same_however_it_is_cut(
    lines: list[str], cuts: list[int], *, last: bool, echoes: bool
) -> None:
    end = "\r\n" if echoes else "\n"
    data = (end.join(lines) + (end if last else "")).encode()
    whole, cut = Transcript("u1", KINDS, echoes), Transcript("u1", KINDS, echoes)
    assert joined(feed(whole, data)) == joined(feed(cut, *pieces(data, cuts)))
    assert (whole.unread, whole.notices) == (cut.unread, cut.notices)
    assert whole.ended() == cut.ended()


@settings(max_examples=60)
@given(data=st.binary(max_size=60), cuts=CUTS)
def test_bytes_that_are_no_text_mean_the_same_however_they_are_cut(
    data: bytes, cuts: list[int]
) -> None:
    whole, cut = pipe(), pipe()
    assert joined(feed(whole, data)) == joined(feed(cut, *pieces(data, cuts)))
    assert whole.ended() == cut.ended()
    assert whole.unread == cut.unread


@settings(max_examples=60)
@given(lines=LINES, cuts=CUTS, typed=st.text("Y1 ü", max_size=4))
def test_an_echo_is_taken_out_however_it_is_cut(
    lines: list[str], cuts: list[int], typed: str
) -> None:
    data = "\r\n".join([typed, *lines, ""]).encode()
    transcript, without_echo = pty(), pty()
    transcript.typed(typed, 0.0, secret=False)
    without_echo._keep_unread("\n")
    events = feed(transcript, *pieces(data, cuts))
    expected = feed(without_echo, "\r\n".join([*lines, ""]).encode())
    assert joined(events) == joined(expected)
    assert transcript.unread == without_echo.unread


@settings(max_examples=60)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40), cuts=CUTS)
def test_what_is_printed_is_in_the_events_to_the_letter(text: str, cuts: list[int]) -> None:
    transcript = Transcript("u1")
    events = feed(transcript, *pieces(text.encode(), cuts)) + transcript.ended()
    assert "".join(event.text for event in events) == text


@settings(max_examples=60)
@given(text=st.text("ab\n", max_size=40), cuts=CUTS)
def test_reading_match_by_match_gives_the_whole_dialogue_once(text: str, cuts: list[int]) -> None:
    transcript = Transcript("u1")
    read = ""
    for chunk in pieces(text.encode(), cuts):
        feed(transcript, chunk)
        while (match := transcript.search(re.compile("a|b\n?|\n"))) is not None:
            read += transcript.unread[: match.end()]
            transcript.consume(match)
    assert read + transcript.unread == text
