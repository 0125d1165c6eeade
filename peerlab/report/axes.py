"""The axes of a plot over the time of a run: where a value is drawn, and the ticks beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log10
from typing import Final

from peerlab.report.svg import drawing, label, line

CELL: Final = 5.0
"""Pixels within which points are drawn as one, so that many cost no more than some."""

_WIDTH: Final = 640.0
_HEIGHT: Final = 240.0
_LEFT: Final = 64.0
_RIGHT: Final = 16.0
_TOP: Final = 24.0
_BOTTOM: Final = 44.0
_TICKS: Final = 4
_STEPS: Final = (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10)
_EXACTLY: Final = 1.0001
"""What makes up for rounding."""
_LEAST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Axes:
    """Time to the right, a value upwards, both from 0 on.

    Attributes:
        end: where the time ends, in seconds.
        top: where the value ends.
    """

    end: float
    top: float

    @classmethod
    def up_to(cls, seconds: float, value: float) -> "Axes":
        """Axes that reach to that time and that value, with ticks that are short to write."""
        return cls(_nice(max(seconds, _LEAST)), _nice(max(value, _LEAST)))

    def x(self, at: float) -> float:
        """Where a time is drawn."""
        return _LEFT + at / self.end * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Where a value is drawn."""
        return _HEIGHT - _BOTTOM - value / self.top * (_HEIGHT - _TOP - _BOTTOM)

    def drawing(self, parts: list[str], *, unit: str, title: str, about: str) -> str:
        """The plot: these parts, the axes with ticks, and what the axes say."""
        return drawing(
            _WIDTH, _HEIGHT, [*self._ticks(unit), *parts], title=title, about=about, kind="plot"
        )

    def _ticks(self, unit: str) -> Iterator[str]:
        bottom, end = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        yield line(_LEFT, bottom, end, bottom, "axis")
        yield line(_LEFT, _TOP, _LEFT, bottom, "axis")
        yield label(4, 14, unit, "unit")
        yield label(end, _HEIGHT - 6, "time since the run began, in s", "unit", "end")
        for tick in range(_TICKS + 1):
            at, value = self.end * tick / _TICKS, self.top * tick / _TICKS
            x, y = self.x(at), self.y(value)
            yield line(x, bottom, x, bottom + 4, "axis")
            yield label(x, bottom + 17, f"{at:.4g}", "tick", "middle")
            yield line(_LEFT, y, end, y, "grid")
            yield label(_LEFT - 8, y + 4, f"{value:.4g}", "tick", "end")


def _nice(value: float) -> float:
    """The next value above whose quarters are short to write."""
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in _STEPS if value <= step * power * _EXACTLY)
