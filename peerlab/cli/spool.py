"""Output that waits for its reader, so that nobody else has to: a terminal may stand still."""

import io
import threading
from collections import deque
from contextlib import suppress
from typing import Final, Self, TextIO

MOST_WAITING: Final = 1024 * 1024
"""Characters that wait; then the oldest are dropped."""


class Spool(io.TextIOBase):
    """A text file whose writers never wait. What it could not keep, it counts. Safe for threads."""

    def __init__(self, file: TextIO, most: int = MOST_WAITING) -> None:
        """Write to a file, with at most so many characters waiting for it."""
        self._file = file
        self._most = most
        self._waiting: deque[str] = deque()
        self._size = 0
        self._dropped = 0
        self._over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._empty, name="spool", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def write(self, text: str) -> int:
        """Take in text: one or several whole lines."""
        with self._changed:
            self._waiting.append(text)
            self._size += len(text)
            while self._size > self._most:
                oldest = self._waiting.popleft()
                self._size -= len(oldest)
                self._dropped += oldest.count("\n")
            self._changed.notify()
        return len(text)

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._file.isatty()

    def finish(self) -> None:
        """Wait until everything is written that waits. What is written later is lost."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def _empty(self) -> None:
        # A file that takes no more, as a closed terminal, is nobody's loss.
        with suppress(OSError):
            while text := self._next():
                encoding = self._file.encoding or "utf-8"
                self._file.write(text.encode(encoding, "backslashreplace").decode(encoding))
                self._file.flush()

    def _next(self) -> str:
        """What is to be written next; empty: it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._dropped or self._over)
            if self._dropped:
                count, self._dropped = self._dropped, 0
                return f"({count} lines are not shown: this terminal was not read)\n"
            if not self._waiting:
                return ""
            text = self._waiting.popleft()
            self._size -= len(text)
            return text
