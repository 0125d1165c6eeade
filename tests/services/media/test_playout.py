from array import array
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.media.playout import DELAY, LATE_IN_A_ROW, REACH, Fate, Playout, conceal
from services.media.tone import FRAME

STEP = 0.02


def frame(number: int) -> "array[int]":
    """A frame that is recognised."""
    return array("h", [1000 + number] * FRAME)


def told(played: Sequence["array[int]"]) -> list[int | None]:
    """The numbers of frames, None for what is not one of them whole."""
    return [each[0] - 1000 if len(set(each)) == 1 and each[0] else None for each in played]


def buffer(numbers: Sequence[int], first: int = 0) -> Playout:
    """A buffer into which these came in time, in this order."""
    playout = Playout(first, 0.0)
    for number in numbers:
        assert playout.put(number, frame(number), 0.0) is Fate.KEPT
    return playout


def test_a_frame_is_played_the_delay_after_the_first_packet_and_not_before() -> None:
    playout = buffer([0, 1])

    assert playout.take(DELAY - 0.001) == []
    assert told(playout.take(DELAY)) == [0]
    assert playout.take(DELAY + 0.019) == []
    assert told(playout.take(DELAY + STEP)) == [1]


def test_what_comes_out_of_order_is_played_in_order() -> None:
    assert told(buffer([0, 3, 1, 2]).take(9)) == [0, 1, 2, 3]


def test_what_comes_before_the_first_one_that_came_is_played_before_it() -> None:
    assert told(buffer([5, 4], first=5).take(9)) == [4, 5]


def test_what_comes_late_is_counted_and_not_played() -> None:
    playout = buffer([0, 2])

    assert told(playout.take(9)) == [0, None, 2]
    assert playout.put(1, frame(1), DELAY + 0.021) is Fate.LATE
    assert playout.take(9) == []
    assert (playout.played, playout.concealed, playout.late) == (3, 1, 1)


def test_what_comes_in_the_very_last_moment_is_in_time() -> None:
    playout = buffer([0, 2])

    assert playout.put(1, frame(1), DELAY + STEP) is Fate.KEPT
    assert told(playout.finish()) == [0, 1, 2]


def test_what_comes_twice_is_played_once() -> None:
    playout = buffer([0, 1])

    assert playout.put(1, frame(1), 0.0) is Fate.DOUBLE
    assert told(playout.take(9)) == [0, 1]
    assert playout.put(1, frame(1), 9.0) is Fate.DOUBLE
    assert playout.late == 0


def test_a_gap_is_filled_with_the_frame_before_fading_to_silence() -> None:
    played = buffer([0, 5]).take(9)
    loudest = [max(each) for each in played]

    assert told(played)[::5] == [0, 5]
    assert loudest[0] == 1000
    assert 990 < loudest[1] < 1000 > min(played[1]) > 660
    assert 670 > loudest[2] > min(played[2]) > 330
    assert 340 > loudest[3] > min(played[3]) == 0
    assert loudest[4] == 0


def test_fading_has_no_jump_and_keeps_the_sign() -> None:
    last = array("h", [-9000] * FRAME)
    gap = [sample for missing in (1, 2, 3, 4) for sample in conceal(last, missing)]

    assert gap == sorted(gap)
    assert max(b - a for a, b in zip([-9000, *gap], gap, strict=False)) <= 20
    assert gap[-1] == 0


def test_nothing_is_made_up_behind_the_last_frame_that_came() -> None:
    playout = buffer([0, 1])

    assert told(playout.take(1000)) == [0, 1]
    assert playout.finish() == []
    assert playout.concealed == 0


def test_what_is_left_in_the_end_is_played_with_its_gaps() -> None:
    playout = buffer([0, 1, 3])
    playout.take(DELAY)

    assert told(playout.finish()) == [1, None, 3]


def test_after_some_late_frames_in_a_row_everything_is_played_later() -> None:
    playout = buffer([0])
    longer = 0.5
    fates = [playout.put(number, frame(number), number * STEP + longer) for number in range(1, 30)]

    late = LATE_IN_A_ROW - 1
    assert fates == [Fate.LATE] * late + [Fate.KEPT] * (29 - late)
    assert playout.late == late
    assert told(playout.take(9)) == [0, *[None] * late, *range(LATE_IN_A_ROW, 30)]


def test_single_late_frames_do_not_move_the_time_of_the_others() -> None:
    playout = Playout(0, 0.0)
    for number in range(100):
        late = number % 2
        playout.put(number, frame(number), number * STEP + (DELAY + 0.01) * late)

    assert playout.late == 50


def test_the_buffer_is_bounded_by_how_far_a_frame_may_be_ahead() -> None:
    playout = buffer([0])
    far = round((REACH - DELAY) / STEP)

    assert playout.put(far, frame(1), 0.0) is Fate.KEPT
    assert playout.put(far + 1, frame(1), 0.0) is Fate.TOO_EARLY


@given(
    st.integers(0, 70_000),
    st.lists(st.tuples(st.integers(0, 60), st.floats(0, 0.3), st.floats(0, 0.1)), max_size=80),
)
def test_whatever_comes_frames_are_played_in_order_and_once_or_are_late(
    first: int, packets: list[tuple[int, float, float]]
) -> None:
    playout = Playout(first, 0.0)
    fates = [playout.put(first, frame(0), 0.0)]
    played, now = [], 0.0
    for number, held_up, waited in packets:
        now = max(now + waited, number * STEP)
        fates.append(playout.put(first + number, frame(number), now + held_up))
        played += playout.take(now)
    played += playout.finish()
    kept = [number for number in told(played) if number is not None]

    assert len(kept) == len(set(kept)) == fates.count(Fate.KEPT)
    assert fates.count(Fate.LATE) == playout.late
    assert playout.played == len(played)
    assert playout.concealed == len(played) - len(kept)
