"""Sealed datagrams: messages that only two clients can read and write. No I/O, no chance.

The cipher is ChaCha20-Poly1305 of RFC 8439, as the library `cryptography` has it. Imported only
where signalling goes by TLS, over which the keys come.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from services.datagram import NONCE, SEALED_TAG, SEALING


class BrokenSealError(Exception):
    """Raised when a datagram was not sealed by this sender for this recipient, or was altered."""


def seal(data: bytes, key: bytes, nonce: bytes, sender: str, recipient: str) -> bytes:
    """Return a datagram in which `data` is sealed; no nonce may be used twice with a key."""
    about = _about(sender, recipient)
    return SEALED_TAG + nonce + ChaCha20Poly1305(key).encrypt(nonce, data, about)


def unseal(datagram: bytes, key: bytes, sender: str, recipient: str) -> bytes:
    """Return what was sealed.

    Raises:
        BrokenSealError: it was not sealed with this key, by this sender, for this recipient.
    """
    body = datagram.removeprefix(SEALED_TAG)
    if len(datagram) < SEALING or len(body) == len(datagram):
        raise BrokenSealError
    about = _about(sender, recipient)
    try:
        return ChaCha20Poly1305(key).decrypt(body[:NONCE], body[NONCE:], about)
    except InvalidTag:
        raise BrokenSealError from None


def _about(sender: str, recipient: str) -> bytes:
    # Sealed along with the message: it can be sent neither back nor to somebody else.
    return SEALED_TAG + f"{sender} {recipient}".encode()
