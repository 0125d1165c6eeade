"""What a person types: lines from standard input, with the echo off while it is a password."""

import contextlib
import os
import termios
from typing import Any

from services.lines import LineReader
from services.values import ProtocolError

_READ_SIZE = 4096


class Keyboard:
    """Standard input, be it a terminal, a pipe or a file.

    Its bytes are read as they come, so that `select` tells the truth about what is left.
    """

    def __init__(self, descriptor: int) -> None:
        """Read from an open descriptor, which stays open."""
        self._descriptor = descriptor
        self._lines = LineReader()
        self._modes: list[Any] | None = None
        self._hidden = False
        if os.isatty(descriptor):
            with contextlib.suppress(termios.error):
                self._modes = termios.tcgetattr(descriptor)

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self._descriptor

    def read(self) -> list[str | ProtocolError | None]:
        """Return the lines that can be read now, and None for the end of input."""
        try:
            data = os.read(self._descriptor, _READ_SIZE)
        except BlockingIOError:
            return []
        except OSError:
            # The terminal has been hung up.
            data = b""
        return [*self._lines.feed(data)] if data else [*self._lines.finish(), None]

    def hide(self, *, hidden: bool) -> None:
        """Stop or resume the terminal's echo; what was typed ahead is kept.

        The line end is shown in any case, so the next output starts on a line of its own.
        """
        if self._modes is None or hidden is self._hidden:
            return
        modes = self._modes.copy()
        if hidden:
            modes[3] = modes[3] & ~termios.ECHO | termios.ECHONL
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)
            self._hidden = hidden
