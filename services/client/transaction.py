"""A request of STUN that is sent again, with pauses that grow, until it is answered. No I/O."""

from collections.abc import Iterable

from services.values import Address


class Transaction:
    """One request to one address, see RFC 8489 section 6.2.1."""

    def __init__(
        self, number: bytes, data: bytes, to: Address, pauses: Iterable[float], now: float
    ) -> None:
        """Send for the first time now, and again after each of the pauses, in seconds.

        After the last of these it is given up.
        """
        self.number = number
        self.to = to
        self.due: float | None = now
        """When there is something to do; None if it is over."""
        self._data = data
        self._pauses = iter(pauses)

    def take_due(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what is to be sent, if it is time."""
        if self.due is None or now < self.due:
            return []
        pause = next(self._pauses, None)
        # From now on, not from when it was due: who stood still must not send all at once.
        self.due = None if pause is None else now + pause
        return [(self._data, self.to)]

    def end(self) -> None:
        """Send no more."""
        self.due = None
