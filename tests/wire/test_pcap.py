import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from peerlab.wire.pcap import Capture
from tests.wire import frames
from tests.wire.captures import captured

FRAME = frames.udp((1, 2), b"hello")
AT = 1_700_000_000_123_456_789


def test_frames_are_read_back_with_their_times_to_the_nanosecond() -> None:
    file = io.BytesIO()
    capture = Capture(file)
    capture.write(AT, FRAME)
    capture.write(AT + 1, FRAME[:20])
    capture.flush()
    assert captured(file.getvalue()) == [(AT, FRAME), (AT + 1, FRAME[:20])]
    assert (capture.ended, capture.frames) == (None, 2)


def test_a_capture_without_frames_is_a_capture() -> None:
    file = io.BytesIO()
    Capture(file).flush()
    assert captured(file.getvalue()) == []


def test_what_was_captured_need_not_be_flushed_to_stay_bounded_in_memory() -> None:
    file = io.BytesIO()
    capture = Capture(file)
    for _ in range(2000):
        capture.write(AT, FRAME)
    assert len(file.getvalue()) > 60_000


def test_a_capture_ends_whole_at_its_limit_and_says_so() -> None:
    file = io.BytesIO()
    capture = Capture(file, limit=200)
    for _ in range(5):
        capture.write(AT, FRAME)
    assert capture.ended == "the capture has reached its limit"
    capture.write(AT, b"")
    capture.flush()
    assert captured(file.getvalue()) == [(AT, FRAME)] * 2
    assert capture.frames == 2


def test_a_full_disk_ends_the_capture_and_nothing_else() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        capture = Capture(full)
        capture.write(AT, FRAME)
        capture.flush()
        assert capture.ended == f"cannot write the capture: {os.strerror(28)}"
        capture.write(AT, FRAME)
        capture.flush()


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_tcpdump_reads_the_capture() -> None:
    file = io.BytesIO()
    capture = Capture(file)
    capture.write(AT, FRAME)
    capture.flush()
    command = ["tcpdump", "-nn", "-tt", "-vv", "--nano", "-r", "-"]
    run = subprocess.run(command, input=file.getvalue(), capture_output=True, check=True)
    shown = run.stdout.decode()
    assert "1700000000.123456789" in shown
    assert "10.9.0.1.5000 > 10.9.0.2.7000: [udp sum ok]" in shown
