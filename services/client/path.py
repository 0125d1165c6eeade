"""A way to a peer that was found: it is checked now and then, which also keeps it open. No I/O."""

from collections.abc import Callable

from services.punch import Hole
from services.stun import TRANSACTION, Kind, Message, claim, format_stun
from services.values import Address

MISSED = 3
"""Checks without an answer after which a path is of no use any more (after RFC 7675)."""
KEPT_FOR = 300.0
"""Seconds for which a path is kept open that is not used."""


class Path:
    """Where a peer has answered."""

    def __init__(self, hole: Hole, address: Address, now: float) -> None:
        """Take the credentials and the address of a check that was answered now."""
        self.address = address
        self.used = now
        self.checked = now
        self._hole = hole
        self._number = b""
        self._missed = 0

    def is_over(self, now: float) -> bool:
        """Return whether it was not used for long, or leads nowhere any more."""
        return now - self.used >= KEPT_FOR or self._missed >= MISSED

    def check(self, random: Callable[[int], bytes], now: float) -> tuple[bytes, Address]:
        """Return a check and where to send it."""
        self.checked = now
        self._missed += 1
        self._number = random(TRANSACTION)
        credentials = [claim(self._hole.sent_as)]
        key = self._hole.password.encode()
        return format_stun(Kind.REQUEST, self._number, credentials, key=key), self.address

    def take(self, message: Message, source: Address) -> bool:
        """Take an answer; return whether it is to the last check."""
        if message.transaction != self._number or source != self.address:
            return False
        if not message.is_signed_by(self._hole.password.encode()):
            return False
        self._missed = 0
        return True
