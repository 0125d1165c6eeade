"""The playout buffer: packets that come unevenly, out of order or not at all become even sound.

A frame is due a fixed time after the first packet came, and each 20 ms after the one before. What
comes later is late and not played: the gap has been filled by then. Time is an argument.
"""

from array import array
from collections import deque
from enum import Enum, auto

from services.media.reception import MAX_MISORDER
from services.media.tone import FRAME, FRAME_SECONDS

DELAY = 0.08
"""Seconds between the first packet and its sound: how unevenly packets may come."""
REACH = 5.0
"""Seconds by which a frame may be ahead of its time: the bound of the buffer."""
LATE_IN_A_ROW = 5
"""After so many the path has become longer, and everything is played later from then on."""
FADE = 3
"""Frames until a gap is silent: 60 ms, as in appendix I of G.711."""


class Fate(Enum):
    """What becomes of a packet: only a frame that is kept is played."""

    KEPT = auto()
    LATE = auto()
    DOUBLE = auto()
    TOO_EARLY = auto()


class Playout:
    """The buffer of one stream; sequence numbers are extended ones."""

    def __init__(self, first: int, at: float) -> None:
        """Start with the number of the first packet, which came at `at` seconds."""
        self._zero_due = at + DELAY - first * FRAME_SECONDS
        self._next = self._highest = first
        self._waiting: dict[int, array[int]] = {}
        self._recent: deque[int] = deque(maxlen=MAX_MISORDER)
        self._late_in_a_row = 0
        self._last = array("h", bytes(2 * FRAME))
        self._missing = 0
        self.played = self.concealed = self.late = 0

    def put(self, number: int, frame: "array[int]", at: float) -> Fate:
        """Take the frame of a packet that came at `at` seconds."""
        if number in self._recent:
            return Fate.DOUBLE
        due = self._due(number)
        if due > at + REACH:
            return Fate.TOO_EARLY
        self._recent.append(number)
        if at > due or (number < self._next and self.played):
            self._late_in_a_row += 1
            if self._late_in_a_row < LATE_IN_A_ROW:
                self.late += 1
                return Fate.LATE
            self._zero_due += at + DELAY - due
        self._late_in_a_row = 0
        self._next = min(self._next, number)
        self._highest = max(self._highest, number)
        self._waiting[number] = frame
        return Fate.KEPT

    def take(self, now: float) -> list["array[int]"]:
        """Return the frames that are due, gaps filled; nothing beyond the last one that came."""
        frames = []
        while self._next <= self._highest and self._due(self._next) <= now:
            frames.append(self._play())
        return frames

    def finish(self) -> list["array[int]"]:
        """Return all that is left, for nothing more will come."""
        return [self._play() for _ in range(self._next, self._highest + 1)]

    def _due(self, number: int) -> float:
        return self._zero_due + number * FRAME_SECONDS

    def _play(self) -> "array[int]":
        frame = self._waiting.pop(self._next, None)
        self._next += 1
        self.played += 1
        if frame is None:
            self._missing += 1
            self.concealed += 1
            return conceal(self._last, self._missing)
        self._missing = 0
        self._last = frame
        return frame


def conceal(last: "array[int]", missing: int) -> "array[int]":
    """Return what stands for the n-th missing frame: the last one that came, fading away."""
    whole = FADE * FRAME
    left = whole - (missing - 1) * FRAME
    return array(
        "h", [sample * max(0, left - at) // whole for at, sample in enumerate(last, start=1)]
    )
