"""The keys with which clients seal what they send each other."""

import hashlib
import hmac


class PairKeys:
    """One key for every two clients, made anew whenever it is asked for: nothing is kept."""

    def __init__(self, secret: bytes) -> None:
        """Make all keys of a secret, which nobody else must know."""
        self._secret = secret

    def between(self, one: str, other: str) -> bytes:
        """Return the key of two labels, the same in whichever order: 32 octets."""
        pair = " ".join(sorted((one, other)))
        return hmac.digest(self._secret, f"CHAT/2 {pair}".encode(), hashlib.sha256)
