import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.datagram import ChatMessage, format_datagram
from services.media.rtp import (
    MAX_PACKET,
    Packet,
    PacketError,
    ahead,
    format_packet,
    is_media,
    is_rtcp,
    parse_packet,
)

PLAIN = bytes.fromhex("80 80 fffe 000003e8 1234abcd")
PACKETS = st.builds(
    Packet,
    st.booleans(),
    st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=MAX_PACKET - 12),
)


def test_a_packet_is_read_field_by_field() -> None:
    assert parse_packet(PLAIN + b"abc") == Packet(
        marker=True,
        payload_type=0,
        sequence=65534,
        timestamp=1000,
        ssrc=0x1234ABCD,
        payload=b"abc",
    )


def test_sources_extension_and_padding_are_left_out() -> None:
    first = bytes([0x80 | 0x20 | 0x10 | 2])
    sources, extension = bytes(8), bytes.fromhex("bede 0001 00000000")
    data = first + PLAIN[1:] + sources + extension + b"abc" + b"\0\0\3"

    assert parse_packet(data).payload == b"abc"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (PLAIN[:11], "a packet has 12 to 1200 bytes, not 11"),
        (PLAIN + bytes(1189), "a packet has 12 to 1200 bytes, not 1201"),
        (b"\x40" + PLAIN[1:], "the version is 2, not 1"),
        (b"\x8f" + PLAIN[1:] + bytes(59), "the header or the padding is longer than the packet"),
        (b"\x90" + PLAIN[1:] + bytes(3), "the header or the padding is longer than the packet"),
        (b"\x90" + PLAIN[1:] + b"\0\0\0\1", "the header or the padding is longer than the packet"),
        (b"\xa0" + PLAIN[1:] + b"ab\4", "the header or the padding is longer than the packet"),
        (b"\xa0" + PLAIN[1:] + b"ab\0", "the header or the padding is longer than the packet"),
    ],
)
def test_what_is_no_packet_is_refused_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(PacketError) as refused:
        parse_packet(data)

    assert str(refused.value) == why


@given(PACKETS)
def test_a_packet_that_is_written_is_read_as_it_was(packet: Packet) -> None:
    assert parse_packet(format_packet(packet)) == packet


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda tail: PLAIN + tail)))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    try:
        packet = parse_packet(data)
    except PacketError:
        return
    assert len(packet.payload) <= len(data) - 12


@pytest.mark.parametrize(
    ("number", "reference", "distance"),
    [(5, 3, 2), (3, 5, -2), (1, 0xFFFE, 3), (0xFFFE, 1, -3), (0x8000, 0, -0x8000), (7, 7, 0)],
)
def test_how_far_a_number_is_ahead_goes_around_its_wrap(
    number: int, reference: int, distance: int
) -> None:
    assert ahead(number, reference, 16) == distance


@given(st.integers(0, 0xFFFFFFFF), st.integers(-(1 << 31), (1 << 31) - 1))
def test_how_far_ahead_undoes_addition_modulo(reference: int, distance: int) -> None:
    assert ahead((reference + distance) % (1 << 32), reference, 32) == distance


@given(st.text(min_size=1, max_size=20))
def test_no_text_is_taken_for_media(text: str) -> None:
    assert not is_media(text.encode(errors="ignore"))


def test_messages_and_media_are_told_apart_by_their_first_bits() -> None:
    message = ChatMessage("m1", "USER 1", 0.0, "HELLO")

    assert not is_media(format_datagram(message))
    assert not is_media(b"")
    assert not is_media(b"\x00\x01")  # STUN
    assert not is_media(b"\x16\xfe")  # DTLS
    assert is_media(PLAIN)
    assert not is_rtcp(PLAIN)
    assert is_rtcp(b"\x80\xc8")
    assert is_rtcp(b"\x80\xc9")
