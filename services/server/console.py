"""What the server prints."""

import contextlib
import os
import select
import stat
import threading
import weakref
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
        self._ready = {stream: _ready_descriptor(stream) for stream in (out, diagnostics)}
        for descriptor in filter(None, self._ready.values()):
            weakref.finalize(self, os.close, descriptor)

    def say(self, line: str) -> None:
        """Print a line of the transcript."""
        self._print(self._out, line + "\n")

    def complain(self, line: str) -> None:
        """Print a line that is for the operator."""
        self._print(self._diagnostics, f"server: {line}\n")

    def _print(self, stream: TextIO, text: str) -> None:
        # Without the lock: threads that serve would queue for it.
        if not self._dropped[stream] and self._print_at_once(stream, text):
            return
        with self._lock:
            self._print_patiently(stream, text)

    def _print_patiently(self, stream: TextIO, text: str) -> None:
        dropped = self._dropped[stream]
        # Once it has waited in vain it only looks.
        if not has_room(stream, 0.0 if dropped else _PATIENCE):
            self._dropped[stream] += 1
            return
        if dropped:
            del self._dropped[stream]
            why = f"server: nobody took the output: {dropped} lines dropped\n"
            self._print_patiently(self._diagnostics, why)
        write_flushed(stream, text, _PATIENCE)

    def _print_at_once(self, stream: TextIO, text: str) -> bool:
        """Write a line without waiting; return False, having written nothing, if that cannot be."""
        descriptor = self._ready[stream]
        line = text.encode(stream.encoding or "utf-8", stream.errors or "strict")
        # A pipe takes as much as that whole or not at all (pipe(7)).
        if descriptor is None or len(line) > select.PIPE_BUF:
            return False
        with contextlib.suppress(OSError):
            return os.write(descriptor, line) == len(line)
        return False


def _ready_descriptor(stream: TextIO) -> int | None:
    """Return a descriptor to write to without asking first whether there is room.

    That of a pipe is one of this program's own: the given one may be shared, and has to stay as it
    is. None where there is no such descriptor; a terminal may take a part of a line.
    """
    try:
        given = stream.fileno()
        mode = os.fstat(given).st_mode
        if stat.S_ISREG(mode):
            return os.dup(given)
        if stat.S_ISFIFO(mode):
            return os.open(f"/dev/fd/{given}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # In memory, closed, or somebody else's.
        pass
    return None
