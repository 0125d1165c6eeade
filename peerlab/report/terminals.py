"""What each terminal showed, and when: bounded, line by line, ready to be shown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import NodeEvidence
from peerlab.report.remarks import remark_on

MOST: Final = 64 * 1024
MOST_OF_ALL: Final = 2 * 1024 * 1024
LEAST: Final = 4 * 1024
"""Characters of a terminal that are shown: of one, of all together, of one in any case."""
_LINES: Final = re.compile(r"[^\n]{1,1024}\n?|\n")
"""A line, or up to so many characters of one: what is shown or left out as a whole."""
_LINE: Final = 60
"""What a line costs beside its characters, since each takes room on the page."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a line: `look` is typed, printed, notice or remark."""

    look: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a terminal, and when its first character came, in seconds."""

    at: float
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is shown of one node's terminal: the begin, and the end if there is more.

    Attributes:
        left_out: bytes between begin and end that are not shown.
        truncated: whether the lab itself kept only the begin.
    """

    node: str
    ip: str
    program: str
    begin: Sequence[Line]
    end: Sequence[Line]
    left_out: int
    truncated: bool


def share_of_each(nodes: int) -> int:
    """How many characters of each terminal are shown where there are so many nodes."""
    return max(LEAST, min(MOST, MOST_OF_ALL // max(nodes, 1)))


def read_terminal(node: NodeEvidence, most: int) -> Terminal:
    """Read what a terminal showed, at most so many characters of it, half of them from the end."""
    told = list(_told(node.journal))
    begin, rest = _from_the_begin(told, most // 2)
    end = _from_the_end(rest, most // 2)
    left_out = sum(piece.size for piece in rest) - sum(shred.size for shred in end)
    if not left_out:
        begin, end = begin + end, []
    return Terminal(
        node.name,
        node.ip or "",
        node.program or "",
        list(_lines(begin)),
        list(_lines(end)),
        left_out,
        node.truncated,
    )


@dataclass(frozen=True, slots=True)
class _Shred:
    """Some characters that came at once, with the end of their line if they reach it."""

    at: float
    look: str
    text: str

    @property
    def cost(self) -> int:
        return len(self.text) + (_LINE if self.text.endswith("\n") else 0)

    @property
    def size(self) -> int:
        """Bytes, of what the program printed or a person typed."""
        return 0 if self.look == "remark" else len(self.text.encode(errors="replace"))


def _told(journal: Sequence[Event]) -> Iterator[_Shred]:
    """All that was shown, in the pieces in which it came."""
    for event in journal:
        if event.kind is Kind.PRINTED:
            look = "notice" if event.detail.get("notice") else "printed"
            yield _Shred(event.at, look, event.text)
        elif event.kind is Kind.TYPED:
            yield _Shred(event.at, "typed", event.text + "\n")
        elif (remark := _remark(event)) is not None:
            yield _Shred(event.at, "remark", remark + "\n")


def _from_the_begin(told: Sequence[_Shred], room: int) -> tuple[list[_Shred], list[_Shred]]:
    """What there is room for, line by line, and the rest."""
    taken: list[_Shred] = []
    for place, piece in enumerate(told):
        used = 0
        for shred in _split(piece, piece.text[:room]):
            room -= shred.cost
            if room < 0:
                return taken, [replace(piece, text=piece.text[used:]), *told[place + 1 :]]
            taken.append(shred)
            used += len(shred.text)
        if used < len(piece.text):
            return taken, [replace(piece, text=piece.text[used:]), *told[place + 1 :]]
    return taken, []


def _from_the_end(told: Sequence[_Shred], room: int) -> list[_Shred]:
    """What there is room for of the last that was shown. The rest is not even looked at."""
    taken: list[_Shred] = []
    for piece in reversed(told):
        shreds = list(_split(piece, piece.text[-room:]))
        while shreds and shreds[-1].cost <= room:
            room -= shreds[-1].cost
            taken.append(shreds.pop())
        if shreds or room <= 0:
            break
    return taken[::-1]


def _split(piece: _Shred, text: str) -> Iterator[_Shred]:
    """A part of a piece, line by line, long lines in several."""
    for line in _LINES.findall(text):
        yield _Shred(piece.at, piece.look, line)


def _lines(shreds: Sequence[_Shred]) -> Iterator[Line]:
    at: float | None = None
    pieces: list[Piece] = []
    for shred in shreds:
        if shred.look == "remark" and pieces:  # it has a line of its own
            yield Line(at or 0.0, pieces)
            at, pieces = None, []
        at = shred.at if at is None else at
        pieces.append(Piece(shred.look, shred.text.removesuffix("\n")))
        if shred.text.endswith("\n"):
            yield Line(at, pieces)
            at, pieces = None, []
    if pieces:
        yield Line(at or 0.0, pieces)


def _remark(event: Event) -> str | None:
    """What is said of a node, also of what a step did to its program."""
    match event.kind:
        case Kind.SIGNALLED:
            return f"signal: {event.detail.get('signal')}"
        case Kind.INPUT_ENDED:
            return "input ended"
        case Kind.TRUNCATED:
            return event.text
        case _:
            return remark_on(event)
