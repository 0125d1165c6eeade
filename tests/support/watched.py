"""Programs of the chat system under attack: every line they print is judged, few are kept."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final, Self

from services.settings import DEFAULT_PASSWORD
from tests.services.running import DEADLINE, NEUTRAL, ROOT
from tests.support.figures import GROWTH, MEGABYTE, Figure, exactly, none

_KEPT: Final = 20
"""Lines that are kept of the first ones, and of the strange ones; all are counted."""
_LINGER: Final = 60.0
"""Seconds that a program which is told to end may take on a busy machine."""
_PATIENCE: Final = "60"
"""Seconds of silence that do not matter: attacker and attacked may share a busy machine."""

SERVER_LINES: Final = re.compile(
    r"Server listening on 127\.0\.0\.1:\d+"
    r"|(Accepted connection from|Authentication successful for) \('127\.[0-9.]+', \d+\)"
)
SERVER_COMPLAINTS: Final = re.compile(
    r"server: dropped \('127\.[0-9.]+', \d+\), which "
    r"(did not log in in time|does not read its answers|was silent for [0-9.]+ s"
    r"|speaks TLS, which is not spoken here)"
    r"|server: too many connections: \d+ refused"
)
_PLAIN: Final = (
    r"[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]*"
)
"""What can neither steer a terminal nor hide."""
PLAIN_LINES: Final = re.compile(_PLAIN)
CLIENT_LINES: Final = re.compile(
    r"Enter your username: Enter your password: Authentication successful!"
    r"|LIST AVAILABLE CLIENTS: Y/N"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
    rf"(Received message from (USER \d+|127\.[0-9.]+): {_PLAIN}"
    r"|Audio (from USER \d+ (begins|is a call|ended)|to USER \d+ ended|refused: \d+ datagrams?)"
    rf"{_PLAIN})"
    r"|Suspicious datagrams: (\d+ (oversized|damaged|replayed|spoofed|unreadable|forged)(, )?)+\."
)
"""Those of a client that is told nothing but its name, and hears."""
_NOTHING: Final = re.compile(r"(?!)")


class _Stream:
    """Reads one output to its end in a thread; judges each line, counts, lets nothing pile up."""

    def __init__(self, descriptor: int, allowed: re.Pattern[str]) -> None:
        self.lines = 0
        self.head: list[bytes] = []
        self.strange: list[bytes] = []
        self._allowed = allowed
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._awaited: dict[bytes, threading.Event] = {}
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def awaiting(self, text: bytes) -> threading.Event:
        """Give what is set once a line with this text comes, or was among the first ones."""
        with self._lock:
            event = self._awaited.setdefault(text, threading.Event())
            if any(text in line for line in self.head):
                event.set()
            return event

    def forget(self, text: bytes) -> None:
        """Look for this text no longer."""
        with self._lock:
            del self._awaited[text]

    def _run(self) -> None:
        rest = b""
        while data := os.read(self._descriptor, 1 << 18):
            *complete, rest = (rest + data).split(b"\n")
            with self._lock:
                for line in complete:
                    self._judge(line)
        if rest:
            self._judge(rest)

    def _judge(self, line: bytes) -> None:
        self.lines += 1
        if len(self.head) < _KEPT:
            self.head.append(line)
        for text, event in self._awaited.items():
            if text in line:
                event.set()
        if len(self.strange) < _KEPT and not self._is_allowed(line):
            self.strange.append(line[:200])

    def _is_allowed(self, line: bytes) -> bool:
        try:
            return self._allowed.fullmatch(line.decode()) is not None
        except UnicodeDecodeError:
            return False


class Watched:
    """One process; closing it ends it.

    Attributes:
        out: what it prints on standard output.
        complaints: what it prints on standard error.
    """

    def __init__(
        self,
        module: str,
        *options: str,
        allowed: re.Pattern[str],
        complaints: re.Pattern[str] = _NOTHING,
        typed: str = "",
    ) -> None:
        """Start a program, and type what it will be asked for."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *options],
            cwd=ROOT,
            env=NEUTRAL,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.name = module.rpartition(".")[2]
        self._settled = 0
        keyboard, out, err = self._process.stdin, self._process.stdout, self._process.stderr
        assert keyboard
        assert out
        assert err
        self.out = _Stream(out.fileno(), allowed)
        self.complaints = _Stream(err.fileno(), complaints)
        keyboard.write(typed.encode())
        keyboard.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._finish()

    def wait_for(self, text: str) -> None:
        """Wait until a line with this text has come, be it among the first ones; else end."""
        if not self.out.awaiting(text.encode()).wait(DEADLINE):
            self._process.kill()
            self._finish()
            raise AssertionError(f"{self.name} did not say {text!r}: {self.complaints.head}")

    def memory(self) -> float:
        """Return the megabytes that the process has in memory."""
        return self._memory("VmRSS") / MEGABYTE

    def settle(self) -> None:
        """Take the memory that the process has now for what it needs in peace."""
        self._settled = self._memory("VmRSS")

    def growth(self, most: float | None = GROWTH) -> Figure:
        """Return by how much the process grew since then, at the worst moment."""
        grown = (self._memory("VmHWM") - self._settled) / MEGABYTE
        return Figure(f"{self.name}: growth of memory, MB", round(grown, 1), most=most)

    def end(self) -> list[Figure]:
        """Tell the process to end, and return how it did."""
        lived = self._process.poll() is None
        self._process.send_signal(signal.SIGTERM)
        status = self._finish()
        return [
            exactly(f"{self.name}: alive until told to end", int(lived), 1),
            exactly(f"{self.name}: exit status", status, 0),
            none(f"{self.name}: lines that it has no business to print", self.out.strange),
            none(f"{self.name}: tracebacks and the like", self.complaints.strange),
        ]

    def _finish(self) -> int:
        status = self._process.wait(_LINGER)
        for stream in (self.out, self.complaints):
            stream.thread.join(DEADLINE)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe and not pipe.closed:
                pipe.close()
        return status

    def _memory(self, field: str) -> int:
        """Return the bytes that a field of the kernel's account says in kilobytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE)
        assert found, status
        return int(found[1]) * 1024


class WatchedServer(Watched):
    """A server on a port that the system chose."""

    def __init__(self, *options: str) -> None:
        super().__init__(
            "services.server",
            *("--port", "0", "--pong-within", _PATIENCE, *options),
            allowed=SERVER_LINES,
            complaints=SERVER_COMPLAINTS,
        )
        self.wait_for("Server listening on ")
        self.port = int(self.out.head[0].rpartition(b":")[2])


class WatchedClient(Watched):
    """A client that logs in, and then stands at its first question, or is told more."""

    def __init__(
        self,
        port: int,
        *options: str,
        allowed: re.Pattern[str] = CLIENT_LINES,
        more: str = "",
    ) -> None:
        super().__init__(
            "services.client",
            *("--port", str(port), "--server-silence", _PATIENCE, *options),
            allowed=allowed,
            typed=f"Mzi\n{DEFAULT_PASSWORD}\n{more}",
        )
