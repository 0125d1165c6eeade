"""What a program has printed so far, kept for a lab that comes later. No I/O."""

from collections import deque

from services.terminal.frames import HEADER


class Backlog:
    """The newest frames of a program's output, up to a limit in bytes.

    Attributes:
        missed: bytes of output that had to go.
    """

    def __init__(self, limit: int) -> None:
        self.missed = 0
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self._size = 0

    def add(self, frame: bytes) -> None:
        """Keep a frame; the oldest go where there is no room for all."""
        self._frames.append(frame)
        self._size += len(frame)
        while self._size > self._limit:
            oldest = self._frames.popleft()
            self._size -= len(oldest)
            self.missed += len(oldest) - HEADER.size

    def replay(self) -> bytes:
        """Return the frames kept, in order."""
        return b"".join(self._frames)
