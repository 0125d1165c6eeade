"""Lines that were typed before their prompt was shown, and turned out to answer one for a secret.

A program reads lines in the order in which they were typed. So the first line that nothing had
asked for answers the next prompt. Which lines a program reads without a prompt that its file
names, nobody can know; where a secret may be among several lines, all of them are taken for it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from peerlab.evidence.journal import Event
from peerlab.evidence.mask import MASK
from peerlab.record.stream import Stream, Typed, read_streams
from peerlab.record.view import prompts
from peerlab.scenario.model import Scenario

_REACTION: Final = 1.0
"""Seconds after the line before in which nobody reads a prompt and answers it."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A session in which no line is seen that answered a prompt for a secret.

    Attributes:
        events: its journal, in the order of time.
        hidden: for each node, the secret lines typed there, in order.
        unsure: the nodes at which lines were taken for secrets that may be none.
    """

    events: Sequence[Event]
    hidden: Mapping[str, Sequence[str]]
    unsure: Sequence[str]


def cover(
    scenario: Scenario, events: Iterable[Event], hidden: Mapping[str, Sequence[str]]
) -> Covered:
    """Hide what was typed ahead of a prompt for a secret.

    Args:
        scenario: has the nodes and their programs.
        events: the journal of the session.
        hidden: for each node, the lines that are known to be secret, in order.
    """
    streams, ordered = read_streams(scenario, events, hidden)
    secrets: dict[str, Sequence[str]] = {}
    unsure = []
    for name, stream in streams.items():
        found = _Answers(stream, prompts(scenario.nodes[name].program), ordered)
        for position in found.secret:
            event = ordered[position]
            detail = {**event.detail, "secret": True}
            ordered[position] = replace(event, text=MASK, detail=detail)
        secrets[name] = [
            line.text for line in _typed(stream) if line.is_secret or line.position in found.secret
        ]
        if found.is_unsure:
            unsure.append(name)
    return Covered(ordered, secrets, unsure)


@dataclass(frozen=True, slots=True)
class _Prompt:
    """Where the dialogue asks for a line."""

    start: int
    end: int
    is_secret: bool


class _Answers:
    """Finds which lines of one terminal answered a prompt for a secret.

    Attributes:
        secret: their positions.
        is_unsure: whether some of them may have answered something else.
    """

    def __init__(
        self,
        stream: Stream,
        known: Sequence[tuple[re.Pattern[str], bool]],
        ordered: Sequence[Event],
    ) -> None:
        self.secret: set[int] = set()
        self.is_unsure = False
        self._text: Final = stream.text
        self._ordered: Final = ordered
        self._ahead: list[Typed] = []
        self._suspects: set[int] = set()
        self._asked: _Prompt | None = None
        self._last: Typed | None = None
        self._last_was_asked_for = False
        shown = _shown(stream.text, known)
        for line in _typed(stream):
            while shown and shown[0].end <= line.offset:
                self._show(shown.pop(0), line)
            self._type(line)
        for prompt in shown:
            self._show(prompt, None)
        self._give_up_asked()
        self._forget_ahead()

    def _show(self, prompt: _Prompt, following: Typed | None) -> None:
        """Take in a prompt, and the line that was typed next after it."""
        self._give_up_asked()
        waits = following is not None and self._is_blank(prompt.end, following.offset)
        if self._ahead and not waits:
            answer = self._ahead.pop(0)
            self._last_was_asked_for = self._last_was_asked_for or answer is self._last
            if prompt.is_secret:
                self.secret.add(answer.position)
                self._suspects |= {line.position for line in self._ahead}
            return
        if following is not None and self._ahead and prompt.is_secret:
            gap = self._at(following) - self._at(self._ahead[-1])
            if gap < _REACTION:  # one paste, perhaps
                self._suspects |= {line.position for line in self._ahead}
        self._forget_ahead()
        self._asked = prompt

    def _type(self, line: Typed) -> None:
        is_asked_for = self._asked is not None and self._is_blank(self._asked.end, line.offset)
        if is_asked_for:
            self._asked = None
        else:
            self._give_up_asked()
            if self._text[: line.offset].rpartition("\n")[2].strip():  # a prompt of no action
                self._forget_ahead()
            else:
                self._ahead.append(line)
        self._last, self._last_was_asked_for = line, is_asked_for

    def _give_up_asked(self) -> None:
        """Nobody answered the prompt any more: what was typed before it may have."""
        asked, self._asked = self._asked, None
        if asked is None or not asked.is_secret or self._last is None or self._last_was_asked_for:
            return
        self.secret.add(self._last.position)
        self.is_unsure = True

    def _forget_ahead(self) -> None:
        """The lines typed ahead were read; of those that answered no prompt, a secret may be."""
        lost = self._suspects & {line.position for line in self._ahead}
        self.secret |= lost
        self.is_unsure = self.is_unsure or bool(lost)
        self._ahead = []

    def _is_blank(self, start: int, end: int) -> bool:
        return not self._text[start:end].strip()

    def _at(self, line: Typed) -> float:
        return self._ordered[line.position].at


def _typed(stream: Stream) -> list[Typed]:
    return [item for item in stream.items if isinstance(item, Typed)]


def _shown(text: str, known: Sequence[tuple[re.Pattern[str], bool]]) -> list[_Prompt]:
    """The prompts in a dialogue, in order; what several patterns find is one."""
    found = sorted(
        (match.start(), match.end(), is_secret)
        for pattern, is_secret in known
        for match in pattern.finditer(text)
    )
    shown: list[_Prompt] = []
    for start, end, is_secret in found:
        if shown and start < shown[-1].end:
            last = shown[-1]
            both = _Prompt(last.start, max(end, last.end), is_secret or last.is_secret)
            shown[-1] = both
        else:
            shown.append(_Prompt(start, end, is_secret))
    return shown
