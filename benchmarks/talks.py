"""Messages from one client to others: real clients, and as little code as sends and shows.

Every client is a process. All those who receive print into one pipe, whole lines at a time, so that
reading it costs next to nothing; it is read to see that every message has arrived everywhere.
"""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Self

from benchmarks.callers import Pace
from benchmarks.loopback import HERE, Server
from benchmarks.played import PROGRAMS, ROOT
from peerlab.errors import LabError
from services.datagram import ChatMessage, format_datagram

_UNDER_WAY = 8
"""Messages that are typed before the first has arrived: few enough for every buffer."""
_WITHIN = 60.0
_TEXT = "HELLO"
_LOGIN = b"U\nCSC3@A1\n"
_PEER = [sys.executable, "-I", "-S", str(PROGRAMS / "bare_peer.py")]


class Shown:
    """What all receivers print."""

    def __init__(self, source: int) -> None:
        self._source = source

    def read(self) -> bytes:
        """What has come, once something has.

        Raises:
            LabError: nothing comes.
        """
        if not select.select([self._source], [], [], _WITHIN)[0]:
            raise LabError("a message between clients was lost")
        return os.read(self._source, 65536)

    def lines(self, count: int) -> list[bytes]:
        """The next lines, so many."""
        text = b""
        while text.count(b"\n") < count:
            text += self.read()
        return text.splitlines()


@dataclass(frozen=True, slots=True)
class Talk:
    """Somebody who sends, and those who receive.

    Attributes:
        sender: where it is typed.
        order: what is typed to send one message to everybody.
        shown: what the receivers print, one line for each message.
        receivers: how many they are.
    """

    sender: IO[bytes]
    order: bytes
    shown: Shown
    receivers: int

    def pace(self, seconds: float) -> Pace:
        """Have messages typed for so many seconds, one at least, until all have arrived."""
        typed = lines = 0
        began = now = time.perf_counter()
        while lines < typed * self.receivers or now - began < seconds or not typed:
            while typed * self.receivers < lines + self._most and (
                now - began < seconds or not typed
            ):
                self.sender.write(self.order)
                typed += 1
            lines += self.shown.read().count(b"\n")
            now = time.perf_counter()
        return Pace(typed, now - began)

    @property
    def _most(self) -> int:
        return _UNDER_WAY * self.receivers


class _People:
    """Processes that are killed in the end, and the pipe of those who receive."""

    def __init__(self) -> None:
        self._processes = ExitStack()
        source, self._sink = os.pipe()
        for end in (source, self._sink):
            self._processes.callback(os.close, end)
        self.shown = Shown(source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.close()

    def receives(self, *command: str, environ: Mapping[str, str]) -> IO[bytes]:
        """Start one who receives; what is typed at it goes into what is returned."""
        return self._start(command, self._sink, environ)

    def sends(self, *command: str, environ: Mapping[str, str]) -> IO[bytes]:
        """Start one who sends, and whose own output nobody reads."""
        return self._start(command, subprocess.DEVNULL, environ)

    def _start(self, command: Sequence[str], output: int, environ: Mapping[str, str]) -> IO[bytes]:
        process = self._processes.enter_context(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environ},
                stdin=subprocess.PIPE,
                stdout=output,
                bufsize=0,
            )
        )
        self._processes.callback(process.kill)
        if process.stdin is None:
            raise LabError("a program without an input was asked for")
        return process.stdin


@contextmanager
def between_clients(server: Server, receivers: int) -> Iterator[Talk]:
    """Chat clients that have logged in at a server, where nobody else has ever been."""
    client = (sys.executable, "-m", "services.client")
    environ = {"CHAT_HOST": HERE, "CHAT_PORT": str(server.port)}
    with _People() as people:
        for _ in range(receivers):
            people.receives(*client, environ=environ).write(_LOGIN)
        people.shown.lines(2 * receivers)  # that the password is right, and the first question
        sender = people.sends(*client, environ=environ)
        sender.write(_LOGIN)
        labels = "".join(f"USER {number}\n" for number in range(1, receivers + 1))
        order = f"N\n{receivers}\n{labels}{_TEXT}\n".encode()
        yield _acquainted(Talk(sender, order, people.shown, receivers))


@contextmanager
def between_bare_peers(receivers: int) -> Iterator[Talk]:
    """Bare programs: datagrams and lines as long, but nothing is asked and nothing looked at."""
    message = ChatMessage("9f86d081884c7d65", f"USER {receivers + 1}", 1795365840.25, _TEXT)
    line = f"2026-11-27 12:00:00 Received message from {message.sender}: {_TEXT}"
    with _People() as people:
        for _ in range(receivers):
            people.receives(*_PEER, "shows", line, environ={})
        ports = [port.decode() for port in people.shown.lines(receivers)]
        datagram = format_datagram(message).decode()
        sender = people.sends(*_PEER, "sends", datagram, *ports, environ={})
        yield _acquainted(Talk(sender, b"\n", people.shown, receivers))


def _acquainted(talk: Talk) -> Talk:
    """Have a first message arrive: clients ask the server whose it is."""
    talk.pace(0.0)
    return talk
