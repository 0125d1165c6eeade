"""Programs under `services.terminal`, and the lab's end of their sockets."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from services.terminal.frames import Decoder, Frame, Kind, encode
from tests.services.running import DEADLINE, NEUTRAL, ROOT, with_constant


def python(code: str) -> tuple[str, ...]:
    """The command that runs this code."""
    return sys.executable, "-u", "-c", code


PATIENT = with_constant("services.terminal", "services.terminal.terminal", "GRACE", DEADLINE / 2)
"""A terminal that waits for the end of its program, however busy the machine."""
ECHO = python("print('ready')\nfor line in open(0): print('got', line, end='')\nprint('end')")
"""A program that says when it is ready, repeats its input, and says where that ends."""


class RunningTerminal:
    """A terminal as a process; closing it ends it."""

    def __init__(
        self,
        path: Path,
        *command: str,
        pty: bool = False,
        environ: Mapping[str, str] | None = None,
        stdout: int | None = None,
        patient: bool = True,
    ) -> None:
        self.path = path
        self._stdout = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the terminal
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        start = ["-c", PATIENT] if patient else ["-m", "services.terminal"]
        options = ["--socket", str(path), *(["--pty"] if pty else [])]
        self.process = subprocess.Popen(
            [sys.executable, *start, *options, "--", *command],
            cwd=ROOT,
            env={**NEUTRAL, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._stdout if stdout is None else stdout,
            stderr=self._stderr,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE)
        self._stdout.close()
        self._stderr.close()

    def lab(self) -> "LabEnd":
        """Connect as a lab, once the socket is there."""
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                return LabEnd(self.path)
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < deadline
                assert self.process.poll() is None, self.printed()
                select.select([], [], [], 0.02)

    def terminated(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def printed(self) -> tuple[str, str]:
        """What is on its own standard streams so far."""
        self._stdout.seek(0)
        self._stderr.seek(0)
        return self._stdout.read().decode(), self._stderr.read().decode()


class LabEnd:
    """The lab's end of a connection to a terminal."""

    def __init__(self, path: Path) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        try:
            self.connection.settimeout(DEADLINE)
            self.connection.connect(str(path))
        except OSError:
            self.connection.close()
            raise
        self._frames = self._read()
        self.stdout = self.stderr = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def _read(self) -> Iterator[Frame]:
        decoder = Decoder()
        while data := self.connection.recv(65536):
            yield from decoder.feed(data)

    def hello(self) -> dict[str, object]:
        """Read the first frame."""
        frame = next(self._frames)
        assert frame.kind is Kind.HELLO
        greeting = json.loads(frame.payload)
        assert isinstance(greeting, dict)
        return greeting

    def says(self, text: bytes) -> None:
        """Read until standard output has the text in it."""
        while text not in self.stdout:
            assert self._take() is None, (self.stdout, self.stderr)

    def silent(self) -> bool:
        """Wait a moment for output; True if none came."""
        return not select.select([self.connection], [], [], 0.3)[0]

    def exits(self) -> int:
        """Read until the program has ended and return its exit status."""
        while True:
            if (status := self._take()) is not None:
                return status

    def hung_up(self) -> bool:
        """Read until the terminal hangs up; True if it did before the program ended."""
        while (frame := next(self._frames, None)) is not None:
            if frame.kind is Kind.EXIT:
                return False
            self._keep(frame)
        return True

    def _take(self) -> int | None:
        frame = next(self._frames)
        if frame.kind is Kind.EXIT:
            return int(frame.payload)
        self._keep(frame)
        return None

    def _keep(self, frame: Frame) -> None:
        if frame.kind is Kind.STDOUT:
            self.stdout += frame.payload
        elif frame.kind is Kind.STDERR:
            self.stderr += frame.payload

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        self.connection.sendall(encode(kind, payload))

    def finish(self) -> None:
        """Send no more."""
        self.connection.shutdown(socket.SHUT_WR)


def sat_down(terminal: RunningTerminal) -> LabEnd:
    """Connect as a lab and read the first frame."""
    lab = terminal.lab()
    lab.hello()
    return lab


def fifos(directory: Path, *names: str) -> list[Path]:
    """Named pipes: opening one for reading waits until another process opens it for writing."""
    paths = [directory / name for name in names]
    for path in paths:
        os.mkfifo(path)
    return paths


Start = Callable[..., RunningTerminal]
"""The fixture that starts a terminal of a command, with the options of RunningTerminal."""
