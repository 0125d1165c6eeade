"""Text on its way to a terminal: escaping what came from elsewhere, surviving a broken pipe."""

import os
import re
import time
import unicodedata
from typing import TextIO

_SHORT = {"\n": "\\n", "\t": "\\t"}
_ZERO_WIDTH_JOINER = "\u200d"
_VARIATION_SELECTORS = "\ufe0e\ufe0f"
"""Text style and emoji style of the character before."""
_OTHER_SELECTORS = "[\u180b-\u180d\u180f\ufe00-\ufe0d\U000e0100-\U000e01ef]"
_STYLED_OTHERS = frozenset("0123456789#*\u00a9\u00ae\u203c\u2049\u3030")
"""Emoji in emoji style alone, such as the base of the keycap 1 U+FE0F U+20E3."""
_TAGGED_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
"""A flag of a country's part, such as Scotland's; tags anywhere else are a way to hide text."""
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""What Unicode calls default ignorable though its category is a letter or a mark."""


def escape(text: str) -> str:
    r"""Return the text with everything made visible that could steer a terminal or hide.

    Control characters (C0, DEL, C1), bidirectional controls, line and paragraph separators,
    zero-width characters and surrogates become `\n`, `\t`, `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
    Everything else stays, emoji with their joiners and variation selectors included. A backslash
    stays single, so that what people type stays readable: `\n` on the screen may have been typed
    as two characters (the trace line, which is JSON, tells them apart).
    """
    flags = {at for flag in re.finditer(_TAGGED_FLAG, text) for at in range(*flag.span())}
    return "".join(
        character if at in flags or _is_plain(text, at) else _escaped(character)
        for at, character in enumerate(text)
    )


def moment(seconds: float) -> str:
    """Return Unix seconds as people read them, in the local time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters of the text, saying how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text) - limit} more)"


def write_flushed(stream: TextIO, text: str) -> bool:
    """Write and flush; return False if nobody can read the stream any more.

    Its descriptor then leads nowhere, so that flushing at exit does not fail once more.
    """
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True


def _is_plain(text: str, at: int) -> bool:
    character = text[at]
    if " " <= character <= "~":
        return True
    before = text[at - 1] if at else ""
    if character == _ZERO_WIDTH_JOINER:
        after = text[at + 1 : at + 2]
        return (_is_pictograph(before) or before == _VARIATION_SELECTORS[1]) and _is_pictograph(
            after
        )
    if character in _VARIATION_SELECTORS:
        return _can_be_styled(before)
    return (
        unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and character not in _INVISIBLE_LETTERS
        and not re.match(_OTHER_SELECTORS, character)
    )


def _is_pictograph(character: str) -> bool:
    # From the arrows on: emoji are symbols of these categories, skin tones included.
    return character >= "\u2190" and unicodedata.category(character) in {"So", "Sm", "Sk"}


def _can_be_styled(character: str) -> bool:
    return _is_pictograph(character) or character in _STYLED_OTHERS


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isascii():
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode()
