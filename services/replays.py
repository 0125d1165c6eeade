"""Which transactions of STUN have come already, and from where. No I/O."""

from services.values import Address

REMEMBERED = 32
"""Transactions of one username; of more, the oldest are forgotten."""


class Replays:
    """The last transactions of one username, whose requests carry the right integrity."""

    def __init__(self) -> None:
        """Start with none."""
        self._sources: dict[bytes, Address] = {}

    def is_one(self, transaction: bytes, source: Address) -> bool:
        """Return whether a request came from another address before; remember it if not.

        From the same address it may come again: its sender repeats what gets no answer.
        """
        known = self._sources.setdefault(transaction, source)
        if len(self._sources) > REMEMBERED:
            del self._sources[next(iter(self._sources))]
        return known != source
