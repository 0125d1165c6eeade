import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.backend.frames import Decoder, Frame, encode
from peerlab.backend.sockets import MAX_PAYLOAD, FrameKind
from tests.services.terminal.vectors import VECTORS


@pytest.mark.parametrize(("data", "kind", "payload"), VECTORS)
def test_the_examples_of_the_document_are_read_and_written(
    data: bytes, kind: str, payload: bytes
) -> None:
    frame = Frame(FrameKind[kind], payload)
    assert list(Decoder().feed(data)) == [frame]
    assert encode(frame) == data


@given(
    frames=st.lists(st.builds(Frame, st.integers(0, 255), st.binary(max_size=300))),
    cuts=st.lists(st.integers(0, 400)),
)
def test_frames_come_out_as_they_went_in_however_the_bytes_are_cut(
    frames: list[Frame], cuts: list[int]
) -> None:
    data = b"".join(encode(frame) for frame in frames)
    decoder = Decoder()
    got: list[Frame] = []
    for cut in cuts:
        piece, data = data[:cut], data[cut:]
        got += decoder.feed(piece)
    got += decoder.feed(data)
    assert got == frames


@given(pieces=st.lists(st.binary(max_size=64)))
def test_whatever_comes_is_a_frame_or_refused_as_none(pieces: list[bytes]) -> None:
    decoder = Decoder(MAX_PAYLOAD)
    try:
        frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    except ValueError:
        return
    assert all(frame.payload in b"".join(pieces) for frame in frames)
