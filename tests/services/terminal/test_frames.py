import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.terminal.backlog import Backlog
from services.terminal.frames import HEADER, MAX_PAYLOAD, Decoder, Frame, FrameError, Kind, encode
from tests.services.terminal.vectors import VECTORS

FRAMES = st.lists(st.builds(Frame, st.sampled_from(Kind), st.binary(max_size=300)))


def test_the_document_has_an_example_of_every_kind() -> None:
    assert {kind for _, kind, _ in VECTORS} == {kind.name for kind in Kind}


@pytest.mark.parametrize(("data", "kind", "payload"), VECTORS)
def test_the_examples_of_the_document_are_read_and_written(
    data: bytes, kind: str, payload: bytes
) -> None:
    assert list(Decoder().feed(data)) == [Frame(Kind[kind], payload)]
    assert encode(Kind[kind], payload) == data


@given(frames=FRAMES, cuts=st.lists(st.integers(0, 400)))
def test_frames_come_out_as_they_went_in_however_the_bytes_are_cut(
    frames: list[Frame], cuts: list[int]
) -> None:
    data = b"".join(encode(frame.kind, frame.payload) for frame in frames)
    decoder = Decoder()
    got: list[Frame] = []
    for cut in cuts:
        piece, data = data[:cut], data[cut:]
        got += decoder.feed(piece)
    got += decoder.feed(data)
    assert got == frames


@given(pieces=st.lists(st.binary(max_size=64)))
def test_whatever_comes_is_a_frame_or_refused_as_none(pieces: list[bytes]) -> None:
    decoder = Decoder()
    try:
        frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    except FrameError:
        return
    sent = b"".join(pieces)
    read = sum(HEADER.size + len(frame.payload) for frame in frames)
    assert read <= len(sent)
    assert all(frame.payload in sent for frame in frames)


def test_the_longest_frame_is_read_and_a_longer_one_is_refused_by_its_header() -> None:
    longest = encode(Kind.STDOUT, bytes(MAX_PAYLOAD))
    assert len(next(Decoder().feed(longest)).payload) == MAX_PAYLOAD
    with pytest.raises(FrameError, match=f"{MAX_PAYLOAD + 1} bytes"):
        list(Decoder().feed(HEADER.pack(Kind.STDOUT, MAX_PAYLOAD + 1)))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(FrameError, match="unknown kind 9"):
        list(Decoder().feed(HEADER.pack(9, 0)))


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(0, 200))
def test_a_backlog_keeps_the_newest_and_counts_what_is_gone(
    pieces: list[bytes], limit: int
) -> None:
    backlog = Backlog(limit)
    for piece in pieces:
        backlog.add(encode(Kind.STDOUT, piece))
    replay = backlog.replay()
    kept = [frame.payload for frame in Decoder().feed(replay)]
    assert len(replay) <= limit
    assert kept == pieces[len(pieces) - len(kept) :]
    assert backlog.missed == sum(map(len, pieces)) - sum(map(len, kept))
