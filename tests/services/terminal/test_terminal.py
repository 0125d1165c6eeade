"""What goes over a terminal: small programs, and the test in the place of the lab."""

import os
import select
import signal
import socket
from pathlib import Path

import pytest

from services.terminal.frames import HEADER, Kind, encode
from services.terminal.terminal import BACKLOG
from tests.services.running import DEADLINE
from tests.services.terminal.terminals import ECHO, Start, fifos, python, sat_down


def test_a_lab_is_told_who_is_there(start: Start) -> None:
    with start(*ECHO).lab() as lab:
        greeting = lab.hello()
    assert greeting.keys() == {"ip", "hostname", "missed"}
    assert socket.inet_aton(str(greeting["ip"]))
    assert (greeting["hostname"], greeting["missed"]) == (socket.gethostname(), 0)


def test_a_lab_types_and_reads_and_ends_the_input(start: Start) -> None:
    with sat_down(start(*ECHO)) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.INPUT, b"one\ntw")
        lab.says(b"got one\n")
        lab.send(Kind.INPUT, b"o\n")
        lab.send(Kind.INPUT)
        assert lab.exits() == 0
        assert lab.stdout == b"ready\ngot one\ngot two\nend\n"


def test_the_two_streams_stay_apart_and_are_in_the_terminals_own_streams_too(start: Start) -> None:
    terminal = start(*python("import sys; print('out'); print('err', file=sys.stderr); exit(7)"))
    with sat_down(terminal) as lab:
        assert lab.exits() == 7
        assert (lab.stdout, lab.stderr) == (b"out\n", b"err\n")
    assert terminal.printed() == ("out\n", "err\n")


def test_what_was_printed_before_the_lab_came_is_told(start: Start) -> None:
    terminal = start(*ECHO)
    with sat_down(terminal) as lab:
        lab.send(Kind.INPUT, b"one\n")
        lab.says(b"got one\n")
    with sat_down(terminal) as lab:
        lab.says(b"ready\ngot one\n")


def test_the_program_goes_on_when_the_lab_hangs_up_and_a_new_lab_can_type(start: Start) -> None:
    terminal = start(*ECHO)
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")
    with sat_down(terminal) as lab:
        lab.send(Kind.INPUT, b"again\n")
        lab.says(b"got again\n")


def test_a_second_lab_waits_until_the_first_has_gone(start: Start) -> None:
    terminal = start(*ECHO)
    with sat_down(terminal) as first, terminal.lab() as second:
        first.says(b"ready\n")
        first.send(Kind.INPUT, b"one\n")
        first.says(b"got one\n")
        second.connection.settimeout(0)
        with pytest.raises(BlockingIOError):
            second.connection.recv(1)
        second.connection.settimeout(DEADLINE)
        first.finish()
        second.hello()
        second.says(b"got one\n")


def test_a_lab_that_leaves_still_gets_what_was_printed_until_then(
    start: Start, tmp_path: Path
) -> None:
    print_now, printed = fifos(tmp_path, "print-now", "printed")
    code = "import sys; open(sys.argv[1]); print('x' * 50000); open(sys.argv[2], 'w'); input()"
    terminal = start(*python(code), str(print_now), str(printed))
    with sat_down(terminal) as lab:
        terminal.process.send_signal(signal.SIGSTOP)
        print_now.write_text("")
        printed.read_text()
        lab.finish()
        terminal.process.send_signal(signal.SIGCONT)
        assert lab.hung_up()
        assert lab.stdout == b"x" * 50000 + b"\n"


@pytest.mark.parametrize(
    ("name", "status"), [("INT", -signal.SIGINT), ("TERM", -signal.SIGTERM), ("KILL", -9)]
)
def test_a_lab_sends_signals(start: Start, name: str, status: int) -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); print('ready'); input()"
    with sat_down(start(*python(code))) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.SIGNAL, name.encode())
        assert lab.exits() == 128 - status


def test_a_lab_lets_a_program_and_what_it_started_stand_still_and_go_on(start: Start) -> None:
    code = """
import subprocess, sys
relay = "for line in open(0): print('got', line, end='')"
subprocess.run([sys.executable, "-u", "-c", relay])
"""
    with sat_down(start(*python(code))) as lab:
        lab.send(Kind.INPUT, b"one\n")
        lab.says(b"got one\n")
        lab.send(Kind.SIGNAL, b"STOP")
        lab.send(Kind.INPUT, b"two\n")
        assert lab.silent()
        lab.send(Kind.SIGNAL, b"CONT")
        lab.says(b"got two\n")


def test_a_paused_program_can_be_killed(start: Start) -> None:
    with sat_down(start(*ECHO)) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.SIGNAL, b"STOP")
        lab.send(Kind.SIGNAL, b"KILL")
        assert lab.exits() == 137


def test_a_program_that_a_lab_left_paused_goes_on(start: Start) -> None:
    terminal = start(*ECHO)
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.SIGNAL, b"STOP")
        lab.send(Kind.INPUT, b"one\n")
    with sat_down(terminal) as lab:
        lab.says(b"got one\n")


def test_a_program_that_floods_waits_for_a_slow_lab_and_nothing_is_lost(
    start: Start, tmp_path: Path
) -> None:
    (waits,) = fifos(tmp_path, "waits")
    size = 4 * BACKLOG
    code = f"""
import os, select, sys
input()
os.set_blocking(1, False)
left = {size}
while left and select.select([], [1], [], 1)[1]:
    left -= os.write(1, bytes(4096))
open(sys.argv[1], "w").write(str(left))
os.set_blocking(1, True)
while left:
    left -= os.write(1, bytes(4096))
"""
    with sat_down(start(*python(code), str(waits))) as lab:
        lab.send(Kind.INPUT, b"go\n")
        assert int(waits.read_text()) > 0
        assert lab.exits() == 0
        assert len(lab.stdout) == size


def test_a_lab_that_types_more_than_is_read_waits_and_nothing_is_lost(
    start: Start, tmp_path: Path
) -> None:
    (read_now,) = fifos(tmp_path, "read-now")
    size = 4 * BACKLOG
    code = "import sys; open(sys.argv[1]); print(len(sys.stdin.buffer.read()))"
    with sat_down(start(*python(code), str(read_now))) as lab:
        left = memoryview(encode(Kind.INPUT, bytes(65536)) * (size // 65536))
        while left and select.select([], [lab.connection], [], 1)[1]:
            left = left[lab.connection.send(left[:4096]) :]
        assert left
        read_now.write_text("")
        lab.connection.sendall(left)
        lab.send(Kind.INPUT)
        assert lab.exits() == 0
        assert lab.stdout == f"{size}\n".encode()


def test_what_is_typed_for_a_program_that_reads_no_more_is_dropped(start: Start) -> None:
    with sat_down(
        start(*python("import os, signal; os.close(0); print('ready'); signal.pause()"))
    ) as lab:
        lab.says(b"ready\n")
        for _ in range(32):
            lab.send(Kind.INPUT, bytes(65536))
        lab.send(Kind.SIGNAL, b"KILL")
        assert lab.exits() == 137


def test_without_a_lab_a_program_never_waits_and_the_next_lab_is_told_what_is_gone(
    start: Start, tmp_path: Path
) -> None:
    (done,) = fifos(tmp_path, "done")
    size = 3 * BACKLOG
    code = f"import sys; print('x' * {size}, end=''); open(sys.argv[1], 'w')"
    terminal = start(*python(code), str(done))
    done.read_text()
    with sat_down(terminal) as lab:
        assert lab.exits() == 0  # the terminal has read all of it
    with terminal.lab() as lab:
        missed = lab.hello()["missed"]
        assert isinstance(missed, int)
        assert size - BACKLOG <= missed < size
        assert lab.exits() == 0
        assert len(lab.stdout) + missed == size


def test_a_lab_that_sends_nonsense_is_hung_up_on_and_the_program_goes_on(start: Start) -> None:
    terminal = start(*ECHO)
    for nonsense, complaint in [
        (HEADER.pack(77, 0), "a frame of the unknown kind 77"),
        (HEADER.pack(Kind.INPUT, 1 << 30), f"a frame of {1 << 30} bytes, more than 65536"),
        (HEADER.pack(Kind.EXIT, 0), "a frame EXIT that a lab does not send"),
        (HEADER.pack(Kind.SIGNAL, 3) + b"HUP", "a frame SIGNAL that a lab does not send"),
    ]:
        with sat_down(terminal) as lab:
            lab.connection.sendall(nonsense)
            assert lab.hung_up()
        assert terminal.printed()[1].endswith(f"terminal: hung up on the lab: {complaint}\n")
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")


def test_a_lab_that_vanishes_amid_a_flood_does_no_harm(start: Start) -> None:
    terminal = start(*python("input()\nwhile True: print('x' * 1000)"))
    with sat_down(terminal) as lab:
        lab.send(Kind.INPUT, b"go\n")
        lab.says(b"x")
    with terminal.lab() as lab:
        lab.hello()
        lab.send(Kind.SIGNAL, b"KILL")
        assert lab.exits() == 137
    assert terminal.terminated() == 0
    assert terminal.printed()[1] == ""


def test_nobody_needs_to_read_what_the_terminal_prints(start: Start) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    terminal = start(*ECHO, stdout=writer)
    os.close(writer)
    with sat_down(terminal) as lab:
        lab.says(b"ready\n")
        lab.send(Kind.INPUT, b"one\n")
        lab.says(b"got one\n")
    assert terminal.terminated() == 0
    assert terminal.printed() == ("", "")


def test_a_pseudo_terminal_is_one(start: Start) -> None:
    code = "import sys, os; print(all(map(os.isatty, range(3)))); print('got', input())"
    with sat_down(start(*python(code), pty=True)) as lab:
        lab.says(b"True\r\n")
        lab.send(Kind.INPUT, b"word\n")
        assert lab.exits() == 0
        assert lab.stdout == b"True\r\nword\r\ngot word\r\n"


def test_on_a_pseudo_terminal_an_interrupt_is_ctrl_c_and_the_end_of_input_ctrl_d(
    start: Start,
) -> None:
    code = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("ready")
signal.sigwait([signal.SIGINT])
print("interrupted")
try:
    input()
except EOFError:
    print("end")
"""
    with sat_down(start(*python(code), pty=True)) as lab:
        lab.says(b"ready\r\n")
        lab.send(Kind.SIGNAL, b"INT")
        lab.says(b"interrupted")
        lab.says(b"^C")
        lab.send(Kind.INPUT)
        assert lab.exits() == 0
        assert b"end\r\n" in lab.stdout


def test_all_that_was_printed_on_a_pseudo_terminal_is_told_before_the_exit(start: Start) -> None:
    with sat_down(start(*python("print('x' * 100000); exit(9)"), pty=True)) as lab:
        assert lab.exits() == 9
        assert lab.stdout == b"x" * 100000 + b"\r\n"
