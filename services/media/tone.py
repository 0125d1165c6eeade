"""Sound in frames, one for each packet: cut from samples, or a generated tone."""

import itertools
import math
from array import array
from collections.abc import Iterator

from services.media.pcmu import RATE

FRAME = 160
"""Samples of a frame."""
FRAME_SECONDS = FRAME / RATE
_AMPLITUDE = 10_000
"""A third of what sixteen bits hold."""


def frames(samples: "array[int]") -> Iterator["array[int]"]:
    """Cut samples into frames; the last one is filled up with silence."""
    for start in range(0, len(samples), FRAME):
        frame = samples[start : start + FRAME]
        yield frame + array("h", bytes(2 * (FRAME - len(frame))))


def tone(frequency: float, seconds: float | None = None) -> Iterator["array[int]"]:
    """Yield the frames of a tone of so many Hz; without `seconds` it has no end."""
    count = None if seconds is None else round(seconds / FRAME_SECONDS)
    step = math.tau * frequency / RATE
    for number in itertools.islice(itertools.count(), count):
        first = number * FRAME
        yield array(
            "h",
            [round(_AMPLITUDE * math.sin(step * at)) for at in range(first, first + FRAME)],
        )
