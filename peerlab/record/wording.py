"""Text that was seen or typed once, written so that it fits on the next run too.

Addresses of nodes and what patterns have learned of them become variables; other addresses,
ephemeral ports, times and long hexadecimal numbers become regular expressions.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.record.confided import Confided
from peerlab.scenario.values import literal

_CHANGING: Final = re.compile(
    r"(?P<address>(?<![\w.])(?!0\.0\.0\.0|127\.)\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w))"
    r"(?:(?P<between>'?, ?|:)(?P<port>\d{1,5})\b)?"
    r"|(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?\b"
    r"|\b\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\b)"
    r"|(?P<span>\b\d+(?:\.\d+)?(?= ?(?:us|ms|s|seconds?)\b))"
    r"|(?P<hex>\b(?=[a-f]*\d)[0-9a-f]{8,}\b)"
)
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)*(?!\w)")
_LONG: Final = 4
"""Digits of a number that is taken for one that was learned."""
_SPECIAL: Final = re.compile(r"[\\.^$*+?{}\[\]|()]")
_ESCAPES: Final = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}


_Part = tuple[str, bool]
"""A piece of what is written, and whether it is a regular expression."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Writes text with the variables that are known.

    Attributes:
        known: the variables of each node.
        names: those that programs tell about nodes, such as `label`.
    """

    known: Mapping[str, Mapping[str, str]]
    names: Collection[str]
    confided: Confided

    def typed(self, text: str) -> str:
        """A template that gives the text that was typed."""
        whole = self._labels().get(text)
        if whole is not None:
            return whole
        told = self._addresses() | self._numbers()
        written, end = "", 0
        for match in _NUMBER.finditer(text):
            if match[0] in told:
                written += literal(text[end : match.start()]) + told[match[0]]
                end = match.end()
        return written + literal(text[end:])

    def seen(self, text: str, *, to_the_end: bool = False) -> str:
        """A pattern that finds the text that was printed; `to_the_end`: nothing may follow it."""
        parts = list(self._parts(text))
        plain = "".join(part for part, _ in parts)
        looks_like_one = len(plain) > 1 and plain.startswith("/") and plain.endswith("/")
        if not looks_like_one and not any(is_expression for _, is_expression in parts):
            return plain
        written = list(self._parts(text, escape=_escape))
        return f"/{''.join(part for part, _ in written)}{'$' if to_the_end else ''}/"

    def _parts(self, text: str, escape: Callable[[str], str] = literal) -> Iterator[_Part]:
        labels, addresses = self._labels(), self._addresses()
        secrets = sorted(self.confided.within(text), key=len, reverse=True)
        names = sorted(labels, key=len, reverse=True)
        any_of = re.compile(
            rf"(?P<secret>{_either(secrets)})|(?<!\w)(?P<label>{_either(names)})(?!\w)"
            rf"|{_CHANGING.pattern}"
        )
        end = 0
        for match in any_of.finditer(text):
            yield escape(text[end : match.start()]), False
            end = match.end()
            if match["secret"]:
                yield ".+", True
            elif match["label"]:
                yield labels[match["label"]], False
            elif match["address"]:
                known = addresses.get(match["address"])
                yield (r"[\d.]+", True) if known is None else (known, False)
                if match["port"]:
                    yield escape(match["between"]), False
                    yield r"\d+", True
            else:
                yield _digits(match), True
        yield escape(text[end:]), False

    def _labels(self) -> dict[str, str]:
        return {
            variables[name]: f"{{{node}.{name}}}"
            for node, variables in self.known.items()
            for name in self.names
            if variables.get(name)
        }

    def _numbers(self) -> dict[str, str]:
        """Numbers that were learned, such as ports, and are too long to be equal by chance."""
        return {
            value: f"{{{node}.{name}}}"
            for node, variables in self.known.items()
            for name, value in variables.items()
            if value.isdecimal() and len(value) >= _LONG
        }

    def _addresses(self) -> dict[str, str]:
        return {variables["ip"]: f"{{{node}.ip}}" for node, variables in self.known.items()}


def _either(words: Sequence[str]) -> str:
    """A regular expression for one of the words; of none, one that never fits."""
    return "|".join(re.escape(word) for word in words) or r"(?!)"


def _escape(text: str) -> str:
    """The text as part of a regular expression, with no more backslashes than it needs."""
    escaped = _SPECIAL.sub(lambda match: f"\\{match[0]}", text)
    return "".join(_ESCAPES.get(character, character) for character in escaped)


def _digits(match: re.Match[str]) -> str:
    if match["time"]:
        return re.sub(r"\d+", lambda digits: rf"\d{{{len(digits[0])}}}", _escape(match["time"]))
    return r"[\d.]+" if match["span"] else "[0-9a-f]+"
