"""TLS (RFC 8446) apart from sockets: what came goes in, what is to be sent comes out.

`services.channel` moves the bytes. All that has come is decrypted at once, so a socket that has
nothing more to read means that there is nothing more. Imported only where TLS is asked for.
"""

import contextlib
import errno
import os
import ssl
from collections.abc import Callable

from services.channel import HELLO, TlsError

MAX_HANDSHAKE = 16384
"""Bytes that the other end may say before the handshake has ended; it takes a few thousand."""
_FIRST = 9
"""Octets up to the end of the first message's length: its record's header, its type, that."""
_READ_SIZE = 65536
_ALERT = "_ALERT_"


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return what the server's side needs: a file with its certificate, and one with the key.

    Raises:
        OSError: they cannot be read, or do not fit together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _harden(context)
    # Nobody comes back often enough; a client that never reads would be reset for them.
    context.num_tickets = 0
    try:
        # The empty passphrase opens no key, and nobody is asked at a prompt.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError:
        # Its own words are hardly about that.
        raise OSError(
            "they hold no certificate and key in PEM that belong together and have no passphrase"
        ) from None
    return context


def client_context(authority: str) -> ssl.SSLContext:
    """Return what the client's side needs: a file with the certificates that it trusts.

    Raises:
        OSError: it cannot be read, or holds none.
    """
    if not authority:
        # Without a file all certificates that the system trusts would be.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authority)
    except ssl.SSLError:
        raise OSError("it holds no certificate in PEM") from None
    _harden(context)
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Of TLS 1.2: another handshake on the same connection costs the server, and nobody needs it.
    context.options |= ssl.OP_NO_RENEGOTIATION


class Tls:
    """One end of one connection."""

    def __init__(self, context: ssl.SSLContext, name: str | None = None) -> None:
        """Be the server's end, or the client's if there is a `name` that the server must have."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=name is None, server_hostname=name
        )
        self._waiting = b""
        self._fed = 0
        self._begun = b""
        self._established = False
        if name is not None:
            # The client speaks first.
            self._shake_hands()

    @property
    def established(self) -> bool:
        """Whether the other end has proved who it is, and what is said is kept secret."""
        return self._established

    def feed(self, data: bytes) -> bytes | None:
        """Return what these bytes complete in clear; None for nothing yet, b"" for the end.

        Raises:
            TlsError: the other end does not speak TLS as it should, or is not to be trusted.
        """
        if len(self._begun) < _FIRST:
            self._begun += data[: _FIRST - len(self._begun)]
            _check_length(self._begun)
        self._incoming.write(data)
        if self._established or self._shake_hands():
            return self._read()
        # All of an unfinished handshake is kept, and nobody knows yet whose it is.
        self._fed += len(data)
        if self._fed > MAX_HANDSHAKE:
            raise _too_long()
        return None

    def say(self, data: bytes) -> None:
        """Take what is to be said; it is kept back until TLS is established."""
        if not self._established:
            self._waiting += data
            return
        while data:
            data = data[self._tls.write(data) :]

    def finish(self) -> None:
        """Take that nothing more will be said."""
        # It wants the other end's farewell, for which nobody waits here.
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()

    def to_send(self) -> bytes:
        """Take away what is to be sent now."""
        return self._outgoing.read()

    def _shake_hands(self) -> bool:
        if not _tried(self._tls.do_handshake):
            return False
        self._established = True
        waiting, self._waiting = self._waiting, b""
        self.say(waiting)
        return True

    def _read(self) -> bytes | None:
        said = bytearray()
        ended = False

        def read() -> None:
            nonlocal ended
            data = self._tls.read(_READ_SIZE)
            said.extend(data)
            ended = not data

        while not ended and _tried(read):
            pass
        return bytes(said) if said or ended else None


def _check_length(begun: bytes) -> None:
    """Look how long the first message claims to be: OpenSSL sets memory aside for all of it.

    Raises:
        TlsError: it is too long, or its length is spread over records, as nobody's is.
    """
    if len(begun) < _FIRST or not begun.startswith(HELLO[:1]):
        return
    if int.from_bytes(begun[3:5]) < _FIRST - 5 or int.from_bytes(begun[6:]) > MAX_HANDSHAKE:
        raise _too_long()


def _too_long() -> TlsError:
    return TlsError(f"has a handshake of more than {MAX_HANDSHAKE} bytes")


def _tried(step: Callable[[], None]) -> bool:
    """Do it, or return False if there is not enough to do it with yet."""
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.rstrip(".")
        raise TlsError(f"has a certificate that is not to be trusted: {why}") from None
    except ssl.SSLError as error:
        why = (error.reason or "no reason is known").lower().replace("_", " ")
        if _ALERT in (error.reason or ""):
            raise TlsError(f"gives TLS up: {why.partition(' alert ')[2]}") from None
        raise TlsError(f"breaks the rules of TLS: {why}") from None
    return True
