"""The connection to the lab that sits at the terminal."""

import socket
from typing import Final

from services.terminal.frames import Decoder, Frame

_CHUNK: Final = 64 * 1024


class LabConnection:
    """Frames to and from one lab. Nothing here ever waits.

    Attributes:
        finished: no more is sent to the lab than what is unsent, and nothing is heard from it.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        self.finished = False
        self._connection = connection
        self._decoder = Decoder()
        self._outgoing = bytearray()

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self._connection.fileno()

    @property
    def unsent(self) -> int:
        """Bytes that the lab has not taken yet."""
        return len(self._outgoing)

    def send(self, frames: bytes) -> None:
        """Send frames, now or when the lab takes them (`flush`)."""
        if not self.finished:
            self._outgoing += frames
            self.flush()

    def flush(self) -> None:
        """Send what is unsent, as much as the lab takes now."""
        try:
            while self._outgoing:
                del self._outgoing[: self._connection.send(self._outgoing)]
        except BlockingIOError:
            return
        except OSError:  # it is gone
            self._outgoing.clear()
            self.finished = True

    def receive(self) -> list[Frame] | None:
        """Return the frames that have come, None where the lab has hung up.

        Raises:
            FrameError: the lab sent something that is no frame.
        """
        try:
            data = self._connection.recv(_CHUNK)
        except BlockingIOError:
            return []
        except OSError:  # it is gone
            return None
        return list(self._decoder.feed(data)) if data else None

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
