"""The TCP connection to the server."""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Self

from services.channel import Channel, Codec, NoTlsError, TlsError
from services.lines import LineReader
from services.protocol import Refused, Reply, parse_reply
from services.settings import reason
from services.values import Address, ErrorName, ProtocolError

CONNECT_TIMEOUT = 10.0
SEND_TIMEOUT = 5.0
FAREWELL_TIMEOUT = 1.0
"""Seconds that the server gets to take note of QUIT."""
_RECEIVE_SIZE = 65536


class ServerGoneError(Exception):
    """Raised when what the server says cannot be understood; says why."""


class ConnectionLostError(Exception):
    """Raised when the connection has ended, in whatever way; says why."""


class Signalling:
    """An open connection to the server.

    Attributes:
        server_address: the address and the port of the other end.
    """

    def __init__(
        self, connection: socket.socket, secure: Callable[[], Codec] | None = None
    ) -> None:
        """Take over a connected socket; `secure` makes the client's end of TLS, if it is used.

        What is sent waits until that has found the server to be the right one.

        Raises:
            OSError: it has been reset already.
        """
        host, port, *_ = connection.getpeername()
        self.server_address: Address = (host, port)
        self._connection = connection
        self._secure = secure
        self._channel = Channel(connection, secure() if secure else None)
        self._lines = LineReader()
        if secure:
            # The last word of the handshake has no answer: what follows must not wait for one.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The client's end of TLS begins.
            self._channel.send(b"", SEND_TIMEOUT)

    @classmethod
    def connect(cls, host: str, port: int, secure: Callable[[], Codec] | None = None) -> Self:
        """Connect to the server; with `secure` make sure that it is the right one.

        Raises:
            OSError: it cannot be reached.
            UnicodeError: the host can be no host name.
            TlsError: it does not speak TLS, or is not the right one, or refuses the connection.
        """
        connection = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT)
        try:
            signalling = cls(connection, secure)
            signalling.establish()
        except (OSError, TlsError):
            connection.close()
            raise
        return signalling

    def again(self, connection: socket.socket) -> "Signalling":
        """Take over another connected socket to the same server, in TLS if this one is."""
        return Signalling(connection, self._secure)

    def establish(self) -> None:
        """Be done with the handshake of TLS, if there is to be one.

        Raises:
            OSError: the connection has ended, or this takes too long.
            TlsError: the server does not speak TLS, or is not the right one.
        """
        try:
            self._channel.establish(CONNECT_TIMEOUT)
        except NoTlsError as error:
            if refused := _refused_in_clear(error.said):
                raise TlsError(f"refuses the connection: {refused.text}") from None
            raise

    @property
    def local_address(self) -> Address:
        """The address and the port of this end."""
        host, port, *_ = self._connection.getsockname()
        return host, port

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self._connection.fileno()

    def send(self, data: bytes) -> None:
        """Send a request; one that cannot be sent is the last one.

        Raises:
            ConnectionLostError: it cannot be sent.
        """
        try:
            self._channel.send(data, SEND_TIMEOUT)
        except OSError as error:
            # A part of it may be sent, and a server that does not read must not hold up this
            # client once more for each of its own lines.
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionLostError(reason(error).lower()) from error

    def receive(self) -> list[Reply]:
        """Return the replies that can be read now.

        Raises:
            ConnectionLostError: the connection has ended.
            ServerGoneError: what came is not in the grammar, or the server is not the right one.
        """
        try:
            data = self._channel.receive(0)
        except OSError as error:
            raise ConnectionLostError(reason(error).lower()) from error
        except TlsError as error:
            refused = _refused_in_clear(error.said) if isinstance(error, NoTlsError) else None
            if refused:
                return [refused]
            if self._channel.established:
                # Anybody on the way can spoil a record: the right server may well be still there.
                raise ConnectionLostError(f"it {error}") from error
            raise ServerGoneError(f"it {error}") from error
        if data is None:
            return []
        if not data:
            raise ConnectionLostError("it has closed the connection")
        replies = []
        for line in self._lines.feed(data):
            try:
                if isinstance(line, ProtocolError):
                    raise line
                replies.append(parse_reply(line))
            except ProtocolError as error:
                raise ServerGoneError(f"its answer cannot be understood ({error})") from error
        return replies

    def close(self, *, farewell: bool) -> None:
        """Close the connection; with `farewell` wait a little until the server has ended it too."""
        if farewell:
            deadline = time.monotonic() + FAREWELL_TIMEOUT
            self._channel.finish()
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)
                while (left := deadline - time.monotonic()) > 0:
                    self._connection.settimeout(left)
                    if not self._connection.recv(_RECEIVE_SIZE):
                        break
        self._connection.close()


def _refused_in_clear(said: bytes) -> Refused | None:
    """Return the one refusal that a server speaks before any handshake, if it is that."""
    try:
        reply = parse_reply(said.decode().rstrip("\n"))
    except (UnicodeDecodeError, ProtocolError):
        return None
    if isinstance(reply, Refused) and reply.name == ErrorName.TOO_MANY_CONNECTIONS:
        return reply
    return None
