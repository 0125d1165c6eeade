"""What this client seals its messages with, and opens those of others with.

Shared by the dialogue and the receive thread. Imported only where signalling goes by TLS.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.client.guard import SuspiciousError
from services.client.inquiry import Inquiry
from services.datagram import NONCE, TAG
from services.seal import BrokenSealError, seal, unseal
from services.values import Address


class _Login(NamedTuple):
    """What holds from one login to the next: within that a label is one client's.

    Attributes:
        label: this client's own.
        keys: those that have been learnt, by the label of the other; None for who has left.
        known: in the end, whose address was whose.
    """

    label: str
    keys: dict[str, bytes | None]
    known: dict[Address, str]


class Seals:
    """Keys by login and by label of the other: those of earlier logins open what comes late.

    A server that was started again gives labels anew. So a key of an earlier login counts only for
    what comes from where the client with that label was then.
    """

    def __init__(
        self, wake: Callable[[], None], random: Callable[[int], bytes], logins: int
    ) -> None:
        """Remember as many logins; `wake` is called when there is something for `take_question`.

        Nonces are made of as many octets as `random` is asked for.
        """
        self._inquiry = Inquiry(wake)
        self._random = random
        self._logins: deque[_Login] = deque(maxlen=logins)

    def log_in(self, label: str, known: Mapping[Address, str]) -> None:
        """Be known by this label from now on; keys of an earlier login are not for it.

        `known` is whose address was whose until now.
        """
        with self._inquiry.changed:
            if self._logins:
                self._logins[-1].known.update(known)
            self._logins.append(_Login(label, {}, {}))
        self._inquiry.reopen()

    def learn(self, label: str, key: bytes | None) -> None:
        """Keep the key that this client and the one with this label have in common.

        None says that the other one has left: then its key is asked for no more.
        """
        with self._inquiry.changed:
            self._logins[-1].keys[label] = key
            self._inquiry.answered(label)

    def seal(self, data: bytes, recipient: str) -> bytes:
        """Return a datagram for a recipient whose key has been learnt since the last login."""
        with self._inquiry.changed:
            login = self._logins[-1]
            key = login.keys[recipient]
        if key is None:
            raise KeyError(recipient)
        return seal(data, key, self._random(NONCE), login.label, recipient)

    def open(self, datagram: bytes, sender: str | None, source: Address) -> bytes:
        """Return the message that is sealed in a datagram from the client with this label.

        The server is asked for a key that is missing, and waited for a second at most.

        Raises:
            SuspiciousError: the sender has not sealed it for this client, or there is no key.
        """
        keys = self._keys_of(sender, source) if sender else []
        if not keys:
            raise SuspiciousError("unreadable")
        for own, key in keys:
            try:
                data = unseal(datagram, key, sender or "", own)
            except BrokenSealError:
                continue
            if not data.startswith(TAG):
                raise SuspiciousError("damaged")
            return data
        raise SuspiciousError("forged")

    def take_question(self) -> str | None:
        """Return for whose key the server is to be asked, once per question."""
        return self._inquiry.take()

    def close(self) -> None:
        """Take that the server will not answer any more; what is known stays known."""
        self._inquiry.close()

    def _keys_of(self, sender: str, source: Address) -> list[tuple[str, bytes]]:
        """Return under which labels this client has keys with another, and those, latest first."""
        with self._inquiry.changed:
            if sender not in self._logins[-1].keys and self._inquiry.possible:
                self._inquiry.put(sender)
            latest = self._logins[-1]
            return [
                (login.label, key)
                for login in reversed(self._logins)
                if (key := login.keys.get(sender))
                and (login is latest or login.known.get(source) == sender)
            ]
