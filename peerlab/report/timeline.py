"""Where things are in a sequence diagram: which are drawn, in which row, how far down."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from peerlab.report.conditions import Change, Mark
from peerlab.report.passages import Passage

MOST_LIFELINES: Final = 24
MOST_PASSAGES: Final = 1500
MOST_MARKS: Final = 300
MOST_CHANGES: Final = 100

PIXELS_A_SECOND: Final = 200.0
MOST_PIXELS: Final = 40.0
"""Pixels between two rows for the time between them, beside the room that the rows need."""
SHARED: Final = 0.02
"""Seconds within which what happens to different nodes shares a row."""

_Thing = TypeVar("_Thing", Passage, Mark)

_ABOVE: Final = 20.0
_BELOW: Final = 6.0
"""Room in a row: for what is written above its line, and below."""
NOTE: Final = 14.0
"""Room for a second label above the line."""


def choose_lifelines(
    names: Sequence[str], passages: Iterable[Passage], marks: Iterable[Mark], named: Collection[str]
) -> list[str]:
    """Whose lifelines are drawn, in the order of `names`.

    Those come first that findings name, then those that lost something or to which something odd
    happened, then those that sent and received most.

    Args:
        names: all nodes and routers.
        passages: all that passed.
        marks: all that happened to nodes.
        named: those that findings are about.
    """
    if len(names) <= MOST_LIFELINES:
        return list(names)
    busy: Counter[str | None] = Counter()
    odd: Counter[str | None] = Counter()
    for passage in passages:
        for name in (passage.source, passage.target):
            busy[name] += 1
            odd[name] += passage.is_odd
    for mark in marks:
        odd[mark.node] += mark.is_odd
    ranked = sorted(names, key=lambda name: (name not in named, -odd[name], -busy[name]))
    kept = set(ranked[:MOST_LIFELINES])
    return [name for name in names if name in kept]


def choose_passages(passages: Sequence[Passage], shown: Collection[str]) -> list[Passage]:
    """Which passages are drawn: those that touch a lifeline, the odd ones first, then the first."""
    possible = [
        passage for passage in passages if passage.source in shown or passage.target in shown
    ]
    return _first(possible, [passage.is_odd for passage in possible], MOST_PASSAGES)


def choose_marks(marks: Sequence[Mark], shown: Collection[str]) -> list[Mark]:
    """Which of what happened to nodes is drawn, by the same rule."""
    possible = [mark for mark in marks if mark.node in shown]
    return _first(possible, [mark.is_odd for mark in possible], MOST_MARKS)


def _first(things: Sequence[_Thing], odd: Sequence[bool], most: int) -> list[_Thing]:
    """The first odd things and, while there is room, the first others; in their order."""
    if len(things) <= most:
        return list(things)
    ranked = sorted(range(len(things)), key=lambda place: not odd[place])
    return [things[place] for place in sorted(ranked[:most])]


Item = Passage | Mark | Change
"""What has a place in time."""


@dataclass(slots=True)
class Row:
    """What is drawn at one height: one thing, or what happened to several nodes.

    Attributes:
        gap: seconds that are cut out above it; 0 if none are.
        cut: where that is marked, in pixels.
    """

    at: float
    y: float
    items: list[Item] = field(default_factory=list)
    gap: float = 0.0
    cut: float = 0.0


class Timeline:
    """Rows, and where any time lies between them."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.rows: list[Row] = []
        bottom, before = 0.0, 0.0
        for item in sorted(items, key=lambda item: item.at):
            if self._shares(item):
                self.rows[-1].items.append(item)
                continue
            passed = (item.at - before) if self.rows else 0.0
            room = min(passed * PIXELS_A_SECOND, MOST_PIXELS)
            above = _ABOVE + (NOTE if isinstance(item, Passage) and note(item) else 0.0)
            gap = passed if passed * PIXELS_A_SECOND > MOST_PIXELS else 0.0
            row = Row(item.at, bottom + room + above, [item], gap, bottom + room / 2)
            self.rows.append(row)
            bottom, before = row.y + _BELOW, item.at
        self.height = bottom + MOST_PIXELS
        self._times = [row.at for row in self.rows]

    def y(self, at: float) -> float:
        """How far down a time lies, in pixels."""
        place = bisect_right(self._times, at)
        if place == 0:
            return 0.0
        before = self.rows[place - 1]
        begin = before.items[-1].at  # all that shares a row lies at its height
        if at <= begin:
            return before.y
        if place == len(self.rows):
            return before.y + min((at - begin) * PIXELS_A_SECOND, MOST_PIXELS - _BELOW)
        after = self.rows[place]
        return before.y + (after.y - before.y) * (at - begin) / (after.at - begin)

    def _shares(self, item: Item) -> bool:
        if not self.rows or not isinstance(item, Mark):
            return False
        row = self.rows[-1]
        return item.at - row.at <= SHARED and all(
            isinstance(other, Mark) and other.node != item.node for other in row.items
        )


def note(passage: Passage) -> str:
    """What was done to it, in one line."""
    told = list(passage.why)
    if passage.delay:
        told.insert(0, f"{passage.delay:.3g} s later")
    if passage.copies > 1:
        told.insert(0, f"arrives {passage.copies} times")
    if passage.lost and passage.carrier != "tcp":
        told.insert(0, "lost")
    return ": ".join([told[0], ", ".join(told[1:])]) if len(told) > 1 else "".join(told)
