"""The only place of the client that prints; several threads may call it."""

import socket
import threading
from typing import TextIO

from services.display import write_flushed


class Screen:
    """A terminal or a pipe that shows lines, and a prompt that may be open below them."""

    def __init__(
        self,
        out: TextIO,
        diagnostics: TextIO,
        *,
        trace: bool,
        stop: socket.socket | None = None,
    ) -> None:
        """Print on `out`, and with `trace` one line per datagram on `diagnostics`.

        Once `stop` is readable nothing waits any longer for somebody to read.
        """
        self._out = out
        self._diagnostics = diagnostics
        self._stop = stop
        self._trace = trace
        self._lock = threading.Lock()
        self._prompt = ""
        self.broken = False
        """Whether nobody can or does read the output any more; it is then dropped."""

    def ask(self, prompt: str) -> None:
        """Print a prompt; unless it ends its own line it stays open until it is answered."""
        with self._lock:
            self._prompt = "" if prompt.endswith("\n") else prompt
            self._write(prompt)

    def answered(self) -> None:
        """Take that the open prompt got its line; a terminal has shown the line end itself."""
        with self._lock:
            self._prompt = ""

    def show(self, line: str) -> None:
        """Print a line; an open prompt is interrupted and printed again below."""
        with self._lock:
            interruption = "\n" if self._prompt else ""
            self._write(f"{interruption}{line}\n{self._prompt}")

    def leave(self) -> None:
        """End the line of a prompt that will not be answered."""
        with self._lock:
            if self._prompt:
                self._prompt = ""
                self._write("\n")

    def trace(self, line: str) -> None:
        """Print a line about a datagram if that is wanted."""
        if self._trace:
            with self._lock:
                write_flushed(self._diagnostics, f"trace: {line}\n", stop=self._stop)

    def _write(self, text: str) -> None:
        if not write_flushed(self._out, text, stop=self._stop):
            self.broken = True
