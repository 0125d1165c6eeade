"""Text that people wrote, positions in it, and what is told to them when it is wrong.

Nothing here knows YAML or the scenario language; `tree.py` and `reading.py` do.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peerlab.errors import ExitStatus, PeerlabError

CODES: Final = {
    "unreadable-file": "the file is not there, is not a regular file or may not be read",
    "missing-directory": "a directory is not there or may not be looked into",
    "file-too-large": "the file is larger than 1 MiB",
    "not-utf8": "the file is not UTF-8 text",
    "control-character": "the file has a character in it that YAML text may not have",
    "yaml-syntax": "the text is not YAML",
    "empty-file": "there is nothing in the file",
    "several-documents": "the file has more than one YAML document",
    "too-deep": "mappings and lists are nested deeper than 32 levels",
    "anchor": "YAML anchors and aliases are not part of the language",
    "tag": "YAML tags are not part of the language",
    "merge-key": "the YAML merge key is not part of the language",
    "duplicate-key": "a mapping has the same key twice",
    "wrong-kind": "a value is text, a list or a mapping where something else is expected",
    "missing-key": "a mapping lacks a key that it must have",
    "unknown-key": "a mapping has a key that means nothing there",
    "conflicting-keys": "a mapping has keys that exclude each other",
    "empty": "a list, mapping or text is empty where at least one thing is needed",
    "bad-text": "a text does not have the form that is asked for",
    "bad-name": "a name does not have the form of a name, or is reserved",
    "bad-number": "a number is not one, or is out of range",
    "bad-duration": "a duration is not one, or is out of range",
    "bad-percent": "a percentage is not one, or is out of range",
    "bad-rate": "a rate is not one, or is out of range",
    "wrong-count": "there are more or fewer of something than are needed",
    "bad-pattern": "a pattern matches the empty text or is not a regular expression",
    "missing-group": "a pattern lacks a named group that is needed from it",
    "unknown-value": "a value is none of those to choose from",
    "unknown-program": "no program file is known for the name, or no node runs the program",
    "circular-after": "programs wait for each other to be ready",
    "unknown-node": "a node is not one of the scenario's nodes",
    "duplicate-node": "a node is named twice where once is meant",
    "unplaced-node": "a node is on no segment",
    "unknown-segment": "a segment is not one of the scenario's segments",
    "unknown-name": "nothing that the wire does has the name at this place",
    "unknown-step": "a step is neither an act nor an action of the node's program",
    "one-at-a-time": "a step or a check has more than one thing in it, or nothing",
    "misplaced-step": "a step stands where it cannot be played",
    "unknown-parameter": "an action does not take the parameter",
    "missing-parameter": "an action lacks a parameter that has no default",
    "mixed-parameters": "an action's parameters are given both inside and beside it, or twice",
    "missing-notices": "the program does not say which lines it prints unasked",
    "unknown-variable": "a variable is not known at its place",
    "unknown-secret": "a secret is not among the scenario's secrets",
    "unused-secret": "one of the scenario's secrets is used nowhere",
    "misplaced-secret": "a secret stands where it would be seen",
    "unknown-check": "there is no check of the name",
}
"""What each diagnostic code means. The table in docs/scenario.md says the same."""

MOST_SHOWN: Final = 20
"""Diagnostics shown at once; of more, only the number is told."""

_WIDEST: Final = 96
"""Terminal cells of a source line that are shown; longer lines are cut around the problem."""

_LONGEST: Final = 60
"""Characters of a wrong value that a message repeats."""

_LINE_BREAK: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""Where YAML sees the end of a line (YAML 1.1, section 5.4)."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a file. Lines and columns count from 1, columns in characters."""

    path: Path
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{visible(str(self.path))}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file, split as YAML counts its lines."""

    path: Path
    text: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, text: str) -> "Source":
        """Split `text`, which was read from `path`."""
        return cls(path, text, tuple(_LINE_BREAK.split(text)))

    def line(self, number: int) -> str:
        """The line of that number, without its end; empty where there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def raw(self, span: Span) -> str | None:
        """What is written at `span`, or None if that is more than a line."""
        if span.line != span.end_line:
            return None
        return self.line(span.line)[span.column - 1 : span.end_column - 1]

    def within(self, span: Span, part: str) -> Span:
        """Where `part` is written inside `span`; `span` itself if it cannot be seen there."""
        raw = self.raw(span)
        start = -1 if raw is None else raw.find(part)
        if start < 0:
            return span
        column = span.column + start
        return Span(span.path, span.line, column, span.line, column + len(part))


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, where it is, and what helps. `line` is the source line that it begins in."""

    code: str
    message: str
    span: Span
    hint: str | None = None
    line: str = ""

    def __str__(self) -> str:
        shown = [f"{self.span}: error: {visible(self.message)} [{self.code}]"]
        if self.line.strip():
            shown += _excerpt(self.line, self.span)
        if self.hint is not None:
            shown.append(f"   hint: {visible(self.hint)}")
        return "\n".join(shown)


class ScenarioError(PeerlabError):
    """Raised when a scenario or a program file is wrong, with everything that is wrong."""

    exit_status = ExitStatus.USAGE

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        shown = [str(diagnostic) for diagnostic in self.diagnostics[:MOST_SHOWN]]
        more = len(self.diagnostics) - MOST_SHOWN
        if more > 0:
            shown.append(f"and {more} more {'problem' if more == 1 else 'problems'}")
        super().__init__("\n".join(shown))


def quoted(text: str) -> str:
    """`text` as a message shows it: in quotes, escaped, and not longer than a message may be."""
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...")


def visible(text: str) -> str:
    """`text` on one line, with what a terminal would obey or hide written as an escape."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character == "\t":
        return "    "
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _cells(text: str) -> int:
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def _excerpt(line: str, span: Span) -> list[str]:
    line = line.rstrip()
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    before, marked, after = line[:start], line[start:end], line[max(start, end) :]
    before, marked, after = visible(before), visible(marked), visible(after)
    if _cells(before + marked + after) > _WIDEST:
        before = _cut_left(before, _WIDEST // 2)
        marked = _cut_right(marked, _WIDEST // 4)
        after = _cut_right(after, _WIDEST - _cells(before + marked))
    return [
        f"{span.line:>5} | {before}{marked}{after}".rstrip(),
        f"{'':>5} | {' ' * _cells(before)}{'^' * max(1, _cells(marked))}",
    ]


def _cut_right(text: str, cells: int) -> str:
    if _cells(text) <= cells:
        return text
    kept, room = 0, cells - len("...")
    while kept < len(text) and room >= (width := _cells(text[kept])):
        kept, room = kept + 1, room - width
    return text[:kept] + "..."


def _cut_left(text: str, cells: int) -> str:
    return text if _cells(text) <= cells else "..." + _cut_right(text[::-1], cells)[:-3][::-1]
