"""Draws a laid out sequence diagram: names, times, lifelines, what was in force, what happened."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from peerlab.report.arrows import Point, arrow, look_of
from peerlab.report.conditions import PAUSED, RUNS, Band, Change, Conditions, Mark, Stretch
from peerlab.report.passages import Passage
from peerlab.report.svg import CHARACTER, box, drawing, element, hint, label, line, shortened
from peerlab.report.timeline import NOTE, Item, Row, Timeline, note

_TIMES: Final = 72.0
"""Width of the column of times."""
_HEAD: Final = 46.0
_LANE: Final = 20.0
_MOST_LANES: Final = 6
_EDGE: Final = 64.0
"""Pixels beside the first lifeline."""
_ROOM: Final = 1000.0
"""Width that lifelines share where they are few; where they are many the drawing is wider."""
_CLOSEST: Final = 118.0
_FARTHEST: Final = 190.0
_RIGHT: Final = 120.0
"""Pixels beside the last lifeline, for what is written there."""
_NARROWEST: Final = 520.0
_NEAR: Final = 260.0
"""How much of a long arrow its label stands above, from the sender on."""
_LONGEST: Final = 34
_LONGEST_NOTE: Final = 64
_ABOVE: Final = 7.0
"""How far a label stands above its line, in pixels."""
_BEHIND: Final = 10.0
"""How much further down than what it waited for something arrives, in pixels."""
_PAPER: Final = 680.0
"""Width of a printed page."""


class _Drawn(NamedTuple):
    """One thing in three layers: nothing covers its ends, and labels are above all lines."""

    lines: str
    labels: str
    ends: str = ""


class Canvas:
    """The parts of a diagram, and where they are."""

    def __init__(
        self, columns: Mapping[str, str], outside: str, timeline: Timeline, conditions: Conditions
    ) -> None:
        """Give every lifeline its place.

        Args:
            columns: the names of the lifelines, and what is said below them.
            outside: the one that stands for whoever has none.
            timeline: the rows.
            conditions: what was in force.
        """
        self._columns = columns
        self._outside = outside
        self._timeline = timeline
        self._conditions = conditions
        self._lanes = list(_lanes(conditions.bands))
        lanes = min(max((lane + 1 for _, lane in self._lanes), default=0), _MOST_LANES)
        self._left = lanes * _LANE
        room = _ROOM - self._left - _EDGE - _RIGHT
        spacing = min(_FARTHEST, max(_CLOSEST, room / max(len(columns) - 1, 1)))
        first = self._left + _EDGE
        self._x = {name: first + number * spacing for number, name in enumerate(columns)}
        self._right = max(self._x.values()) + _EDGE
        self.width = max(max(self._x.values()) + _RIGHT, _NARROWEST)

    @property
    def shrink(self) -> float:
        """How much smaller it has to be to fit on paper."""
        return min(1.0, _PAPER / (self.width + _TIMES))

    def head(self) -> str:
        """The names of the lifelines."""
        parts = []
        for name, about in self._columns.items():
            x = self._x[name]
            parts += [
                label(x, 20, shortened(name, 16), "name", "middle"),
                label(x, 36, shortened(about, 19), "about", "middle"),
            ]
        return drawing(self.width, _HEAD, parts, title="", kind="diagram")

    def times(self) -> str:
        """The column of times."""
        parts = []
        for row in self._timeline.rows:
            parts.append(label(_TIMES - 10, row.y + 4, f"{row.at:.3f}", "time", "end"))
            if row.gap:
                cut = f"\N{VERTICAL ELLIPSIS} {_spoken(row.gap)}"
                parts.append(label(_TIMES - 10, row.cut + 4, cut, "gap", "end"))
        return drawing(_TIMES, self._timeline.height, parts, title="", kind="diagram")

    def body(self) -> str:
        """All the rest."""
        rows = self._timeline.rows
        drawn = [self._item(row, item) for row in rows for item in row.items]
        parts = [
            _PATTERN,
            *(part for band, lane in self._lanes for part in self._band(band, lane)),
            *(line(0, row.cut, self._right, row.cut, "cut") for row in rows if row.gap),
            *self._lifelines(),
            *self._stretches(),
            *(item.lines for item in drawn),
            *(item.labels for item in drawn),
            *(item.ends for item in drawn),
        ]
        return drawing(
            self.width,
            self._timeline.height,
            parts,
            title="Sequence diagram",
            about="The table below says the same in words.",
            kind="diagram",
        )

    def _band(self, band: Band, lane: int) -> Iterator[str]:
        top, bottom = self._timeline.y(band.begin), self._timeline.y(band.end)
        height = max(bottom - top, 14.0)
        x = min(lane, _MOST_LANES - 1) * _LANE
        told = f"step {band.number}" if band.number else "from the start"
        yield box(x, top, self._right - x, height, "tint")
        yield element(
            "g",
            hint(f"{told}: {band.text}, {band.begin:.3f} s to {band.end:.3f} s"),
            box(x + 3, top, _LANE - 6, height, "band"),
            label(x + _LANE / 2, top + 11, str(band.number), "number", "middle"),
        )

    def _lifelines(self) -> Iterator[str]:
        """Down to the end of a node, or to the last that it sent or that came for it."""
        touched = dict(self._conditions.ended)
        for row in self._timeline.rows:
            for item in row.items:
                if isinstance(item, Passage):
                    for name in (item.source, item.target, item.lost_at):
                        if name is not None and name in touched:
                            touched[name] = max(touched[name], item.arrives)
        for name, x in self._x.items():
            end = self._timeline.height if name not in touched else self._timeline.y(touched[name])
            yield line(x, 0, x, end, "lifeline")

    def _stretches(self) -> Iterator[str]:
        ordered = sorted(self._conditions.stretches, key=lambda stretch: stretch.state != RUNS)
        for stretch in ordered:
            if stretch.node in self._x:
                yield self._stretch(stretch, self._x[stretch.node])

    def _stretch(self, stretch: Stretch, x: float) -> str:
        top, bottom = self._timeline.y(stretch.begin), self._timeline.y(stretch.end)
        if stretch.state == RUNS:
            return line(x, top, x, bottom, "runs")
        kind = "paused" if stretch.state == PAUSED else "unplugged"
        return box(x - 5, top, 10, max(bottom - top, 2), kind)

    def _item(self, row: Row, item: Item) -> _Drawn:
        match item:
            case Change():
                told = shortened(f"{item.shown}: {item.text}", 90)
                return _Drawn(
                    line(self._left, row.y, self._right, row.y, "change-line"),
                    label(self._left + 4, row.y - _ABOVE, told, "change"),
                )
            case Mark():
                x = self._x[item.node]
                kind = f"mark {item.look}"
                told = shortened(item.text, 17)
                return _Drawn(
                    "", label(x + 9, row.y + 4, told, kind), box(x - 4, row.y - 4, 8, 8, kind)
                )
            case Passage():
                return self._passage(row, item)

    def _passage(self, row: Row, passage: Passage) -> _Drawn:
        begin = Point(self._place(passage.source), row.y)
        bottom = self._timeline.y(passage.arrives) if passage.arrives > passage.at else row.y
        bottom = max(row.y, bottom) + (_BEHIND if passage.held else 0.0)
        end = Point(self._place(passage.lost_at or passage.target), bottom)
        way, head = arrow(passage, begin, end)
        told = hint(_in_full(passage))
        labels = self._labels(passage, begin, end)
        return _Drawn(element("g", told, way), element("g", told, *labels), head)

    def _labels(self, passage: Passage, begin: Point, end: Point) -> Iterator[str]:
        """What it is and what was done to it, above its line and within the drawing."""
        span = end.x - begin.x
        middle = begin.x + max(-_NEAR, min(_NEAR, span)) / 2
        look = look_of(passage)
        why = note(passage)
        for text, most, above, kind in (
            (passage.what, _LONGEST, _ABOVE + (NOTE if why else 0.0), "what"),
            (why, _LONGEST_NOTE, _ABOVE, "note"),
        ):
            shown = shortened(text, most)
            if shown:
                half = len(shown) * CHARACTER / 2
                x = min(max(middle, self._left + 4 + half), self.width - half - 4)
                yield label(x, begin.y - above, shown, f"{kind} {look}", "middle")

    def _place(self, name: str | None) -> float:
        return self._x[name if name in self._x else self._outside]


_PATTERN: Final = element(
    "defs",
    element(
        "pattern",
        element("path", d="M-1 1l2 -2M0 6l6 -6M5 7l2 -2", class_="hatch"),
        id="hatch",
        width="6",
        height="6",
        patternUnits="userSpaceOnUse",
    ),
)


def _lanes(bands: Sequence[Band]) -> Iterator[tuple[Band, int]]:
    """Each band with a lane in which no other is at that time."""
    free: list[float] = []
    for band in bands:
        lane = next((lane for lane, end in enumerate(free) if end < band.begin), len(free))
        free[lane : lane + 1] = [band.end]
        yield band, lane


def _spoken(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _in_full(passage: Passage) -> str:
    told = f"{passage.at:.6f} s: {shortened(passage.what, 200)}"
    return f"{told} ({shortened(note(passage), 200)})" if note(passage) else told
