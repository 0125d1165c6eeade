import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerlab.report.escape import escape, escape_line

CASES = {
    "plain text": ("Hello, u1!", "Hello, u1!"),
    "letters of all scripts": ("Grüße 你好 مرحبا", "Grüße 你好 مرحبا"),
    "line ends and tabs": ("a\n\tb\n", "a\n\tb\n"),
    "escape sequence": ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
    "C0": ("\x00\x07\x08\r\x0b\x0c\x1f", r"\x00\x07\x08\r\x0b\x0c\x1f"),
    "DEL": ("\x7f", r"\x7f"),
    "C1": ("\x80\x85\x9b31m\x9f", r"\x80\x85\x9b31m\x9f"),
    "bidi": ("\u202eabc\u202c \u2066\u2069\u200e", r"\u202eabc\u202c \u2066\u2069\u200e"),
    "invisible": ("a\u200bb\ufeff\u00ad", r"a\u200bb\ufeff\xad"),
    "separators": ("\u2028\u2029", r"\u2028\u2029"),
    "lone surrogate": ("\ud800", r"\ud800"),
    "private and unassigned": ("\ue000\U000e0fff", r"\ue000\U000e0fff"),
    "joined emoji": ("👩\u200d👧 👍🏽 ❤\ufe0f", "👩\u200d👧 👍🏽 ❤\ufe0f"),
    "combining marks": ("e\u0301", "e\u0301"),
    "command of GitHub": (
        "::error::x\n \u00a0::Add-Mask::",
        "\\x3a:error::x\n \u00a0\\x3a:Add-Mask::",
    ),
    "command anywhere": ("a ##[error]x ###[x ##vso[y]", r"a \x23#[error]x #\x23#[x \x23#vso[y]"),
    "no command": ("x ::error:: ::1 ## [x] #[x]", "x ::error:: ::1 ## [x] #[x]"),
    "quotes and backslashes": ("'\"\\n", "'\"\\n"),
}


@pytest.mark.parametrize(("text", "shown"), CASES.values(), ids=CASES)
def test_what_a_terminal_would_obey_or_hide_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_text_for_one_line_stays_on_it() -> None:
    assert escape_line("a\n\tb\x1b") == r"a\n\tb\x1b"


@settings(max_examples=60)
@given(text=st.text(max_size=30))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    kept = {"\n", "\t", "\u200d"}
    left = {unicodedata.category(char) for char in escape(text) if char not in kept}
    assert left.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    assert escape(escape(text)) == escape(text)
    assert "\n" not in escape_line(text)
