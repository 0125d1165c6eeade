from array import array
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.tone import FRAME, frames, tone


@given(st.lists(st.integers(-32768, 32767), max_size=500))
def test_frames_hold_all_samples_and_then_silence(samples: list[int]) -> None:
    cut = list(frames(array("h", samples)))
    joined = [sample for frame in cut for sample in frame]

    assert {len(frame) for frame in cut} <= {FRAME}
    assert joined[: len(samples)] == samples
    assert set(joined[len(samples) :]) <= {0}
    assert len(joined) - len(samples) < FRAME


@pytest.mark.parametrize(("seconds", "count"), [(1, 50), (0.1, 5), (2.5, 125)])
def test_a_tone_has_its_length_and_its_pitch(seconds: float, count: int) -> None:
    cut = list(tone(400.0, seconds))
    sound = [sample for frame in cut for sample in frame]

    assert len(cut) == count
    assert sum(a <= 0 < b for a, b in pairwise(sound)) == 400 * seconds
    assert max(sound) == 10_000


def test_a_tone_without_a_length_has_no_end_and_no_seam() -> None:
    sound = [sample for frame in islice(tone(440.0), 500) for sample in frame]

    # The steepest slope of a sine of this amplitude: 10000 * 2 pi * 440 / 8000.
    steps = [abs(b - a) for a, b in pairwise(sound)]
    assert max(steps) <= 3456
