"""Punching holes to one peer: checks to all of its addresses until one answers. No I/O.

Like the connectivity checks of ICE (RFC 8445), with less: both sides check by themselves, and each
takes for its path the first address that answers.
"""

from collections.abc import Callable

from services.client.transaction import Transaction
from services.punch import Hole
from services.stun import TRANSACTION, Kind, Message, claim, format_stun
from services.values import Address

WITHIN = 3.5
"""Seconds after which a peer that has not answered counts as out of reach."""
PAUSES = (0.05, 0.08, 0.12, 0.18, 0.27, 0.4, *[0.5] * 4)
"""Seconds between the checks to one address."""
MAX_CANDIDATES = 8
"""Addresses that are checked: of the peer's own, and of others that its checks come from."""


class Punching:
    """The checks to one peer."""

    def __init__(
        self, hole: Hole, outside: str | None, random: Callable[[int], bytes], now: float
    ) -> None:
        """Begin with the addresses that the server gave.

        `outside` is the IP address that the server sees this client at, if it is behind a NAT.
        """
        self.hole = hole
        self.until = now + WITHIN
        self._key = hole.password.encode()
        self._random = random
        self._checks: dict[Address, Transaction] = {}
        seen, *offered = hole.addresses
        if seen[0] == outside:
            # Two behind one NAT: what need not pass it is tried first, and so answers first. One
            # address of that kind, and nowhere else: a peer may offer those of others.
            for address in list(filter(_is_private, offered))[:1]:
                self.add(address, now)
        self.add(seen, now)

    @property
    def due(self) -> float:
        """When there is something to do: to send, or to give up."""
        dues = [one.due for one in self._checks.values() if one.due is not None]
        return min([self.until, *dues])

    def add(self, address: Address, now: float) -> None:
        """Check this address as well, from which a check of the peer has come."""
        if address in self._checks or len(self._checks) >= MAX_CANDIDATES:
            return
        number = self._random(TRANSACTION)
        request = format_stun(Kind.REQUEST, number, [claim(self.hole.sent_as)], key=self._key)
        self._checks[address] = Transaction(number, request, address, PAUSES, now)

    def take_due(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what is to be sent now."""
        return [sent for one in self._checks.values() for sent in one.take_due(now)]

    def answers(self, message: Message, source: Address) -> bool:
        """Return whether a response makes its source the path to the peer.

        It has to come from where the check was sent to (RFC 8445 section 7.2.5.2.1).
        """
        check = self._checks.get(source)
        return (
            check is not None
            and check.number == message.transaction
            and message.kind is Kind.RESPONSE
            and message.is_signed_by(self._key)
        )


def _is_private(address: Address) -> bool:
    """Return whether an address is of RFC 1918: no other is checked because a peer says so."""
    first, second, *_ = map(int, address[0].split("."))
    return first == 10 or (first, second) == (192, 168) or (first == 172 and second // 16 == 1)  # noqa: PLR2004 - of the RFC
