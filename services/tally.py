"""Counts of what would be too many lines if each had its own."""

from collections import Counter
from collections.abc import Callable

EVERY = 1.0
"""Seconds from one line to the next."""


class Tally:
    """Counts by kind, and makes one line of them: the first at once, then one per `EVERY`.

    One thread counts and asks for the line; nothing runs by itself.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nothing counted; `clock` counts seconds."""
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._next = clock()

    def count(self, kind: str) -> None:
        """Count one of a kind; there must be few kinds."""
        self._counts[kind] += 1

    def due(self) -> float | None:
        """Return in how many seconds there will be a line; None if there is nothing to tell."""
        return max(0.0, self._next - self._clock()) if self._counts else None

    def line(self) -> str | None:
        """Return what was counted since the last line, as `2 replayed, 1 damaged`, if it is due."""
        if self.due() != 0.0:
            return None
        told = ", ".join(f"{count} {kind}" for kind, count in self._counts.items())
        self._counts.clear()
        self._next = self._clock() + EVERY
        return told
