"""Programs whose output nobody reads."""

import contextlib
import fcntl
import os
import re
import signal
import struct
import termios
import time
from collections.abc import Callable

import pytest

from tests.services.running import DEADLINE, ClientProgram, Program, ServerProgram
from tests.services.test_server_program import Line

PAGE = 4096


def narrow(program: Program) -> int:
    """Let the pipe of the program's output hold two pages; return its descriptor."""
    assert program.process.stdout
    descriptor = program.process.stdout.fileno()
    assert fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 2 * PAGE) == 2 * PAGE
    return descriptor


def wait_until_full(descriptor: int) -> None:
    deadline = time.monotonic() + DEADLINE
    held = 0
    while held <= PAGE:
        assert time.monotonic() < deadline, f"the pipe holds {held} bytes"
        (held,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))


def test_a_server_whose_output_nobody_reads_serves_on_and_tells_how_much_it_dropped(
    server: ServerProgram,
) -> None:
    output = narrow(server)
    with contextlib.ExitStack() as lines:
        for number in range(1, 121):
            line = lines.enter_context(contextlib.closing(Line(server.port)))
            assert line.log_in() == f"USER {number}"
        wait_until_full(output)
        assert os.read(output, 4 * PAGE).startswith(b"Accepted connection from ")
        lines.enter_context(contextlib.closing(Line(server.port))).log_in()

        assert re.fullmatch(
            r"server: nobody took the output: \d+ lines dropped\n", server.complaint()
        )
    assert os.read(output, 4 * PAGE).startswith(b"Accepted connection from ")


def test_a_server_whose_output_nobody_reads_ends_when_it_is_told_to(server: ServerProgram) -> None:
    output = narrow(server)
    with contextlib.ExitStack() as lines:
        for _ in range(120):
            lines.enter_context(contextlib.closing(Line(server.port))).log_in()
        wait_until_full(output)
        server.signal(signal.SIGTERM)

        assert server.process.wait(DEADLINE) == 0


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGINT])
def test_a_client_whose_output_nobody_reads_ends(
    start_client: Callable[..., ClientProgram], number: signal.Signals | None
) -> None:
    client = start_client()
    client.log_in()
    output = narrow(client)
    client.feed(b"what?\n" * 200)
    wait_until_full(output)
    if number:
        client.signal(number)

    assert client.process.wait(2 * DEADLINE) == 1
