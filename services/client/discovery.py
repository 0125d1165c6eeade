"""Registering the address that the world sees, and finding out what the NAT does. No I/O.

What is found is what RFC 5780 calls behaviour, as far as a server with one IP address can tell:
whether mapping and filtering depend on the port.
"""

from collections.abc import Callable

from services.client.transaction import Transaction
from services.nat import Behaviour, Nat
from services.punch import Stun
from services.stun import TRANSACTION, Kind, Message, change_port, claim, format_stun
from services.values import Address

PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between seven requests: as in RFC 8489 section 6.2.1, with an RTO of 100 ms."""
LET_IN_WITHIN = 0.4
"""Seconds after the registration for which an answer from another port may come."""


class Discovery:
    """Three requests at once: to register, to a second port, and one for an answer from a third."""

    def __init__(self, server: str, stun: Stun, random: Callable[[int], bytes], now: float) -> None:
        """Begin to ask the server at this IP address."""
        self._stun = stun
        self._key = stun.password.encode()
        self._random = random
        first, second = stun.ports
        self._first = server, first
        self._registration = self._register(now)
        self._elsewhere = self._ask((server, second), [], now)
        self._let_in = self._ask(self._first, [change_port()], now)
        self._mapped: Address | None = None
        self._mapped_elsewhere: Address | None = None
        self._was_let_in = False
        self._registered_at: float | None = None

    @property
    def due(self) -> float | None:
        """When there is something to do: to send, or to take that no answer came in."""
        dues = [one.due for one in self._transactions if one.due is not None]
        if self._registered_at is not None and self._let_in.due is not None:
            dues.append(self._registered_at + LET_IN_WITHIN)
        return min(dues, default=None)

    def take_due(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what is to be sent now."""
        if self._is_let_in_decided(now):
            self._let_in.end()
        return [sent for one in self._transactions for sent in one.take_due(now)]

    def refresh(self, now: float) -> None:
        """Register again, so that the NAT keeps the mapping and the list is right."""
        self._registration = self._register(now)

    def take(self, message: Message, now: float) -> bool:
        """Take a response; return whether it is about this."""
        for one in self._transactions:
            if one.number == message.transaction:
                break
        else:
            return False
        if one is self._registration and not message.is_signed_by(self._key):
            return False
        one.end()
        if message.kind is Kind.RESPONSE:
            self._learn(one, message.mapped, now)
        return True

    def nat(self, now: float) -> Nat | None:
        """Return what the NAT does, once that can be said.

        `address-dependent` filtering is all that can be said of a NAT that lets in other ports.
        """
        if self._elsewhere.due is not None or not self._is_let_in_decided(now):
            return None
        same = self._mapped_elsewhere in {None, self._mapped}
        mapping = Behaviour.ENDPOINT_INDEPENDENT if same else Behaviour.ADDRESS_AND_PORT_DEPENDENT
        filtering = (
            Behaviour.ADDRESS_DEPENDENT
            if self._was_let_in
            else Behaviour.ADDRESS_AND_PORT_DEPENDENT
        )
        return Nat(mapping, filtering)

    def _is_let_in_decided(self, now: float) -> bool:
        if self._registered_at is None:
            return False
        return self._was_let_in or now >= self._registered_at + LET_IN_WITHIN

    @property
    def _transactions(self) -> tuple[Transaction, Transaction, Transaction]:
        return self._registration, self._elsewhere, self._let_in

    def _learn(self, about: Transaction, mapped: Address | None, now: float) -> None:
        if about is self._registration:
            self._mapped = self._mapped or mapped
            if self._registered_at is None:
                self._registered_at = now
        elif about is self._elsewhere:
            self._mapped_elsewhere = mapped
        else:
            self._was_let_in = True

    def _register(self, now: float) -> Transaction:
        return self._ask(self._first, [claim(self._stun.username)], now, key=self._key)

    def _ask(
        self,
        to: Address,
        attributes: list[tuple[int, bytes]],
        now: float,
        *,
        key: bytes | None = None,
    ) -> Transaction:
        number = self._random(TRANSACTION)
        request = format_stun(Kind.REQUEST, number, attributes, key=key)
        return Transaction(number, request, to, PAUSES, now)
