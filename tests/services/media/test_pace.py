import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.pace import TOO_FAR_BEHIND, Pace


@given(st.lists(st.floats(0, TOO_FAR_BEHIND - 0.001), max_size=200))
def test_packets_that_leave_too_late_do_not_delay_those_after_them(late: list[float]) -> None:
    pace = Pace(5.0)
    for each in late:
        pace.sent(pace.due + each)

    assert pace.due == pytest.approx(5.0 + len(late) * 0.02)


def test_a_sender_that_was_held_up_for_long_goes_on_from_there() -> None:
    pace = Pace(5.0)
    pace.sent(15.0)

    assert pace.due == pytest.approx(15.02)
