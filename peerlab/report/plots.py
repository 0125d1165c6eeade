"""Draws two plots: how long messages took over the run, and what was lost between whom."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

from peerlab.report.axes import CELL, Axes
from peerlab.report.passages import Carrier
from peerlab.report.svg import box, drawing, element, hint, label, shortened
from peerlab.report.traffic import Latency

MOST_PAIRS: Final = 12

_WIDTH: Final = 640.0
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
    axes = Axes.up_to(seconds, slowest * factor)
    parts = []
    drawn: set[tuple[int, int, Carrier]] = set()
    for latency in latencies:
        x, y = axes.x(latency.at), axes.y(latency.seconds * factor)
        cell = (int(x / CELL), int(y / CELL), latency.carrier)
        if cell not in drawn:
            drawn.add(cell)
            parts.append(_point(x, y, latency, factor, unit))
    return axes.drawing(
        parts,
        unit=f"time under way, in {unit}",
        title="How long messages took",
        about=f"{len(latencies)} values; the longest is {slowest * factor:.3g} {unit}.",
    )


def _point(x: float, y: float, latency: Latency, factor: float, unit: str) -> str:
    """A ring for what programs report, a diamond for what the network delayed."""
    told = hint(f"{latency.seconds * factor:.3g} {unit}, at {latency.at:.3f} s")
    if latency.carrier is Carrier.MESSAGE:
        return element("circle", told, cx=x, cy=y, r=3.5, class_="point")
    return element("path", told, d=f"M{x:.1f} {y - 5:.1f} l5 5 -5 5 -5 -5z", class_="diamond")


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
