"""Output for a terminal that nobody reads."""

import io
import os
import threading
from pathlib import Path

import pytest

from peerlab.cli.spool import Spool


class _Stopped(io.StringIO):
    """A terminal that stands still until it may go on."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self.stands = threading.Event()
        self.goes_on = threading.Event()

    def write(self, text: str) -> int:
        self.stands.set()
        assert self.goes_on.wait(30)
        return super().write(text)


def test_who_writes_does_not_wait_and_the_oldest_lines_are_dropped_and_counted() -> None:
    terminal = _Stopped()
    with Spool(terminal, most=30) as spool:
        spool.write("first\n")
        assert terminal.stands.wait(30)
        for number in range(100):
            spool.write(f"line {number:2}\n")
        terminal.goes_on.set()
    shown = terminal.getvalue().splitlines()
    assert shown[0] == "first"
    assert shown[1:] == [
        "(97 lines are not shown: this terminal was not read)",
        "line 97",
        "line 98",
        "line 99",
    ]


def test_everything_is_written_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as file, Spool(file) as spool:
        for number in range(1000):
            spool.write(f"ü {number}\n")
    assert path.read_text() == "".join(f"\\xfc {number}\n" for number in range(1000))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_terminal_that_is_gone_is_nobodys_loss() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1, encoding="utf-8") as file:
        with Spool(file) as spool:
            spool.write("line\n")
            spool.write("another\n")
        with pytest.raises(BrokenPipeError):
            file.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
