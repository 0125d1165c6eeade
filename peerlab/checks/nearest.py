"""Finds what came nearest to a text that was awaited in vain. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

MOST_LINES: Final = 200
LONGEST: Final = 300
"""Characters of a line that are compared."""
NEAR: Final = 0.6
"""How alike a line must be to be called near, from 0 to 1: 0.6 is difflib's own figure for it."""

_SHORTEST: Final = 4
"""Characters of the shortest text to which anything can be called near."""

_MARK: Final = "\0"
_ASIDE: Final = 0xE000
"""Where escaped characters wait, of a range that no text uses: they stand for themselves."""
_BACK: Final = {_ASIDE + code: code for code in range(128)}
_ESCAPED: Final = re.compile(r"\\([ -/:-@[-^`{-~])")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_GROUP: Final = re.compile(r"\(\?(?:P<\w+>|P=\w+|[:=!]|<[=!])")
_REPEATED: Final = re.compile(r"(?:\\[wWdDsS]|\.|\0)(?:[*+?]|\{\d*,?\d*\})*\??")


@dataclass(frozen=True, slots=True)
class Miss:
    """A line that is nearly the one that was awaited.

    Attributes:
        line: the line.
        at: the character from which on it is another, counted from 1.
        expected: what was awaited from there on.
        got: what is there instead.
    """

    line: str
    at: int
    expected: str
    got: str


def nearest(awaited: str, lines: Sequence[str], *, regex: bool = False) -> Miss | None:
    """The line that is most like the awaited text; None if none is near, or if that has all of it.

    Args:
        awaited: the text, or a regular expression, of which its literal parts are compared.
        lines: what was shown; the newest of many are looked at.
        regex: whether it is a regular expression.
    """
    wanted = (literal(awaited) if regex else awaited).strip("\n")[:LONGEST]
    if len(wanted.strip(_MARK + " ")) < _SHORTEST:
        return None
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    best, best_part = 0.0, ""
    for line in lines[-MOST_LINES:]:
        part = _like(line[:LONGEST], wanted)
        matcher.set_seq1(part)
        if matcher.real_quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, best_part = ratio, part
    if best < NEAR:
        return None
    matcher.set_seq1(best_part)
    # A piece that can be anything is as it should be, whatever stands there.
    for what, first, last, begin, end in matcher.get_opcodes():
        if what != "equal" and set(wanted[begin:end]) != {_MARK}:
            if begin == len(wanted) and not (regex and awaited.endswith("$")):
                return None  # all of it is there, and the line goes on
            expected = wanted[begin:].replace(_MARK, "...")
            return Miss(best_part, first + 1, expected[:40], best_part[first : last + 40][:40])
    return None


def _like(line: str, wanted: str) -> str:
    """The part of a line that can be what was awaited: the pattern need not be all of it."""
    first = wanted.split(_MARK, maxsplit=1)[0]
    start = line.find(first[:8]) if first else 0
    return line[max(0, start) :]


def literal(pattern: str) -> str:
    """The literal parts of a regular expression, with a NUL for what can be anything."""
    text = _ESCAPED.sub(lambda found: chr(_ASIDE + ord(found[1])), pattern)
    text = _CLASS.sub(_MARK, text)
    text = _GROUP.sub("(", text)
    text = text.replace("\\A", "").replace("\\Z", "").replace("\\n", "\n")
    text = _REPEATED.sub(_MARK, text)
    text = re.sub(r"[()^$|]|\\[bB]", "", text)
    text = re.sub(f"{_MARK}[*+?]*", _MARK, text)
    return text.translate(_BACK)
