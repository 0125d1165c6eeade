import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.pcmu import decode, encode

# ITU-T G.711 table 2a: character signals and their values, of fourteen bits there.
TABLE = {
    0b10000000: 8031,
    0b10001111: 4191,
    0b10011111: 2079,
    0b10101111: 1023,
    0b10111111: 495,
    0b11001111: 231,
    0b11011111: 99,
    0b11101111: 33,
    0b11111110: 2,
    0b11111111: 0,
}
# The decision values between them: what is above the first belongs to the octet.
DECISIONS = {7903: 0b10000000, 4063: 0b10001111, 2015: 0b10011111, 31: 0b11101111, 1: 0b11111110}


@pytest.mark.parametrize(("octet", "value"), TABLE.items())
def test_octets_mean_what_the_table_of_the_standard_says(octet: int, value: int) -> None:
    assert list(decode(bytes([octet, octet & 0x7F]))) == [4 * value, -4 * value]


@pytest.mark.parametrize(("decision", "octet"), DECISIONS.items())
def test_samples_are_told_apart_at_the_decision_values_of_the_standard(
    decision: int, octet: int
) -> None:
    above, below = encode([4 * decision, 4 * decision - 1])

    assert above == octet
    # Larger values have smaller octets.
    assert below == octet + 1


def test_every_octet_is_its_own_nearest_but_for_the_negative_zero() -> None:
    others = bytes(octet for octet in range(256) if octet != 0x7F)

    assert encode(decode(others)) == others
    assert encode(decode(b"\x7f")) == b"\xff"


@given(st.integers(-32768, 32767))
def test_a_sample_comes_back_within_half_a_step_of_its_segment(sample: int) -> None:
    (decoded,) = decode(encode([sample]))

    # The step of a segment is 1/16 of it; what is louder than the last is cut.
    step = max(8, 1 << ((abs(decoded) + 132).bit_length() - 5))
    assert abs(decoded - max(-32635, min(32635, sample))) <= step / 2 or abs(decoded) == 32124
    assert abs(decoded - sample) <= 1024


@given(st.integers(-32768, 32766))
def test_a_louder_sample_is_never_decoded_as_a_quieter_one(sample: int) -> None:
    lower, higher = decode(encode([sample, sample + 1]))

    assert lower <= higher
