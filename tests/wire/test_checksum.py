import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.wire.checksum import checksums_hold, internet_checksum, with_checksums
from tests.wire import frames


def words_added_one_by_one(data: bytes) -> int:
    """The definition in RFC 1071, word by word."""
    total = 0
    padded = data + b"\0" * (len(data) % 2)
    for place in range(0, len(padded), 2):
        total += int.from_bytes(padded[place : place + 2])
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def test_the_checksum_is_that_of_the_example_in_rfc_1071() -> None:
    assert internet_checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


@given(st.binary(max_size=70))
def test_the_checksum_is_the_sum_of_the_words(data: bytes) -> None:
    assert internet_checksum(data) == words_added_one_by_one(data)


@pytest.mark.parametrize("filler", [b"\0", b"\xff"])
@pytest.mark.parametrize("length", range(5))
def test_the_checksum_is_right_where_the_sum_is_zero_in_either_form(
    filler: bytes, length: int
) -> None:
    assert internet_checksum(filler * length) == words_added_one_by_one(filler * length)


def test_a_real_header_has_the_checksum_that_it_came_with() -> None:
    header = bytes.fromhex("45000073000040004011b861c0a80001c0a800c7")
    assert internet_checksum(header) == 0
    assert internet_checksum(header[:10] + b"\0\0" + header[12:]) == 0xB861


@pytest.mark.parametrize("payload", [b"", b"odd", b"even"])
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_completed_frame_holds_until_any_byte_after_the_ethernet_header_changes(
    protocol: str, payload: bytes
) -> None:
    ends = (1, 2)
    frame = frames.udp(ends, payload) if protocol == "udp" else frames.tcp(ends, 0, (1, 2), payload)
    assert checksums_hold(frame)
    for place in range(14, len(frame)):
        damaged = bytearray(frame)
        damaged[place] ^= 0x40
        assert not checksums_hold(bytes(damaged)), place


def test_a_damaged_payload_is_right_again_once_completed() -> None:
    frame = frames.udp((1, 2), b"hello")
    assert frame == with_checksums(frame)
    damaged = frame[:-1] + b"!"
    assert not checksums_hold(damaged)
    assert checksums_hold(with_checksums(damaged))


def test_a_datagram_without_a_checksum_holds() -> None:
    frame = bytearray(frames.udp((1, 2), b"hello"))
    frame[40:42] = b"\0\0"
    assert checksums_hold(bytes(frame))


@given(st.binary(min_size=2, max_size=2))
def test_a_udp_checksum_is_never_written_as_zero_which_would_mean_none(payload: bytes) -> None:
    assert frames.udp((1, 2), payload)[40:42] != b"\0\0"


def test_a_udp_checksum_that_comes_out_as_zero_is_written_as_all_ones() -> None:
    without = bytearray(frames.udp((1, 2), b"\0\0"))
    payload = bytes(without[40:42])  # adding its own checksum makes the sum all ones
    frame = frames.udp((1, 2), payload)
    assert frame[40:42] == b"\xff\xff"
    assert checksums_hold(frame)


def test_of_a_fragment_only_the_ip_header_is_looked_at() -> None:
    first = frames.ipv4((1, 2), 17, b"\0\1\0\2\x0b\xb8\0\7" + bytes(1472), fragment=0x2000)
    assert checksums_hold(first)
    assert with_checksums(first) == first


def test_what_is_no_ipv4_holds_nothing_and_stays_as_it_is() -> None:
    question = frames.arp(1, 2)
    assert not checksums_hold(question)
    assert with_checksums(question) == question


@given(st.binary(max_size=90))
def test_no_frame_makes_it_raise(data: bytes) -> None:
    frame = frames.udp((1, 2), b"")[:14] + data
    checksums_hold(frame)
    with_checksums(frame)
