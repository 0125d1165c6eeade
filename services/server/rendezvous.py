"""How clients behind NATs get together: credentials for STUN, and who punches holes to whom."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from services.protocol import Refused, format_reply
from services.punch import Hole, Stun
from services.replays import Replays
from services.server.allowance import Allowance
from services.server.registry import Registry
from services.values import Address, ErrorName

_USERNAME, _PASSWORD = 8, 16
"""Random bytes in credentials."""


class _Party(NamedTuple):
    """A client that knows of all this, and what leaves a line for it."""

    stun: Stun | None
    deliver: Callable[[bytes], bool]
    replays: Replays


class Rendezvous:
    """Knows the clients of version 3; shared by all connections and the thread for STUN."""

    def __init__(
        self,
        registry: Registry,
        random: Callable[[int], bytes],
        clock: Callable[[], float],
    ) -> None:
        """Take where random bytes come from, and a clock that counts seconds."""
        self.ports: tuple[int, int] | None = None
        """Where STUN is answered, if it is."""
        self.registry = registry
        self._random = random
        self._clock = clock
        self._allowance = Allowance(clock)
        self._lock = threading.Lock()
        self._parties: dict[str, _Party] = {}
        self._labels: dict[str, str] = {}

    def enter(self, label: str, deliver: Callable[[bytes], bool]) -> Stun | None:
        """Take in a client; return its credentials, if STUN is answered."""
        with self._lock:
            stun = Stun(*self._credentials(), self.ports) if self.ports else None
            self._parties[label] = _Party(stun, deliver, Replays())
            if stun:
                self._labels[stun.username] = label
            return stun

    def leave(self, label: str) -> None:
        """Forget a client; one that is not there is no error."""
        with self._lock:
            party = self._parties.pop(label, None)
            if party and party.stun:
                del self._labels[party.stun.username]

    def key_of(self, username: str) -> bytes | None:
        """Return the key that belongs to a username."""
        with self._lock:
            label = self._labels.get(username)
            party = label and self._parties[label]
            return party.stun.password.encode() if party and party.stun else None

    def register(self, username: str, seen: Address, transaction: bytes) -> bool:
        """Put the address that a client is seen at by UDP on the list; return whether it may be.

        The key has been checked by now. What came from another address before may not be: anybody
        who has read it can send it again.
        """
        with self._lock:
            label = self._labels.get(username)
            if label is None or self._parties[label].replays.is_one(transaction, seen):
                return False
        return self.registry.move(label, seen, self._clock())

    def punch(self, asker: str, asked: str) -> bytes:
        """Return the line that answers a PUNCH, after the other client was told the same."""
        with self._lock:
            ours, theirs = self._parties.get(asker), self._parties.get(asked)
        seen = self.registry.address_of(asker)
        # Whatever comes of it: what is refused costs as much.
        if seen and not self._allowance.take(seen[0]):
            return _refuse(ErrorName.TOO_MANY_PUNCHES, "that was asked for too often")
        credentials = self._credentials()
        for_asker = self._hole(asked, *credentials, asked=True)
        for_asked = self._hole(asker, *credentials, asked=False)
        if not for_asker or not for_asked:
            return _refuse(ErrorName.UNKNOWN_LABEL, f"{asked} is not on the list")
        if asker == asked or not ours or not theirs:
            return _refuse(ErrorName.NO_PUNCHING, f"no holes can be punched to {asked}")
        if not theirs.deliver(format_reply(for_asked)):
            return _refuse(ErrorName.TOO_MANY_PUNCHES, f"{asked} is asked too often")
        return format_reply(for_asker)

    def _hole(self, label: str, username: str, password: str, *, asked: bool) -> Hole | None:
        """Return what is told of a client to who punches to it; None if it has left."""
        found = self.registry.parameters_of(label)
        if found is None:
            return None
        nat = self.registry.nat_of(label)
        return Hole(label, asked, username, password, found.addresses, nat)

    def _credentials(self) -> tuple[str, str]:
        drawn = self._random(_USERNAME + _PASSWORD)
        return drawn[:_USERNAME].hex(), drawn[_USERNAME:].hex()


def _refuse(name: ErrorName, text: str) -> bytes:
    return format_reply(Refused(name, text))
