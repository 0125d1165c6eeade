"""Who is where, as the server said; the server is asked about whom it has not named yet."""

import time
from collections.abc import Callable, Mapping

from services.client.inquiry import Inquiry
from services.values import Address

UNKNOWN_FOR = 1.0
"""Seconds for which an address that the server does not know is not asked about again."""
MAX_UNKNOWN = 64
"""Addresses that the server does not know; while there are as many it is asked about no other."""
_LIST = "the list"
MAX_TRUSTED = 1024
"""Addresses that have proved whose they are; of more, the oldest are forgotten."""
MAX_TRUSTED_EACH = 8
"""The same of one label: no peer pushes out those of others."""


class AddressBook:
    """Whose address is whose, as the server said; shared by the dialogue and the receive thread."""

    def __init__(
        self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Call `wake` when there is something for `take_question`; `clock` counts seconds."""
        self._clock = clock
        self._inquiry = Inquiry(wake)
        self._labels: dict[Address, str] = {}
        self._trusted: dict[Address, str] = {}
        self._unknown_until: dict[Address, float] = {}
        self._rests_until = 0.0

    def label_of(self, address: Address) -> str | None:
        """Return the label of an address, asking the server about one that is not known.

        Called by one thread only. Waits a second at most, and not at all while an earlier
        question is overdue: a silent server holds up one message, not each of them. Nor does it
        wait for as long after a question about a stranger as that has taken: many of them at a
        server that is far away hold up others for half of the time at most.
        """
        with self._inquiry.changed:
            asked = self._clock()
            if self._find(address) is None and self._may_ask_about(address, asked):
                self._inquiry.put(_LIST)
                if self._find(address) is None:
                    now = self._clock()
                    self._unknown_until[address] = now + UNKNOWN_FOR
                    self._rests_until = now + (now - asked)
            return self._find(address)

    def trust(self, label: str, address: Address) -> None:
        """Take an address for that of a label which has proved it; the list goes before that."""
        with self._inquiry.changed:
            # Another NAT may have given the address to another one: the last proof counts.
            self._trusted.pop(address, None)
            own = [known for known, whose in self._trusted.items() if whose == label]
            if len(own) >= MAX_TRUSTED_EACH:
                del self._trusted[own[0]]
            self._trusted[address] = label
            if len(self._trusted) > MAX_TRUSTED:
                del self._trusted[next(iter(self._trusted))]

    def knows(self, label: str) -> bool:
        """Return whether somebody with this label is on the list as it was last learnt."""
        with self._inquiry.changed:
            return label in self._labels.values()

    def take_question(self) -> bool:
        """Return whether the server is to be asked for the list, once per question."""
        return self._inquiry.take() is not None

    def learn(self, clients: Mapping[str, Address], *, looked_up: bool) -> None:
        """Replace what is known; `looked_up` if this answers the question that was taken."""
        with self._inquiry.changed:
            self._labels = {address: label for label, address in clients.items()}
            if looked_up:
                self._inquiry.answered(_LIST)

    def close(self) -> None:
        """Take that the server will not answer any more; what is known stays known."""
        self._inquiry.close()

    def forget(self) -> dict[Address, str]:
        """Forget whose address is whose, and return what was known of it."""
        with self._inquiry.changed:
            known = self._trusted | self._labels
            self._labels, self._trusted = {}, {}
            return known

    def reopen(self) -> None:
        """Take that there is a server again, which may give labels to others than before."""
        with self._inquiry.changed:
            self._trusted.clear()
        self._inquiry.reopen()

    def _find(self, address: Address) -> str | None:
        return self._labels.get(address) or self._trusted.get(address)

    def _may_ask_about(self, address: Address, now: float) -> bool:
        self._unknown_until = {
            unknown: until for unknown, until in self._unknown_until.items() if until > now
        }
        return (
            self._inquiry.possible
            and now >= self._rests_until
            and address not in self._unknown_until
            and len(self._unknown_until) < MAX_UNKNOWN
        )
