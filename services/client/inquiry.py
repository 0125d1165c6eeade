"""What the receive thread asks the server about, by way of the main thread."""

import threading
from collections.abc import Callable

TIMEOUT = 1.0
"""Seconds that a datagram waits for the server to say what has to be known of its sender."""
_SLICES = 10


class Inquiry:
    """One question at a time, and a wait for its answer that has an end.

    All but `take`, `close` and `reopen` are called while `changed` is held.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """Call `wake` when there is something for `take`."""
        self.changed = threading.Condition()
        self._wake = wake
        self._unasked: str | None = None
        self._unanswered: str | None = None
        self._closed = False

    @property
    def possible(self) -> bool:
        """Whether there is a server to ask, and no earlier question that it owes an answer to."""
        return not self._closed and self._unanswered is None

    def put(self, question: str) -> None:
        """Ask, and wait for `answered`, at most `TIMEOUT`: a silent server holds up one only."""
        self._unasked = self._unanswered = question
        self._wake()
        # In slices: while the program stands still, no more than one of them passes.
        for _ in range(_SLICES):
            if self.changed.wait_for(
                lambda: self._closed or self._unanswered is None, TIMEOUT / _SLICES
            ):
                return

    def answered(self, question: str) -> None:
        """Take that there is an answer, be it to this question or to another's."""
        if question == self._unanswered:
            self._unanswered = None
            self.changed.notify_all()

    def take(self) -> str | None:
        """Return what the server is to be asked, once per question."""
        with self.changed:
            taken, self._unasked = self._unasked, None
            return taken

    def close(self) -> None:
        """Take that the server will not answer any more."""
        with self.changed:
            self._closed = True
            self._unasked = self._unanswered = None
            self.changed.notify_all()

    def reopen(self) -> None:
        """Take that there is a server again."""
        with self.changed:
            self._closed = False
