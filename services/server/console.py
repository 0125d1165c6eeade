"""What the server prints."""

import threading
from typing import TextIO

from services.display import write_flushed


class Console:
    """The server's two streams: what it is documented to print, and diagnostics."""

    def __init__(self, out: TextIO, diagnostics: TextIO) -> None:
        """Write to the given streams."""
        self._out = out
        self._diagnostics = diagnostics
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        """Print a line of the transcript."""
        with self._lock:
            write_flushed(self._out, line + "\n")

    def complain(self, line: str) -> None:
        """Print a line that is for the operator."""
        with self._lock:
            write_flushed(self._diagnostics, f"server: {line}\n")
