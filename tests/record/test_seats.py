"""The seats of a recording, at a pipe instead of a terminal."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from peerlab.evidence.reading import Evidence
from peerlab.record.seats import Seats
from peerlab.record.session import Session
from tests.record.made_up import MadeUp


class _Silent:
    """A console at which nobody sits."""

    def say(self, line: str) -> None:
        """Print a line."""

    def set_echo(self, *, on: bool) -> None:
        """Show what is typed, or not."""


@pytest.fixture
def keyboard() -> Iterator[int]:
    """Where lines would come from."""
    reading, writing = os.pipe()
    yield reading
    os.close(reading)
    os.close(writing)


def test_an_interruption_after_the_seats_are_closed_touches_no_file_of_others(
    tmp_path: Path, keyboard: int
) -> None:
    scenario = MadeUp(tmp_path, "alice").base().scenario
    session = Session(scenario, Evidence(tmp_path), lambda _: None)
    with (
        tempfile.TemporaryDirectory(prefix="pl-") as short,  # as paths of sockets have to be
        Seats(session, Path(short) / "lab.sock", keyboard, _Silent()) as seats,
    ):
        pass
    others = os.pipe2(os.O_NONBLOCK)  # the descriptors that the seats had
    seats.end()
    with pytest.raises(BlockingIOError):
        os.read(others[0], 1)
    for each in others:
        os.close(each)
