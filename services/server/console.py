"""What the server prints."""

import threading
from collections import Counter
from typing import TextIO

from services.display import has_room, write_flushed

_PATIENCE = 3.0
"""Seconds for which the server waits until its output is read; then it goes on without."""


class Console:
    """The server's two streams: what it is documented to print, and diagnostics.

    Lines that nobody takes are dropped and counted: who serves must not wait for who reads.
    """

    def __init__(self, out: TextIO, diagnostics: TextIO) -> None:
        """Write to the given streams."""
        self._out = out
        self._diagnostics = diagnostics
        self._lock = threading.Lock()
        self._dropped: Counter[TextIO] = Counter()

    def say(self, line: str) -> None:
        """Print a line of the transcript."""
        with self._lock:
            self._print(self._out, line + "\n")

    def complain(self, line: str) -> None:
        """Print a line that is for the operator."""
        with self._lock:
            self._print(self._diagnostics, f"server: {line}\n")

    def _print(self, stream: TextIO, text: str) -> None:
        dropped = self._dropped[stream]
        # Once it has waited in vain it only looks.
        if not has_room(stream, 0.0 if dropped else _PATIENCE):
            self._dropped[stream] += 1
            return
        if dropped:
            del self._dropped[stream]
            why = f"server: nobody took the output: {dropped} lines dropped\n"
            self._print(self._diagnostics, why)
        write_flushed(stream, text, _PATIENCE)
