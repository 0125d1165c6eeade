import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peerlab.wire.packet import (
    ACK,
    SYN,
    Datagram,
    IcmpMessage,
    Packet,
    Segment,
    arp_target,
    dotted,
    parse,
)
from tests.wire import frames

DATAGRAM = frames.udp((1, 2), b"hello")


def test_a_datagram_gives_its_ends_its_payload_and_its_size() -> None:
    packet = parse(DATAGRAM)
    assert isinstance(packet, Datagram)
    assert (packet.source, packet.source_port) == (frames.address(1), 5000)
    assert (packet.destination, packet.destination_port) == (frames.address(2), 7000)
    assert (packet.payload, packet.size) == (b"hello", 5)
    assert not packet.fragmented


def test_a_segment_gives_its_ends_its_numbers_and_its_payload() -> None:
    packet = parse(frames.tcp((1, 2), SYN | ACK, (7, 8), b"data"))
    assert isinstance(packet, Segment)
    assert (packet.source_port, packet.destination_port) == (5000, 80)
    assert (packet.sequence, packet.acknowledgement, packet.flags) == (7, 8, SYN | ACK)
    assert packet.payload == b"data"


def test_an_icmp_message_gives_its_type_and_code() -> None:
    packet = parse(frames.ipv4((1, 2), 1, b"\x03\x01" + bytes(6) + b"rest"))
    assert isinstance(packet, IcmpMessage)
    assert (packet.kind, packet.code, packet.payload) == (3, 1, b"rest")


def test_padding_of_a_short_frame_is_no_payload() -> None:
    packet = parse(DATAGRAM + bytes(20))
    assert packet is not None
    assert packet.payload == b"hello"


def test_options_in_the_ip_header_are_stepped_over() -> None:
    content = struct.pack("!HHHH", 1, 2, 10, 0) + b"hi"
    packet = parse(frames.ipv4((1, 2), 17, content, options=bytes(8)))
    assert isinstance(packet, Datagram)
    assert packet.payload == b"hi"


def test_options_in_the_tcp_header_are_no_payload() -> None:
    header = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 6 << 4, ACK, 0, 0, 0) + bytes(4)
    packet = parse(frames.ipv4((1, 2), 6, header + b"x"))
    assert packet is not None
    assert packet.payload == b"x"


def test_a_first_fragment_tells_the_size_of_the_whole_datagram() -> None:
    first = struct.pack("!HHHH", 1, 2, 8 + 3000, 0) + bytes(1472)
    packet = parse(frames.ipv4((1, 2), 17, first, fragment=0x2000))
    assert isinstance(packet, Datagram)
    assert packet.fragmented
    assert packet.offset == 0
    assert (packet.size, len(packet.payload)) == (3000, 1472)


def test_a_later_fragment_has_no_ports_whatever_it_begins_with() -> None:
    packet = parse(frames.ipv4((1, 2), 17, b"\x00\x01\x00\x02\x00\x08\x00\x00", fragment=185))
    assert type(packet) is Packet
    assert packet.offset == 1480
    assert packet.fragmented
    assert packet.identification == 77


@pytest.mark.parametrize("length", [0, 7, 14, 65535])
def test_a_udp_length_that_cannot_be_makes_it_a_packet_without_ports(length: int) -> None:
    content = struct.pack("!HHHH", 1, 2, length, 0) + b"hello"
    assert type(parse(frames.ipv4((1, 2), 17, content))) is Packet


@pytest.mark.parametrize("words", [0, 4, 7, 15])
def test_a_tcp_header_length_that_cannot_be_makes_it_a_packet_without_ports(words: int) -> None:
    content = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, words << 4, ACK, 0, 0, 0)
    assert type(parse(frames.ipv4((1, 2), 6, content + b"hello"))) is Packet


@pytest.mark.parametrize("protocol", [1, 6, 17])
def test_a_transport_header_that_is_cut_off_makes_it_a_packet_without_ports(protocol: int) -> None:
    assert type(parse(frames.ipv4((1, 2), protocol, b"\x00\x01\x02"))) is Packet


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(DATAGRAM[:12] + b"\x86\xdd" + DATAGRAM[14:], id="IPv6"),
        pytest.param(DATAGRAM[:12] + b"\x81\x00\x00\x05" + DATAGRAM[12:], id="VLAN"),
        pytest.param(DATAGRAM[:14] + b"\x65" + DATAGRAM[15:], id="another version"),
        pytest.param(DATAGRAM[:14] + b"\x44" + DATAGRAM[15:], id="header too short"),
        pytest.param(DATAGRAM[:14] + b"\x4f" + DATAGRAM[15:], id="header longer than packet"),
        pytest.param(DATAGRAM[:16] + b"\x00\x13" + DATAGRAM[18:], id="total too short"),
        pytest.param(DATAGRAM[:-1], id="cut"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_no_whole_ipv4_packet_is_none(damaged: bytes) -> None:
    assert parse(damaged) is None


def test_an_arp_question_gives_the_address_that_it_asks_for() -> None:
    assert arp_target(frames.arp(1, 2)) == frames.address(2)


@pytest.mark.parametrize("cut", [0, 13, 41])
def test_an_arp_message_that_is_cut_off_asks_for_nothing(cut: int) -> None:
    assert arp_target(frames.arp(1, 2)[:cut]) is None


def test_an_arp_message_about_another_network_asks_for_nothing() -> None:
    message = bytearray(frames.arp(1, 2))
    message[15] = 6
    assert arp_target(bytes(message)) is None
    assert arp_target(DATAGRAM) is None


def test_an_address_is_shown_as_people_write_it() -> None:
    assert dotted(bytes((10, 9, 0, 255))) == "10.9.0.255"


SEEDS = st.sampled_from(
    [DATAGRAM, frames.tcp((1, 2), SYN), frames.arp(1, 2), frames.ipv4((1, 2), 1, bytes(8))]
)


@given(seed=SEEDS, changes=st.dictionaries(st.integers(0, 80), st.integers(0, 255)), cut=st.data())
@example(seed=b"", changes={}, cut=None)
def test_a_damaged_frame_never_raises_and_never_reads_outside_itself(
    seed: bytes, changes: dict[int, int], cut: st.DataObject | None
) -> None:
    frame = bytearray(seed)
    for place, value in changes.items():
        if place < len(frame):
            frame[place] = value
    whole = bytes(frame[: cut.draw(st.integers(0, len(frame)))] if cut else frame)
    packet = parse(whole)
    arp_target(whole)
    if packet is not None:
        assert 34 <= packet.start <= packet.end <= len(whole)


@given(st.binary(max_size=100))
def test_any_bytes_at_all_can_be_parsed(data: bytes) -> None:
    parse(data)
    arp_target(data)
    parse(DATAGRAM[:14] + data)
