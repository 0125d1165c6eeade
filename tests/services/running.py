"""Programs of the chat system as processes, as a person at a terminal or a pipe sees them."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from services.settings import DEFAULT_PASSWORD

ROOT = Path(__file__).parents[2]
DEADLINE = 20.0
"""Seconds after which what was expected will not come any more, on a slow machine either."""
NEUTRAL = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_")}


def nothing_comes(connection: socket.socket, seconds: float) -> None:
    """Let so many seconds pass, in which the other end must say nothing."""
    assert not select.select([connection], [], [], seconds)[0]


def with_constant(program: str, module: str, name: str, value: float) -> str:
    """The code that runs a program in which one of its constants has another value."""
    return f"""
import runpy, {module}
{module}.{name} = {value}
runpy.run_module("{program}", run_name="__main__", alter_sys=True)
"""


PATIENT = with_constant("services.client", "services.client.inquiry", "TIMEOUT", DEADLINE)
"""A client that waits for the server to say who somebody is, however busy the machine."""


class Program:
    """One process and what it has printed so far; closing it ends it."""

    def __init__(
        self,
        module: str,
        *options: str,
        environ: Mapping[str, str] | None = None,
        tty: bool = False,
        code: str | None = None,
    ) -> None:
        self._terminal: int | None = None
        terminal_end: int = subprocess.PIPE
        if tty:
            self._terminal, terminal_end = pty.openpty()
        self.process = subprocess.Popen(
            # A terminal is that of its programs' session: only then Ctrl-C reaches them.
            [
                *(["setsid", "--ctty"] if tty else []),
                sys.executable,
                *(["-c", code] if code else ["-m", module]),
                *options,
            ],
            cwd=ROOT,
            env={**NEUTRAL, **(environ or {})},
            stdin=terminal_end,
            stdout=terminal_end,
            stderr=subprocess.PIPE,
        )
        if tty:
            os.close(terminal_end)
        self.printed = b""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        if self._terminal is not None:
            os.close(self._terminal)

    def type(self, text: str) -> None:
        self.feed(text.encode() + b"\n")

    def feed(self, data: bytes) -> None:
        if self._terminal is not None:
            os.write(self._terminal, data)
        else:
            stdin = self._pipe(self.process.stdin)
            stdin.write(data)
            stdin.flush()

    def echoes(self) -> bool:
        """Return whether the terminal shows what is typed."""
        assert self._terminal is not None
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def end_input(self) -> None:
        self._pipe(self.process.stdin).close()

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait until what was printed since the last match matches; return the match."""
        deadline = time.monotonic() + DEADLINE
        while True:
            text = self.printed[self._seen :].decode(errors="replace")
            if match := re.search(pattern, text):
                self._seen += len(text[: match.end()].encode())
                return match
            if not self._read(deadline):
                raise AssertionError(
                    f"{pattern!r} did not come; since the last match: {text!r}; "
                    f"stderr: {self._end()!r}"
                )

    def says(self, text: str) -> None:
        self.expect(re.escape(text))

    def complaint(self) -> str:
        """Wait for a line on stderr and return it."""
        stderr = self._pipe(self.process.stderr)
        assert select.select([stderr], [], [], DEADLINE)[0], "there is no complaint"
        return stderr.readline().decode()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self, status: int = 0) -> str:
        """Wait for the end with this status and no word on stderr; return all that was printed."""
        printed, complaints = self.ends_saying(status)
        assert complaints == ""
        return printed

    def ends_saying(self, status: int) -> tuple[str, str]:
        """Wait for the end with this status; return all of stdout and all of stderr."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        ended_with = self.process.wait(max(1.0, deadline - time.monotonic()))
        complaints = self._pipe(self.process.stderr).read().decode()
        assert ended_with == status, (self.printed, complaints)
        return self.printed.decode(), complaints

    def _read(self, deadline: float) -> bool:
        source = (
            self._pipe(self.process.stdout).fileno() if self._terminal is None else self._terminal
        )
        if not select.select([source], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(source, 65536)
        except OSError:  # a terminal whose program has ended
            data = b""
        self.printed += data
        return bool(data)

    def _end(self) -> bytes:
        self.process.kill()
        return self._pipe(self.process.stderr).read()

    @staticmethod
    def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
        assert stream
        return stream


class ServerProgram(Program):
    """A signalling server on a port that the system chose."""

    def __init__(self, *options: str, environ: Mapping[str, str] | None = None) -> None:
        super().__init__("services.server", "--port", "0", *options, environ=environ)
        self.port = int(self.expect(r"Server listening on 127\.0\.0\.1:(\d+)\n")[1])


class ClientProgram(Program):
    """A chat client of a server on this machine."""

    def __init__(
        self,
        port: int,
        *options: str,
        environ: Mapping[str, str] | None = None,
        tty: bool = False,
        patient: bool = True,
    ) -> None:
        super().__init__(
            "services.client",
            "--port",
            str(port),
            *options,
            environ=environ,
            tty=tty,
            code=PATIENT if patient else None,
        )

    def log_in(self, username: str = "U1", password: str = DEFAULT_PASSWORD) -> None:
        self.says("Enter your username: ")
        self.type(username)
        self.says("Enter your password: ")
        self.type(password)
        self.says("Authentication successful!")
        self.says("LIST AVAILABLE CLIENTS: Y/N\n")

    def say(self, text: str, *labels: str) -> None:
        """Send a message from the list prompt to the labels."""
        self.type("N")
        self.says("Enter number of recipients: ")
        self.type(str(len(labels)))
        for label in labels:
            self.says("Enter recipient's username: ")
            self.type(label)
        self.says("Enter message to send: ")
        self.type(text)
        self.says("LIST AVAILABLE CLIENTS: Y/N\n")

    def address(self) -> tuple[str, int]:
        """Ask for the list and return this client's own address, the last in it."""
        self.type("Y")
        found = self.expect(r"Available clients are: \{.*\('([0-9.]+)', (\d+)\)\}\n")
        self.says("Enter number of recipients: ")
        return found[1], int(found[2])
