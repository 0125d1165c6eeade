"""Who is where, as the server said; the server is asked about whom it has not named yet."""

import threading
import time
from collections.abc import Callable, Mapping

from services.values import Address

LOOK_UP_TIMEOUT = 1.0
"""Seconds that a message from an unknown address waits for the server to say whose it is."""
UNKNOWN_FOR = 1.0
"""Seconds for which an address that the server does not know is not asked about again."""
MAX_UNKNOWN = 64
"""Addresses that the server does not know; while there are as many it is asked about no other."""
_SLICES = 10


class AddressBook:
    """Whose address is whose, as the server said; shared by the dialogue and the receive thread."""

    def __init__(
        self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Call `wake` when there is something for `take_question`; `clock` counts seconds."""
        self._wake = wake
        self._clock = clock
        self._changed = threading.Condition()
        self._labels: dict[Address, str] = {}
        self._unknown_until: dict[Address, float] = {}
        self._unasked = False
        self._unanswered = False
        self._closed = False

    def label_of(self, address: Address) -> str | None:
        """Return the label of an address, asking the server about one that is not known.

        Called by one thread only. Waits at most `LOOK_UP_TIMEOUT`, and not at all while an
        earlier question is overdue: a silent server holds up one message, not each of them.
        """
        with self._changed:
            if address not in self._labels and self._may_ask_about(address):
                self._unasked = self._unanswered = True
                self._wake()
                self._await_answer()
                if address not in self._labels:
                    self._unknown_until[address] = self._clock() + UNKNOWN_FOR
            return self._labels.get(address)

    def knows(self, label: str) -> bool:
        """Return whether somebody with this label is on the list as it was last learnt."""
        with self._changed:
            return label in self._labels.values()

    def take_question(self) -> bool:
        """Return whether the server is to be asked for the list, once per question."""
        with self._changed:
            taken, self._unasked = self._unasked, False
            return taken

    def learn(self, clients: Mapping[str, Address], *, looked_up: bool) -> None:
        """Replace what is known; `looked_up` if this answers the question that was taken."""
        with self._changed:
            self._labels = {address: label for label, address in clients.items()}
            if looked_up:
                self._unanswered = False
                self._changed.notify_all()

    def close(self) -> None:
        """Take that the server will not answer any more; what is known stays known."""
        with self._changed:
            self._closed = True
            self._unasked = self._unanswered = False
            self._changed.notify_all()

    def reopen(self) -> None:
        """Take that there is a server again."""
        with self._changed:
            self._closed = False

    def _await_answer(self) -> None:
        # In slices: while the program stands still, no more than one of them passes.
        for _ in range(_SLICES):
            if self._changed.wait_for(
                lambda: self._closed or not self._unanswered, LOOK_UP_TIMEOUT / _SLICES
            ):
                return

    def _may_ask_about(self, address: Address) -> bool:
        now = self._clock()
        self._unknown_until = {
            unknown: until for unknown, until in self._unknown_until.items() if until > now
        }
        return (
            not self._closed
            and not self._unanswered
            and address not in self._unknown_until
            and len(self._unknown_until) < MAX_UNKNOWN
        )
