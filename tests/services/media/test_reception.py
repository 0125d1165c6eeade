import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.reception import MAX_DROPOUT, MAX_MISORDER, Reception


def counted(sequences: list[int]) -> Reception:
    """What is counted of packets that come every 20 ms, whatever their numbers."""
    reception = Reception(sequences[0])
    for place, sequence in enumerate(sequences):
        extended = reception.extend(sequence)
        assert extended is not None
        reception.count(extended, extended * 160 % (1 << 32), place * 0.02)
    return reception


@pytest.mark.parametrize(
    ("sequences", "expected", "received", "lost"),
    [
        ([7], 1, 1, 0),
        ([7, 8, 9], 3, 3, 0),
        ([7, 9, 11], 5, 3, 2),
        ([7, 9, 8], 3, 3, 0),
        ([7, 8, 8], 2, 3, -1),
        ([65534, 65535, 0, 1], 4, 4, 0),
        ([65534, 1, 65535], 4, 3, 1),
        ([5, 4], 1, 2, -1),
    ],
)
def test_loss_is_what_was_expected_and_did_not_come(
    sequences: list[int], expected: int, received: int, lost: int
) -> None:
    reception = counted(sequences)

    assert (reception.expected, reception.received, reception.lost) == (expected, received, lost)


def test_the_highest_number_counts_the_wraps() -> None:
    assert counted([65535, 0]).highest == 65536
    assert (
        counted([*range(60000, 65536, 1000), *range(0, 65536, 1000), 40]).highest == 2 * 65536 + 40
    )


def test_numbers_out_of_reach_are_refused() -> None:
    reception = Reception(1000)

    assert reception.extend(1000 + MAX_DROPOUT - 1) == 1000 + MAX_DROPOUT - 1
    assert reception.extend(1000 + MAX_DROPOUT) is None
    assert reception.extend(1000 - MAX_MISORDER + 1) == 1000 - MAX_MISORDER + 1
    assert reception.extend(1000 - MAX_MISORDER) is None


@given(st.integers(0, 65535), st.lists(st.integers(0, 9), min_size=1, max_size=300))
def test_the_wrap_of_sequence_numbers_changes_nothing(first: int, steps: list[int]) -> None:
    numbers = [sum(steps[:at]) for at in range(len(steps))]
    here, elsewhere = counted(numbers), counted([(first + each) % 65536 for each in numbers])

    assert here.expected == elsewhere.expected
    assert here.lost == elsewhere.lost
    assert here.jitter == elsewhere.jitter
    assert elsewhere.highest == first + here.highest


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 60)), min_size=1, max_size=50),
    st.integers(0, 0xFFFFFFFF),
)
def test_jitter_is_what_the_formula_of_the_rfc_gives(
    packets: list[tuple[int, float]], first: int
) -> None:
    reception = Reception(0)
    jitter, before = 0.0, None
    for number, at in packets:
        reception.count(number, (first + number * 160) % (1 << 32), at)
        # RFC 3550 section 6.4.1, on numbers that do not wrap: transit times, then their mean.
        transit = at * 8000 - number * 160
        if before is not None:
            jitter = jitter + (abs(transit - before) - jitter) / 16
        before = transit

    assert reception.jitter == pytest.approx(jitter, abs=1e-6)


def test_even_packets_have_no_jitter_and_alternating_ones_that_of_their_alternation() -> None:
    assert counted([1, 2, 3, 4]).jitter == pytest.approx(0)
    reception = Reception(0)
    for number in range(500):
        reception.count(number, number * 160, number * 0.02 + 0.005 * (number % 2))

    assert reception.jitter == pytest.approx(0.005 * 8000)


def test_a_report_tells_the_loss_since_the_last_one_and_in_all() -> None:
    reception = counted([0, 1, 3])
    assert reception.next_report() == (64, 1)
    assert reception.next_report() == (0, 1)
    for number in (4, 6, 7):
        reception.count(number, number * 160, 0.1)
    assert reception.next_report() == (64, 2)


def test_packets_that_come_twice_are_no_negative_fraction() -> None:
    assert counted([0, 1, 1, 1]).next_report() == (0, -2)


@given(st.integers(0, 1000))
def test_a_report_stays_within_its_bits(seed: int) -> None:
    chance = random.Random(seed)
    reception = Reception(0)
    for _ in range(50):
        reception.count(chance.choice([reception.highest, reception.highest + 2900]), 0, 0.0)
        if chance.random() < 0.3:
            fraction, lost = reception.next_report()
            assert 0 <= fraction <= 255
            assert -(1 << 23) <= lost < 1 << 23


def test_the_loss_in_all_stops_at_what_24_bits_hold() -> None:
    reception = Reception(0)
    reception.count(9_000_000, 0, 0.0)

    assert reception.next_report() == (255, (1 << 23) - 1)
