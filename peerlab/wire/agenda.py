"""What is to be done later, in the order in which it is due, and how punctual that is."""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf

LATE = 0.05
"""Seconds after its time from which on something counts as late."""

Act = Callable[[float], object]
"""Is told the time."""


class Agenda:
    """Times are seconds of one clock. What is due at the same time keeps the order of its entry."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Act, bool]] = []
        self._entered = 0
        self.timed = 0
        """How many were done whose punctuality counts."""
        self.late = 0
        """How many of these were late."""
        self.latest = 0.0
        """By how much the latest of these was."""

    @property
    def due_at(self) -> float:
        """When the next is due; infinity: nothing is."""
        return self._entries[0][0] if self._entries else inf

    def enter(self, due: float, act: Act, *, timed: bool = False) -> None:
        """Have something done when it is due; `timed` if its punctuality counts."""
        self._entered += 1
        heappush(self._entries, (due, self._entered, act, timed))

    def catch_up(self, until: float, clock: Callable[[], float]) -> None:
        """Do what is due by then; before an infinite time all that there is, as if it were due."""
        while self._entries and self._entries[0][0] <= until:
            due, _, act, timed = heappop(self._entries)
            now = max(clock(), due) if until < inf else due
            if timed:
                self.timed += 1
                self.late += now - due > LATE
                self.latest = max(self.latest, now - due)
            act(now)
