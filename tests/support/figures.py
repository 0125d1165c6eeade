"""What an attack measured, and what is asked of it."""

from collections.abc import Sequence
from typing import NamedTuple

MEGABYTE = 1024 * 1024
GROWTH = 20.0
"""Megabytes that a program may grow under attack, from its start to the most that it ever had."""


class Figure(NamedTuple):
    """One number.

    Attributes:
        what: what was counted or measured, with the unit.
        value: the number.
        least: the lowest value that is good enough, if there is one.
        most: the highest value that is good enough, if there is one.
        found: some of what was counted, where there should be none.
        timed: whether it depends on how fast the machine is, so that no test judges it.
    """

    what: str
    value: float
    least: float | None = None
    most: float | None = None
    found: Sequence[object] = ()
    timed: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the number is good enough."""
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )

    @property
    def goal(self) -> str:
        """What is asked, for people; empty if nothing is."""
        if self.least is not None and self.least == self.most:
            return f"= {self.least:,g}"
        bounds = [f">= {self.least:,g}"] if self.least is not None else []
        return ", ".join(bounds + ([f"<= {self.most:,g}"] if self.most is not None else []))


def none(what: str, found: Sequence[object] | int) -> Figure:
    """What must not be there at all; some of it is shown."""
    if isinstance(found, int):
        return Figure(what, found, most=0)
    return Figure(what, len(found), most=0, found=found[:3])


def exactly(what: str, value: int, wanted: int) -> Figure:
    """What has to be there so many times."""
    return Figure(what, value, wanted, wanted)


def assert_met(figures: Sequence[Figure]) -> None:
    """Fail for every figure that is not good enough, save those that a slow machine misses."""
    missed = [figure for figure in figures if not figure.timed and not figure.is_met]
    assert not missed, "; ".join(
        f"{figure.what}: {figure.value:,g}, asked {figure.goal} {list(figure.found) or ''}"
        for figure in missed
    )
