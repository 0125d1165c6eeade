"""Who is logged in: labels, addresses, parameters, and the list as it goes over the wire."""

import threading

from services.nat import Nat
from services.parameters import Parameters
from services.protocol import PUNCHED_FROM, format_reply, split_clients
from services.server.keys import PairKeys
from services.values import Address

BETWEEN_MOVES = 1.0
"""Seconds from one move of a client to the next: each has the list made anew."""


class Registry:
    """Labels and addresses of the clients that are logged in, in order of login.

    Every connection has a thread of its own, so every method takes the lock. A label is never
    given twice while the server lives: a peer that still holds an old list would otherwise take
    one person for another.
    """

    def __init__(self, keys: PairKeys | None = None) -> None:
        """Start with nobody there; the first login becomes `USER 1`.

        Clients get keys for sealed datagrams if there are any: not where all goes in clear.
        """
        self.keys = keys
        self.client_addresses: dict[str, Address] = {}
        self._offers: dict[str, Parameters] = {}
        self._behind: dict[str, Nat | None] = {}
        self._moved: dict[str, float] = {}
        """When those moved last that are listed where their datagrams come from."""
        self._lock = threading.Lock()
        self._logins = 0
        self._listings: dict[bool, bytes] = {}

    def add(self, address: Address) -> str:
        """Put an address at the end of the list and return its label."""
        with self._lock:
            self._logins += 1
            label = f"USER {self._logins}"
            self.client_addresses[label] = address
            self._listings.clear()
            return label

    def remove(self, label: str) -> None:
        """Take a label off the list; one that is not on it is no error."""
        with self._lock:
            if self.client_addresses.pop(label, None):
                self._listings.clear()
            self._offers.pop(label, None)
            self._behind.pop(label, None)
            self._moved.pop(label, None)

    def address_of(self, label: str) -> Address | None:
        """Return the address of a client on the list; None if it is not there."""
        with self._lock:
            return self.client_addresses.get(label)

    def move(self, label: str, seen: Address, now: float) -> bool:
        """List a client that is behind a NAT at the address that its datagrams come from.

        Return False, and change nothing, if that is another host's than it was, or another
        client's: who can forge a source address could otherwise have the others write to a third.
        Also if the last move was just `now`, in seconds.
        """
        with self._lock:
            known = self.client_addresses.get(label)
            if known == seen and label in self._moved:
                return True
            if known is None or known[0] != seen[0]:
                return False
            if any(self._holds(other, seen) for other in self.client_addresses if other != label):
                return False
            if now - self._moved.get(label, now - BETWEEN_MOVES) < BETWEEN_MOVES:
                return False
            self.client_addresses[label] = seen
            self._moved[label] = now
            self._behind.setdefault(label, None)
            self._listings.clear()
            return True

    def _holds(self, label: str, address: Address) -> bool:
        """Return whether a client can be reached at an address and nobody else can.

        Behind a NAT the address of a TCP connection is no proof: by UDP it may be another's.
        """
        own = self.client_addresses[label] == address
        return own and (label in self._moved or label not in self._behind)

    def stands_behind(self, label: str, nat: Nat) -> None:
        """Keep what kind of NAT a client is behind, as it says itself."""
        with self._lock:
            if label in self._behind:
                self._behind[label] = nat

    def nat_of(self, label: str) -> Nat | None:
        """Return what a client is behind, if that is known."""
        with self._lock:
            return self._behind.get(label)

    def offer(self, label: str, parameters: Parameters) -> None:
        """Keep how a client can be talked to, in place of what it said before."""
        with self._lock:
            if label in self.client_addresses:
                self._offers[label] = parameters
                if parameters.addresses and label not in self._behind:
                    # It has another address than the server sees; it may register that or not.
                    self._behind[label] = None
                    self._listings.clear()

    def parameters_of(self, label: str) -> Parameters | None:
        """Return how a client can be talked to, its address on the list first.

        None if it is not on the list.
        """
        with self._lock:
            seen = self.client_addresses.get(label)
            if seen is None:
                return None
            offered = self._offers.get(label, Parameters((), (), {}))
            return offered._replace(addresses=(seen, *offered.addresses))

    def listing(self, version: int) -> bytes:
        """Return the lines that answer LIST of a version, made anew only after a change."""
        names_behind = version >= PUNCHED_FROM
        with self._lock:
            if names_behind not in self._listings:
                behind = self._behind.keys() if names_behind else ()
                parts = split_clients(self._reachable(), behind)
                self._listings[names_behind] = b"".join(map(format_reply, parts))
            return self._listings[names_behind]

    def _reachable(self) -> dict[str, Address]:
        """Everybody but those at whose address somebody else is: what goes there is not theirs.

        They come back when they register their own.
        """
        taken = {self.client_addresses[label] for label in self._moved}
        return {
            label: address
            for label, address in self.client_addresses.items()
            if label in self._moved or address not in taken
        }
