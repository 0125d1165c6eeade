"""Draws one passage as an arrow, and what it looks like where it ends otherwise."""

from math import atan2, cos, sin
from typing import Final, NamedTuple

from peerlab.report.passages import Passage
from peerlab.report.svg import element, line

_LOST_AT: Final = 0.62
"""Which part of its way a line goes whose end nobody knows."""
_LOOP: Final = 26.0
_HEAD: Final = 9.0
_TWIN: Final = 4.0
"""Pixels between the two lines of what arrives more than once."""


class Point(NamedTuple):
    """A place in a drawing."""

    x: float
    y: float


def look_of(passage: Passage) -> str:
    """The classes of what is drawn for it."""
    return f"{passage.carrier.value} lost" if passage.lost else passage.carrier.value


class Arrow(NamedTuple):
    """A way, and what is drawn where it ends, which nothing is to cover."""

    way: str
    end: str


def arrow(passage: Passage, begin: Point, end: Point) -> Arrow:
    """Draw a passage from its sender on; `end` is its receiver, or the place where it was lost."""
    look = look_of(passage)
    if begin.x == end.x:
        return _loop(begin, look)
    if passage.lost and passage.lost_at is None:
        end = Point(begin.x + (end.x - begin.x) * _LOST_AT, begin.y + (end.y - begin.y) * _LOST_AT)
    way = line(*begin, *end, f"way {look}")
    if passage.lost:
        return Arrow(way, _cross(end))
    if passage.ends:
        return Arrow(way, _bar(begin, look) + _bar(end, look))
    head = _head(begin, end, look)
    if passage.copies > 1:
        first, last = Point(begin.x, begin.y + _TWIN), Point(end.x, end.y + _TWIN)
        way += line(*first, *last, f"way {look}")
        head += _head(first, last, look)
    return Arrow(way, head)


def _loop(at: Point, look: str) -> Arrow:
    """From a node to itself."""
    path = f"M{at.x:.1f} {at.y:.1f} h{_LOOP:.0f} v10 h-{_LOOP - _HEAD:.0f}"
    back = Point(at.x, at.y + 10)
    way = element("path", d=path, class_=f"way {look}")
    return Arrow(way, _head(Point(at.x + _LOOP, back.y), back, look))


def _cross(at: Point) -> str:
    return element(
        "path", d=f"M{at.x - 5:.1f} {at.y - 5:.1f} l10 10 m0 -10 l-10 10", class_="cross"
    )


def _bar(at: Point, look: str) -> str:
    return line(at.x, at.y - 4, at.x, at.y + 4, f"way bar {look}")


def _head(begin: Point, end: Point, look: str) -> str:
    angle = atan2(end.y - begin.y, end.x - begin.x)
    corners = [end] + [
        Point(end.x - _HEAD * cos(angle + side), end.y - _HEAD * sin(angle + side))
        for side in (-0.4, 0.4)
    ]
    points = " ".join(f"{corner.x:.1f},{corner.y:.1f}" for corner in corners)
    return element("polygon", points=points, class_=f"head {look}")
