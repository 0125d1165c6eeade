"""How a terminal and its program begin and end, and the socket with them."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from services.terminal.frames import Kind
from tests.services.running import DEADLINE
from tests.services.terminal.terminals import ECHO, RunningTerminal, Start, fifos, python, sat_down


def test_a_program_that_has_ended_is_still_told_to_every_lab(start: Start) -> None:
    terminal = start(*python("print('short'); exit(3)"))
    for _ in range(2):
        with sat_down(terminal) as lab:
            assert lab.exits() == 3
            assert lab.stdout == b"short\n"
            lab.send(Kind.INPUT, b"anybody there?\n")
            lab.send(Kind.SIGNAL, b"KILL")
            lab.finish()
            assert lab.hung_up()
    assert terminal.process.poll() is None


def test_the_end_is_told_though_somebody_else_holds_the_streams_open(
    start: Start, tmp_path: Path
) -> None:
    (end,) = fifos(tmp_path, "end")
    code = """
import subprocess, sys
child = "import sys; print('ready'); open(sys.argv[1])"
command = [sys.executable, "-u", "-c", child, sys.argv[1]]
subprocess.Popen(command, start_new_session=True)
input()
sys.exit(6)
"""
    with sat_down(start(*python(code), str(end))) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.INPUT, b"go\n")
        assert lab.exits() == 6
        end.write_text("")


@pytest.mark.parametrize(
    ("program", "status", "reason"),
    [("/no/such/program", 127, "No such file or directory"), ("/", 126, "Permission denied")],
)
@pytest.mark.parametrize("options", [{}, {"pty": True}])
def test_a_program_that_cannot_be_started_is_told_as_a_shell_tells_it(
    start: Start, program: str, status: int, reason: str, options: dict[str, bool]
) -> None:
    terminal = start(program, **options)
    complaint = f"terminal: cannot run {program}: {reason}\n"
    with sat_down(terminal) as lab:
        assert lab.exits() == status
        assert lab.stderr.decode() == complaint
    assert terminal.printed() == ("", complaint)
    assert terminal.terminated() == 0


def test_a_paused_program_ends_in_order_too(start: Start) -> None:
    # It waits for the signal itself: one that came just before it reads would not wake it.
    code = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready")
signal.sigwait([signal.SIGTERM])
sys.exit(5)
"""
    terminal = start(*python(code))
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.SIGNAL, b"STOP")
        assert lab.silent()
        assert terminal.terminated() == 0
        assert lab.exits() == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_the_program_in_order_and_its_last_words_are_told(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    code = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready")
signal.sigwait([signal.SIGTERM])
print("bye")
sys.exit(5)
"""
    terminal = start(*python(code))
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")
        assert terminal.terminated(number) == 0
        assert lab.exits() == 5
        assert lab.stdout == b"ready\nbye\n"
    assert terminal.printed() == ("ready\nbye\n", "")
    assert list(tmp_path.iterdir()) == []


STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
alive = os.open(sys.argv[1], os.O_WRONLY)
child = "import signal; print('ready'); signal.pause()"
subprocess.Popen([sys.executable, "-u", "-c", child], pass_fds=[alive])
"""


def stubborn(start: Start, then: str, tmp_path: Path) -> tuple[RunningTerminal, int]:
    """A program that ignores SIGTERM, as its child does.

    Reading from the descriptor ends with the end of both.
    """
    (alive,) = fifos(tmp_path, "alive")
    terminal = start(*python(STUBBORN + then), str(alive), patient=False)
    return terminal, os.open(alive, os.O_RDONLY)


def test_a_program_that_will_not_end_is_killed_with_all_that_it_started(
    start: Start, tmp_path: Path
) -> None:
    terminal, alive = stubborn(start, "signal.pause()", tmp_path)
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")
        assert terminal.terminated() == 0
    assert os.read(alive, 1) == b""
    os.close(alive)


def test_what_an_ended_program_left_running_is_killed(start: Start, tmp_path: Path) -> None:
    terminal, alive = stubborn(start, "input(); sys.exit(4)", tmp_path)
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.INPUT, b"go\n")
        assert lab.exits() == 4
    assert os.read(alive, 1) == b""
    os.close(alive)


def test_the_socket_is_for_its_user_alone_and_replaces_one_that_was_left(
    start: Start, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "node.sock"))
    with sat_down(start(*ECHO)) as lab:
        lab.says(b"ready\n")
        assert stat.S_IMODE((tmp_path / "node.sock").stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["node.sock"]


@pytest.mark.parametrize(
    ("place", "reason"),
    [("none/node.sock", "No such file or directory"), ("n" * 120, "AF_UNIX path too long")],
)
def test_a_socket_that_cannot_be_made_is_told_in_one_line(
    tmp_path: Path, place: str, reason: str
) -> None:
    with RunningTerminal(tmp_path / place, *ECHO) as terminal:
        assert terminal.process.wait(DEADLINE) == 1
        complaint = f"terminal: cannot listen on {tmp_path / place}: {reason}\n"
        assert terminal.printed() == ("", complaint)


def test_a_terminal_needs_a_program(tmp_path: Path) -> None:
    with RunningTerminal(tmp_path / "node.sock") as terminal:
        assert terminal.process.wait(DEADLINE) == 2
        assert "PROGRAM" in terminal.printed()[1]
