"""Captures of what never passed: of UDP datagrams and TCP segments."""

import io
from collections.abc import Sequence
from pathlib import Path

from peerlab.wire.pcap import Capture
from tests.wire.frames import tcp

SYN, ACK = 2, 16


def capture(frames: Sequence[bytes]) -> bytes:
    """A capture of these frames, in their order."""
    file = io.BytesIO()
    writer = Capture(file)
    for number, frame in enumerate(frames):
        writer.write(number * 1_000_000, frame)
    writer.flush()
    return file.getvalue()


def write_capture(run: Path, node: str, frames: Sequence[bytes]) -> None:
    """Put a capture into the evidence of a run."""
    folder = run / "captures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{node}.pcap").write_bytes(capture(frames))


def stream(ends: tuple[int, int], *pieces: bytes, start: int = 1000) -> list[bytes]:
    """The segments of one direction of a connection, its beginning included."""
    frames = [tcp(ends, SYN, (start, 0))]
    sequence = start + 1
    for piece in pieces:
        frames.append(tcp(ends, ACK, (sequence, 1), piece))
        sequence += len(piece)
    return frames
