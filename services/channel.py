"""A connected socket that carries the lines of signalling, in TLS if that is wanted."""

import contextlib
import socket
import threading
import time
from typing import Protocol

from services.within import has_come, receive, send

HELLO = b"\x16\x03"
"""How TLS begins: a record of the handshake (RFC 8446 section 5.1). No line begins so."""
_FLUSH_WITHIN = 5.0
"""Seconds for what TLS itself has to say, a few thousand bytes."""


class TlsError(Exception):
    """Raised when the other end does not speak TLS as it should; says what it does instead."""


class NoTlsError(TlsError):
    """Raised when the other end speaks in clear.

    Attributes:
        said: how it began.
    """

    def __init__(self, said: bytes) -> None:
        """Keep what was said."""
        super().__init__("does not speak TLS")
        self.said = said


class Codec(Protocol):
    """What makes bytes of TLS out of bytes in clear, and back: `services.tls.Tls`."""

    @property
    def established(self) -> bool:
        """Whether the other end has proved who it is, and what is said is kept secret."""

    def feed(self, data: bytes) -> bytes | None:
        """Return what this completes in clear, None for nothing yet, b"" for the end."""

    def say(self, data: bytes) -> None:
        """Take what is to be said, as soon as TLS is established."""

    def finish(self) -> None:
        """Take that nothing more will be said."""

    def to_send(self) -> bytes:
        """Take away what is to be sent now."""


class Channel:
    """Bytes to and from the other end, each within a time; the caller closes the socket."""

    def __init__(self, connection: socket.socket, tls: Codec | None = None) -> None:
        """Speak over a connected socket, in clear or by `tls`; it is non-blocking from now on."""
        connection.settimeout(0)
        self._connection = connection
        self._tls = tls
        self._coding = threading.Lock()
        self._fresh = True
        self._early = b""

    def fileno(self) -> int:
        """Return the descriptor, for `select`: all that could be read has been, see `receive`."""
        return self._connection.fileno()

    @property
    def established(self) -> bool:
        """Whether the other end has proved by TLS who it is."""
        return self._tls is not None and self._tls.established

    def establish(self, seconds: float) -> None:
        """Be done with the handshake of TLS, if there is to be one.

        Raises:
            OSError: the connection has ended, or the time is over.
            TlsError: the other end does something else.
        """
        deadline = time.monotonic() + seconds
        while self._tls and not self._tls.established:
            data = receive(self._connection, deadline - time.monotonic())
            if data is None:
                raise TimeoutError("the handshake of TLS has not ended in time")
            if not data:
                raise ConnectionResetError("it has closed the connection in the handshake of TLS")
            self._early += self._understand(data) or b""

    def receive(self, seconds: float | None) -> bytes | None:
        """Return what comes, b"" at the end of the connection, None if nothing comes in time.

        What has come already counts as in time, however late this looks: the program may have
        stood still itself, and then the time is over before anybody has looked.

        Raises:
            OSError: the connection has ended in another way.
            TlsError: the other end does not speak TLS, or does though this end does not.
        """
        if not self._tls:
            data = receive(self._connection, seconds)
            return self._understand(data) if data else data
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            data = receive(self._connection, left)
            said = self._understand(data) if data else data
            if said is not None or data is None or left == 0.0:
                early, self._early = self._early, b""
                return early + said if said is not None else early or None

    def has_more(self) -> bool:
        """Return whether the other end has said more already, or closed the connection."""
        return has_come(self._connection)

    def send(self, data: bytes, seconds: float) -> None:
        """Send all of it, or keep it until TLS is established.

        Raises:
            TimeoutError: the other end does not take it in time.
            OSError: the connection has ended.
        """
        send(self._connection, self.encode(data), seconds)

    def encode(self, data: bytes) -> bytes:
        """Return what says this on the wire, and has to get there in the order of these calls.

        Any thread may call it, while another one receives.
        """
        if not self._tls:
            return data
        with self._coding:
            self._tls.say(data)
            return self._tls.to_send()

    def finish(self) -> None:
        """Tell the other end by TLS that nothing more will be said, if that can be done at once."""
        if self._tls:
            with self._coding:
                self._tls.finish()
            with contextlib.suppress(OSError):
                self._connection.send(self.encode(b""))

    def _understand(self, data: bytes) -> bytes | None:
        fresh, self._fresh = self._fresh, False
        if self._tls is None:
            if fresh and data.startswith(HELLO):
                raise TlsError("speaks TLS, which is not spoken here")
            return data
        if fresh and not data.startswith(HELLO[:1]):
            raise NoTlsError(data)
        in_handshake = not self._tls.established
        try:
            with self._coding:
                said = self._tls.feed(data)
        except TlsError:
            # Where something is wrong TLS says what, if there is still somebody to hear it.
            with contextlib.suppress(OSError):
                self.send(b"", _FLUSH_WITHIN)
            raise
        if in_handshake:
            # Later there is hardly an answer, and it has time until something else is sent.
            self.send(b"", _FLUSH_WITHIN)
        return said
