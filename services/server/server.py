"""The server's sockets and threads: one thread accepts, every connection has one of its own."""

import contextlib
import hmac
import select
import socket
import sys
import threading
from typing import TextIO

from services.display import write_flushed
from services.protocol import (
    Accepted,
    Bye,
    LineReader,
    ListClients,
    Login,
    Quit,
    Refused,
    format_reply,
    parse_request,
)
from services.server.registry import Registry
from services.values import Address, ErrorName, ProtocolError

BACKLOG = 128
SEND_TIMEOUT = 10.0
"""Seconds that a client may leave an answer unread before its connection is dropped."""
ACCEPT_PAUSE = 0.2
"""Seconds until the next try when no connection can be taken, for want of descriptors say."""
JOIN_TIMEOUT = 5.0
_RECEIVE_SIZE = 65536
_LOST_AFTER = 60
"""Seconds after which a client that answers nothing, not even at the level of TCP, is gone."""


class Console:
    """The server's two streams: what it is documented to print, and diagnostics."""

    def __init__(self, out: TextIO, diagnostics: TextIO) -> None:
        """Write to the given streams."""
        self._out = out
        self._diagnostics = diagnostics
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        """Print a line of the transcript."""
        with self._lock:
            write_flushed(self._out, line + "\n")

    def complain(self, line: str) -> None:
        """Print a line that is for the operator."""
        with self._lock:
            write_flushed(self._diagnostics, f"server: {line}\n")


class Conversation:
    """What one connection has said so far, and what the answer to its next line is."""

    def __init__(
        self, address: Address, registry: Registry, password: str, console: Console
    ) -> None:
        """Start before the login."""
        self._address = address
        self._registry = registry
        self._password = password.encode()
        self._console = console
        self._label: str | None = None
        self._over = False

    def answer(self, line: str | ProtocolError) -> bytes:
        """Return the lines that answer a line, which may be one that could not be read."""
        if isinstance(line, ProtocolError):
            return _refusal(line.name, line.text)
        try:
            request = parse_request(line)
        except ProtocolError as error:
            return _refusal(error.name, error.text)
        match request:
            case Login():
                return self._log_in(request)
            case ListClients():
                if self._label is None:
                    return _refusal(ErrorName.LOGIN_REQUIRED, "log in first")
                return self._registry.listing()
            case Quit():
                self.end()
                return format_reply(Bye())

    def is_over(self) -> bool:
        """Return whether the client has said that it leaves."""
        return self._over

    def end(self) -> None:
        """Give the label back, before anybody is told that the client has gone."""
        self._over = True
        if self._label is not None:
            self._registry.remove(self._label)
            self._label = None

    def _log_in(self, login: Login) -> bytes:
        if self._label is not None:
            return _refusal(ErrorName.ALREADY_LOGGED_IN, f"this connection is {self._label}")
        if not hmac.compare_digest(login.password.encode(), self._password):
            return _refusal(
                ErrorName.WRONG_PASSWORD, "Incorrect username or password. Please try again."
            )
        self._label = self._registry.add(self._address)
        self._console.say(f"Authentication successful for {self._address}")
        return format_reply(Accepted(self._label, *self._address))


class Server:
    """Accepts connections until it is told to stop."""

    def __init__(self, listener: socket.socket, password: str, console: Console) -> None:
        """Serve on a listening socket, which the caller closes."""
        self.registry = Registry()
        self._listener = listener
        self._password = password
        self._console = console
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}

    def serve(self, stop: socket.socket) -> None:
        """Accept until `stop` becomes readable, then end every connection and join its thread."""
        # A connection can be gone again between select and accept, which must not block then.
        self._listener.settimeout(0)
        short_of_means = False
        while True:
            readable, _, _ = select.select([self._listener, stop], [], [])
            if stop in readable:
                break
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue
            except OSError as error:
                if not short_of_means:
                    self._console.complain(f"cannot accept connections for now: {error.strerror}")
                short_of_means = True
                if select.select([stop], [], [], ACCEPT_PAUSE)[0]:
                    break
                continue
            short_of_means = False
            self._start(connection, address)
        self._end_all()

    def handle_client(self, connection: socket.socket, address: Address) -> None:
        """Serve one connection until it ends, in whatever way; runs in a thread of its own."""
        conversation = Conversation(address, self.registry, self._password, self._console)
        try:
            self._converse(connection, conversation)
        except TimeoutError:
            self._console.complain(f"dropped {address}, which does not read its answers")
        except OSError:
            # Reset by the client or cut off by the network: an ordinary end.
            pass
        finally:
            conversation.end()
            with self._lock:
                del self._connections[threading.current_thread()]
                connection.close()

    def _start(self, connection: socket.socket, address: Address) -> None:
        self._console.say(f"Accepted connection from {address}")
        thread = threading.Thread(
            target=self.handle_client, args=(connection, address), daemon=True
        )
        # Entered before the start: the thread takes itself out again, maybe at once.
        with self._lock:
            self._connections[thread] = connection
        try:
            _tune(connection)
            thread.start()
        except (OSError, RuntimeError) as error:
            # RuntimeError: the system allows no more threads.
            self._console.complain(f"cannot serve {address}: {error}")
            with self._lock:
                del self._connections[thread]
            connection.close()

    def _converse(self, connection: socket.socket, conversation: Conversation) -> None:
        lines = LineReader()
        while not conversation.is_over():
            connection.settimeout(None)
            data = connection.recv(_RECEIVE_SIZE)
            if not data:
                return
            connection.settimeout(SEND_TIMEOUT)
            for line in lines.feed(data):
                connection.sendall(conversation.answer(line))
                if conversation.is_over():
                    return

    def _end_all(self) -> None:
        with self._lock:
            threads = list(self._connections)
            for connection in self._connections.values():
                # Wakes the thread; closing is left to it. Some may not be connected any more.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(JOIN_TIMEOUT)


def _refusal(name: ErrorName, text: str) -> bytes:
    return format_reply(Refused(name, text))


def _tune(connection: socket.socket) -> None:
    """Send answers at once, and notice a client that the network has swallowed."""
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        # First probe when half of the time is over, then six until the end of it.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _LOST_AFTER // 2)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _LOST_AFTER // 12)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LOST_AFTER * 1000)
