"""Who is logged in: labels, addresses, parameters, and the list as it goes over the wire."""

import threading

from services.parameters import Parameters
from services.protocol import format_reply, split_clients
from services.server.keys import PairKeys
from services.values import Address


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
        self._lock = threading.Lock()
        self._logins = 0
        self._listing: bytes | None = None

    def add(self, address: Address) -> str:
        """Put an address at the end of the list and return its label."""
        with self._lock:
            self._logins += 1
            label = f"USER {self._logins}"
            self.client_addresses[label] = address
            self._listing = None
            return label

    def remove(self, label: str) -> None:
        """Take a label off the list; one that is not on it is no error."""
        with self._lock:
            if self.client_addresses.pop(label, None):
                self._listing = None
            self._offers.pop(label, None)

    def offer(self, label: str, parameters: Parameters) -> None:
        """Keep how a client can be talked to, in place of what it said before."""
        with self._lock:
            if label in self.client_addresses:
                self._offers[label] = parameters

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

    def listing(self) -> bytes:
        """Return the lines that answer LIST, made anew only after a change."""
        with self._lock:
            if self._listing is None:
                parts = split_clients(self.client_addresses)
                self._listing = b"".join(format_reply(part) for part in parts)
            return self._listing
