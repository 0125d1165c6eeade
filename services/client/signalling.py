"""The TCP connection to the server."""

import contextlib
import socket
import time
from typing import Self

from services.lines import LineReader
from services.protocol import Reply, parse_reply
from services.settings import reason
from services.values import Address, ProtocolError

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

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected socket.

        Raises:
            OSError: it has been reset already.
        """
        host, port, *_ = connection.getpeername()
        self.server_address: Address = (host, port)
        self._connection = connection
        self._connection.settimeout(SEND_TIMEOUT)
        self._lines = LineReader()

    @classmethod
    def connect(cls, host: str, port: int) -> Self:
        """Connect to the server.

        Raises:
            OSError: it cannot be reached.
            UnicodeError: the host can be no host name.
        """
        return cls(socket.create_connection((host, port), timeout=CONNECT_TIMEOUT))

    @property
    def local_address(self) -> Address:
        """The address and the port of this end."""
        host, port, *_ = self._connection.getsockname()
        return host, port

    def fileno(self) -> int:
        """Return the descriptor, for `select`."""
        return self._connection.fileno()

    def send(self, data: bytes) -> None:
        """Send a request.

        Raises:
            ConnectionLostError: it cannot be sent.
        """
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ConnectionLostError(reason(error).lower()) from error

    def receive(self) -> list[Reply]:
        """Return the replies that can be read now.

        Raises:
            ConnectionLostError: the connection has ended.
            ServerGoneError: what came is not in the grammar.
        """
        try:
            data = self._connection.recv(_RECEIVE_SIZE)
        except OSError as error:
            raise ConnectionLostError(reason(error).lower()) from error
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
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)
                while (left := deadline - time.monotonic()) > 0:
                    self._connection.settimeout(left)
                    if not self._connection.recv(_RECEIVE_SIZE):
                        break
        self._connection.close()
