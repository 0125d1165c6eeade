"""How every benchmark measures and prints: rounds in turn, medians, one form of table."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

_T = TypeVar("_T")


def seconds(action: Callable[[], object]) -> float:
    """Wall time of an action."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def in_turn(actions: Mapping[str, Callable[[], _T]], rounds: int) -> dict[str, list[_T]]:
    """What the actions return, round after round: a machine that slows down slows all of them."""
    results: dict[str, list[_T]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            results[name].append(action())
    return results


def ratio(those: Sequence[float], these: Sequence[float]) -> float:
    """How many times longer those took than these: the median over rounds taken in turn."""
    return median(that / this for that, this in zip(those, these, strict=True))


def spread(times: Sequence[float], unit: float = 1, digits: int = 2) -> list[str]:
    """Three cells: minimum, median, maximum, in units of so many seconds."""
    return [f"{time / unit:.{digits}f}" for time in (min(times), median(times), max(times))]


def goal(what: str, *, met: bool) -> str:
    """A line below a table: what was to be reached, and whether this run reached it."""
    return f"goal: {what}: {'met' if met else 'NOT MET'}"


def show(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()
) -> None:
    """Print a table: the first column to the left, the others to the right, notes below."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print(f"\n{title}")
    for line in lines:
        cells = [
            f"{cell:{'<' if column == 0 else '>'}{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())
    for note in notes:
        print(f"  {note}", flush=True)
