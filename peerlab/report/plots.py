"""Draws two plots: how long messages took over the run, and what was lost between whom."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Final

from peerlab.report.passages import Carrier
from peerlab.report.svg import box, drawing, element, hint, label, line, shortened
from peerlab.report.traffic import Latency

MOST_PAIRS: Final = 12

_WIDTH: Final = 640.0
_HEIGHT: Final = 240.0
_LEFT: Final = 64.0
_RIGHT: Final = 16.0
_TOP: Final = 24.0
_BOTTOM: Final = 44.0
_CELL: Final = 5.0
"""Pixels within which points are drawn as one, so that many cost no more than some."""
_TICKS: Final = 4
_STEPS: Final = (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10)
_EXACTLY: Final = 1.0001
"""What makes up for rounding."""
_BAR: Final = 18.0
_BAR_ROW: Final = 30.0
_NAMES: Final = 190.0
_COUNTS: Final = 130.0


def draw_latencies(latencies: Sequence[Latency], seconds: float) -> str | None:
    """Draw when each message left and how long it took, in a run of so many seconds."""
    if not latencies:
        return None
    slowest = max(latency.seconds for latency in latencies)
    factor, unit = (1.0, "s") if slowest >= 1 else (1000.0, "ms")
    top = _nice(max(slowest * factor, 1e-3))
    end = _nice(max(seconds, 1e-3))
    parts = [*_axes(end, "time since the run began, in s", top, f"time under way, in {unit}")]
    drawn: set[tuple[int, int, Carrier]] = set()
    for latency in latencies:
        x = _LEFT + latency.at / end * (_WIDTH - _LEFT - _RIGHT)
        y = _y(latency.seconds * factor / top)
        cell = (int(x / _CELL), int(y / _CELL), latency.carrier)
        if cell not in drawn:
            drawn.add(cell)
            parts.append(_point(x, y, latency, factor, unit))
    return drawing(
        _WIDTH,
        _HEIGHT,
        parts,
        title="How long messages took",
        about=f"{len(latencies)} values; the longest is {slowest * factor:.3g} {unit}.",
        kind="plot",
    )


def _point(x: float, y: float, latency: Latency, factor: float, unit: str) -> str:
    """A ring for what programs report, a diamond for what the network delayed."""
    told = hint(f"{latency.seconds * factor:.3g} {unit}, at {latency.at:.3f} s")
    if latency.carrier is Carrier.MESSAGE:
        return element("circle", told, cx=x, cy=y, r=3.5, class_="point")
    return element("path", told, d=f"M{x:.1f} {y - 5:.1f} l5 5 -5 5 -5 -5z", class_="diamond")


def _y(part: float) -> float:
    return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _axes(right: float, below: str, top: float, above: str) -> list[str]:
    """Both axes, with ticks and what they say."""
    bottom, end = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [
        line(_LEFT, bottom, end, bottom, "axis"),
        line(_LEFT, _TOP, _LEFT, bottom, "axis"),
        label(4, 14, above, "unit"),
        label(end, _HEIGHT - 6, below, "unit", "end"),
    ]
    for tick in range(_TICKS + 1):
        x = _LEFT + tick / _TICKS * (end - _LEFT)
        y = _y(tick / _TICKS)
        parts += [
            line(x, bottom, x, bottom + 4, "axis"),
            label(x, bottom + 17, f"{right * tick / _TICKS:.4g}", "tick", "middle"),
            line(_LEFT, y, end, y, "grid"),
            label(_LEFT - 8, y + 4, f"{top * tick / _TICKS:.4g}", "tick", "end"),
        ]
    return parts


def _nice(value: float) -> float:
    """The next value above whose quarters are short to write."""
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in _STEPS if value <= step * power * _EXACTLY)


def draw_losses(pairs: Mapping[tuple[str, str], tuple[int, int]]) -> str | None:
    """Draw for each pair how many arrived and how many were lost, those that lost most first.

    None where nothing was lost.
    """
    if not any(lost for _, lost in pairs.values()):
        return None
    shown = list(pairs.items())[:MOST_PAIRS]
    most = max(arrived + lost for arrived, lost in pairs.values())
    room = _WIDTH - _NAMES - _COUNTS
    parts = []
    for number, ((source, target), (arrived, lost)) in enumerate(shown):
        y = 8 + number * _BAR_ROW
        first, second = arrived / most * room, lost / most * room
        pair = f"{shortened(source, 12)} \N{RIGHTWARDS ARROW} {shortened(target, 12)}"
        parts += [
            label(_NAMES - 10, y + 13, pair, "tick", "end"),
            box(_NAMES, y, first, _BAR, "arrived"),
            box(_NAMES + first, y, max(second, 2.0 if lost else 0.0), _BAR, "gone"),
            label(_NAMES + first + second + 8, y + 13, f"{arrived} arrived, {lost} lost", "tick"),
        ]
    return drawing(
        _WIDTH,
        ceil(16 + len(shown) * _BAR_ROW),
        parts,
        title="What was lost between whom",
        about="Bars of how many arrived, and hatched how many were lost.",
        kind="plot",
    )
