"""The small language of what a terminal is expected to have shown: text with placeholders."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from peerlab.scenario.values import Resolver, Template

LINES: Final = "<lines>"
"""Any number of whole lines; stands alone on its line."""

# Digits are taken whole, so that a line is looked through once whatever a program prints.
_FORMS: Final = {
    "<time>": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "<ip>": r"\d{1,3}+(?:\.\d{1,3}+){3}",
    "<port>": r"\d{1,5}+",
    "<number>": r"\d++(?:\.\d++)?+",
}
_ANY: Final = "<any>"
PLACEHOLDERS: Final = (*_FORMS, _ANY, LINES)
_WORDS: Final = "|".join(word[1:-1] for word in PLACEHOLDERS)
_TOKEN: Final = re.compile(rf"(\n|<<(?:{_WORDS})>>|<(?:{_WORDS})>)")


@dataclass(frozen=True, slots=True)
class ExpectedLine:
    """One line of an expected text, or any number of lines.

    Attributes:
        shown: the line for people, its variables put in.
        form: what a line must be in whole; None: any number of lines are right.
    """

    shown: str
    form: re.Pattern[str] | None

    def matches(self, line: str) -> bool:
        """Whether a line is this one."""
        return self.form is not None and self.form.fullmatch(line) is not None


def has_misplaced_lines(text: str) -> bool:
    """Whether `<lines>` stands on a line with anything else."""
    lines = (line.split(f"<{LINES}>") for line in text.split("\n"))
    return any(LINES in part for parts in lines for part in parts if parts != [LINES])


def expected_lines(template: Template, resolve: Resolver) -> list[ExpectedLine]:
    """The lines of an expected text; blanks and empty lines at its very end do not count.

    `<<any>>` stands for a literal `<any>`, and so it is with the others.

    Raises:
        KeyError: the value of a variable is not known.
    """
    lines: list[list[tuple[str, bool]]] = [[]]
    for text, is_special in _tokens(template, resolve):
        if is_special and text == "\n":
            lines.append([])
        elif text:
            lines[-1].append((text, is_special))
    while lines and not _strip_end(lines[-1]):
        lines.pop()
    return [_line(tokens) for tokens in lines]


def _tokens(template: Template, resolve: Resolver) -> Iterator[tuple[str, bool]]:
    """Pieces of text, and whether each is a placeholder or an end of a line."""
    for part in template.parts:
        if not isinstance(part, str):
            for number, line in enumerate(resolve(part).split("\n")):
                yield from [("\n", True)] * (number > 0)
                yield line, False
            continue
        for piece in _TOKEN.split(part):
            if piece.startswith("<<") and _TOKEN.fullmatch(piece):
                yield piece[1:-1], False
            else:
                yield piece, _TOKEN.fullmatch(piece) is not None


def _strip_end(tokens: list[tuple[str, bool]]) -> bool:
    """Take blanks from the end of a line; False: nothing is left."""
    while tokens and not tokens[-1][1]:
        stripped = tokens[-1][0].rstrip()
        if stripped:
            tokens[-1] = stripped, False
            return True
        tokens.pop()
    return bool(tokens)


def _line(tokens: list[tuple[str, bool]]) -> ExpectedLine:
    shown = "".join(text for text, _ in tokens)
    if tokens == [(LINES, True)]:
        return ExpectedLine(shown, None)
    pieces = [""]
    for text, is_special in tokens:
        if is_special and text == _ANY:
            pieces.append("")
        else:
            pieces[-1] += _FORMS[text] if is_special else re.escape(text)
    first, *others = pieces
    # The first place that fits is as good as any later one, so nothing is tried twice.
    form = first + "".join(f"(?>.*?{piece})" for piece in others[:-1])
    form += f".*{others[-1]}" if others else ""
    return ExpectedLine(shown, re.compile(form, re.DOTALL))
