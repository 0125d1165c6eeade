from pathlib import Path

import pytest

from peerlab.evidence import capture as module
from peerlab.evidence.capture import Captured, Payload, read_capture
from tests.support.captures import ACK, SYN, capture, stream
from tests.wire.frames import arp, ethernet, ipv4, tcp, udp

START = 1000


def read(path: Path, frames: list[bytes]) -> list[Payload]:
    file = path / "node.pcap"
    file.write_bytes(capture(frames))
    captured = read_capture(file)
    assert not captured.cut
    return list(captured.payloads)


def segment(offset: int, data: bytes, start: int = START) -> bytes:
    return tcp((1, 2), ACK, ((start + 1 + offset) % 2**32, 1), data)


def of_stream(path: Path, frames: list[bytes], start: int = START) -> tuple[bytes, bool]:
    (payload,) = read(path, [tcp((1, 2), SYN, (start, 0)), *frames])
    assert (payload.protocol, payload.source, payload.destination) == (
        "tcp",
        "10.9.0.1:5000",
        "10.9.0.2:80",
    )
    return payload.data, payload.whole


def test_datagrams_are_read_with_their_ends_in_their_order(tmp_path: Path) -> None:
    assert read(tmp_path, [udp((1, 2), b"one"), udp((2, 1), b"", (7, 9))]) == [
        Payload("udp", "10.9.0.1:5000", "10.9.0.2:7000", b"one"),
        Payload("udp", "10.9.0.2:7", "10.9.0.1:9", b""),
    ]


def test_padding_of_a_frame_is_no_payload(tmp_path: Path) -> None:
    (payload,) = read(tmp_path, [udp((1, 2), b"x") + bytes(20)])
    assert payload.data == b"x"


def test_a_datagram_in_fragments_is_put_together_in_any_order(tmp_path: Path) -> None:
    data = (5000).to_bytes(2) + (7000).to_bytes(2) + (8 + 1992).to_bytes(2) + bytes(2)
    data += bytes(range(248)) * 8 + b"12345678"
    frames = [
        ipv4((1, 2), 17, data[1600:], fragment=200),
        ipv4((1, 2), 17, data[:800], fragment=0x2000),
        ipv4((1, 2), 17, data[800:1600], fragment=0x2000 | 100),
    ]
    assert [payload.data for payload in read(tmp_path, frames)] == [data[8:]]
    assert read(tmp_path, frames[:2]) == []


def test_a_stream_is_what_its_segments_carry_each_direction_for_itself(tmp_path: Path) -> None:
    frames = [*stream((1, 2), b"LOG", b"IN\n"), tcp((2, 1), ACK, (7, 0), b"OK\n", (80, 5000))]
    assert [(payload.source, payload.data) for payload in read(tmp_path, frames)] == [
        ("10.9.0.1:5000", b"LOGIN\n"),
        ("10.9.0.2:80", b"OK\n"),
    ]


STREAMS = {
    "in order": [segment(0, b"abc"), segment(3, b"def")],
    "sent again": [segment(0, b"abc"), segment(0, b"abc"), segment(3, b"def"), segment(0, b"abc")],
    "sent again with more": [segment(0, b"abc"), segment(0, b"abcdef")],
    "overlapping": [segment(0, b"abcd"), segment(2, b"cdef")],
    "out of order": [segment(3, b"def"), segment(0, b"abc")],
    "far out of order": [segment(5, b"f"), segment(3, b"de"), segment(0, b"ab"), segment(2, b"c")],
    "a part of what waits": [segment(2, b"cdef"), segment(0, b"abcd")],
    "a longer one for what waits": [segment(3, b"d"), segment(3, b"def"), segment(0, b"abc")],
    "nothing at all among it": [segment(0, b"abc"), segment(3, b""), segment(3, b"def")],
}


@pytest.mark.parametrize("frames", STREAMS.values(), ids=STREAMS)
def test_a_stream_is_whole_whatever_way_its_segments_come(
    tmp_path: Path, frames: list[bytes]
) -> None:
    assert of_stream(tmp_path, frames) == (b"abcdef", True)


def test_sequence_numbers_begin_again_at_zero(tmp_path: Path) -> None:
    start = 2**32 - 3
    frames = [segment(4, b"ef", start), segment(0, b"abcd", start), segment(2, b"cd", start)]
    assert of_stream(tmp_path, frames, start) == (b"abcdef", True)


def test_a_stream_with_a_gap_is_read_on_and_not_whole(tmp_path: Path) -> None:
    assert of_stream(tmp_path, [segment(0, b"ab"), segment(4, b"ef")]) == (b"abef", False)


def test_not_more_waits_than_may_for_what_never_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    late = [segment(0, b"a"), *(segment(place, b"x") for place in (2, 4, 6)), segment(7, b"y")]
    assert of_stream(tmp_path, late) == (b"axxxy", False)


def test_the_same_ports_used_again_are_another_stream(tmp_path: Path) -> None:
    frames = [*stream((1, 2), b"one"), *stream((1, 2), b"two", start=5)]
    assert [payload.data for payload in read(tmp_path, frames)] == [b"one", b"two"]


def test_a_request_sent_again_is_the_same_stream(tmp_path: Path) -> None:
    frames = [tcp((1, 2), SYN, (START, 0)), *stream((1, 2), b"one")]
    assert [payload.data for payload in read(tmp_path, frames)] == [b"one"]


def test_a_stream_whose_begin_was_not_captured_is_read_from_there_on(tmp_path: Path) -> None:
    assert [payload.data for payload in read(tmp_path, [segment(7, b"late")])] == [b"late"]


def test_what_is_neither_udp_nor_tcp_is_passed_over(tmp_path: Path) -> None:
    frames = [
        arp(1, 2),
        ipv4((1, 2), 1, b"\x08\x00\x00\x00"),
        ethernet(1, 2, 0x86DD, bytes(60)),
        b"short",
        ethernet(1, 2, 0x0800, b"\x45"),
        ipv4((1, 2), 17, b"123"),
        ipv4((1, 2), 6, b"123"),
    ]
    assert read(tmp_path, frames) == []


def test_bytes_that_are_no_text_have_a_backslash() -> None:
    assert Payload("udp", "", "", b"a\xffb").text == "a\\xffb"


@pytest.mark.parametrize("missing", [1, 40, 60])
def test_a_capture_that_was_cut_short_is_read_up_to_there(tmp_path: Path, missing: int) -> None:
    file = tmp_path / "node.pcap"
    file.write_bytes(capture([udp((1, 2), b"one"), udp((1, 2), b"two")])[:-missing])
    read_of_it = read_capture(file)
    assert [payload.data for payload in read_of_it.payloads] == [b"one"]
    assert read_of_it.frames == 1


def test_a_capture_that_was_never_begun_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "node.pcap"
    file.write_bytes(b"")
    assert read_capture(file) == Captured((), frames=0, cut=False)


def test_of_a_large_capture_the_beginning_is_read(tmp_path: Path) -> None:
    file = tmp_path / "node.pcap"
    file.write_bytes(capture([udp((1, 2), b"one"), udp((1, 2), b"two")]))
    captured = read_capture(file, limit=100)
    assert [payload.data for payload in captured.payloads] == [b"one"]
    assert captured.cut


NO_CAPTURES = {
    "another format": b"\x0a\x0d\x0d\x0a" + bytes(40),
    "another kind of network": capture([])[:20] + b"\x69\x00\x00\x00",
    "a header cut short": capture([])[:10],
    "a frame that is too long": capture([]) + bytes(8) + b"\xff\xff\xff\xff" + bytes(4),
}


@pytest.mark.parametrize("data", NO_CAPTURES.values(), ids=NO_CAPTURES)
def test_what_is_no_capture_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "node.pcap"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"node\.pcap is not a capture"):
        read_capture(file)
