"""Captures of what never passed: of UDP datagrams and TCP segments."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peerlab.evidence.journal import Event, Kind
from peerlab.wire.pcap import Capture
from tests.wire.captures import captured
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


def captured_totals(run: Path, **more: Any) -> Event:  # noqa: ANN401 - whatever a journal holds
    """What the wire tells in the end, the captures in the evidence being as it wrote them."""
    counts = {
        file.stem: len(captured(file.read_bytes())) for file in (run / "captures").glob("*.pcap")
    }
    detail = {"captures": {}, "captured": counts} | more
    return Event(100.0, Kind.WIRE, None, "totals", detail)


def stream(ends: tuple[int, int], *pieces: bytes, start: int = 1000) -> list[bytes]:
    """The segments of one direction of a connection, its beginning included."""
    frames = [tcp(ends, SYN, (start, 0))]
    sequence = start + 1
    for piece in pieces:
        frames.append(tcp(ends, ACK, (sequence, 1), piece))
        sequence += len(piece)
    return frames
