"""The seats of a recording: its console and everybody who joins, served by one thread.

Other threads only put bytes into outboxes and wake it up.
"""

import os
import selectors
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, Self

from peerlab.record.exchange import Inbox, Message, packed
from peerlab.record.orders import CONTROLS, Do, Done, Hide, Order, Say, Unclear, read_order
from peerlab.record.session import Session

_PIECE: Final = 65536
_MOST_WAITING: Final = 8 * 1024 * 1024
"""Bytes that wait for somebody who does not read; then they are sent away."""


class Console(Protocol):
    """The terminal of the recording."""

    def say(self, line: str) -> None:
        """Print a line."""

    def set_echo(self, *, on: bool) -> None:
        """Show what is typed, or not."""


class _Seat:
    """One who has joined."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.inbox = Inbox()
        self.node: str | None = None
        self.outbox = bytearray()


class Seats:
    """Carries out what is typed at the console and by those who join, and shows them the lab."""

    def __init__(
        self,
        session: Session,
        path: Path,
        keyboard: int,
        console: Console,
    ) -> None:
        """Listen at a socket that is its owner's alone.

        Args:
            session: what they type into.
            path: where the socket is to be.
            keyboard: file descriptor that the console's lines come from.
            console: what is said to whoever sits there.
        """
        self._session = session
        self._keyboard = keyboard
        self._console = console
        self._typed = b""
        self._secret_for: str | None = None
        self._lock = threading.Lock()
        self._seats: list[_Seat] = []
        self._over = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen()
        self._listener.settimeout(0)
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        self._session.set_watcher(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True  # before the waker is closed: a signal may still come
        self._session.set_watcher(None)
        for seat in self._seats:
            with suppress(OSError):
                seat.connection.send(packed(over=True))
            seat.connection.close()
        self._listener.close()
        os.close(self._woken)
        os.close(self._waker)

    def serve(self) -> None:
        """Serve until the console ends the session, or a node is lost."""
        # Not epoll, which refuses a console that is a file.
        with selectors.SelectSelector() as selector:
            selector.register(self._keyboard, selectors.EVENT_READ, self._hear_console)
            selector.register(self._listener, selectors.EVENT_READ, self._welcome)
            selector.register(self._woken, selectors.EVENT_READ, self._wake)
            while not self._over:
                self._register(selector)
                for key, events in selector.select():
                    if isinstance(key.data, _Seat):
                        self._attend(key.data, events)
                    else:
                        key.data()

    # Told by the session, from any thread.

    def shown(self, node: str, text: str, *, by: object | None, asks_for_secret: bool) -> None:
        """More is seen at a node."""
        self._tell(node, packed(text=text, secret=asks_for_secret), but=by)
        if by is not None:
            self._tell(node, packed(text="", secret=asks_for_secret), only=by)

    def ended(self, node: str, status: int) -> None:
        """A node's program has ended."""
        self._tell(node, packed(ended=status))

    def broke(self) -> None:
        """A node was lost."""
        self.end()

    def end(self) -> None:
        """Let `serve` return; a signal handler can call it, too, even when all is over."""
        if not self._over:
            self._over = True
            self._wake_up()

    def _tell(
        self, node: str, data: bytes, *, but: object | None = None, only: object | None = None
    ) -> None:
        with self._lock:
            for seat in self._seats:
                if seat.node == node and seat is not but and only in {None, seat}:
                    seat.outbox += data
        self._wake_up()

    def _wake_up(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._waker, b".")

    # In the serving thread.

    def _register(self, selector: selectors.BaseSelector) -> None:
        """Wait for what seats send, and for room where something waits to be sent to them."""
        with self._lock:
            seats = list(self._seats)
        there = {key.data for key in selector.get_map().values() if isinstance(key.data, _Seat)}
        for gone in there.difference(seats):
            selector.unregister(gone.connection)
            gone.connection.close()
        for seat in seats:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if seat.outbox else 0)
            if seat in there:
                selector.modify(seat.connection, events, seat)
            else:
                selector.register(seat.connection, events, seat)

    def _wake(self) -> None:
        os.read(self._woken, _PIECE)

    def _welcome(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(0)
        with self._lock:
            self._seats.append(_Seat(connection))

    def _attend(self, seat: _Seat, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                with self._lock:
                    del seat.outbox[: seat.connection.send(seat.outbox[:_PIECE])]
            if events & selectors.EVENT_READ:
                data = seat.connection.recv(_PIECE)
                if not data:
                    raise ConnectionResetError
                for message in seat.inbox.take(data):
                    self._obey(seat, message)
            if len(seat.outbox) > _MOST_WAITING:
                raise ConnectionResetError
        except BlockingIOError:
            pass
        except (OSError, ValueError, KeyError, TypeError):
            with self._lock:
                self._seats.remove(seat)

    def _obey(self, seat: _Seat, message: Message) -> None:
        if seat.node is None:
            self._seat(seat, str(message["join"]))
            return
        if "do" in message:
            control = str(message["do"])
            known = control in CONTROLS
            problem = self._session.do(seat.node, control) if known else f"no {control} here"
        else:
            line, secret = _line_of(message), message.get("secret") is True
            problem = self._session.type(seat.node, line, by=seat, secret=secret)
        if problem:
            self._tell(seat.node, packed(problem=problem), only=seat)

    def _seat(self, seat: _Seat, node: str) -> None:
        if node not in self._session.scenario.nodes:
            seat.outbox += packed(unknown=node, nodes=list(self._session.scenario.nodes))
            return

        def begin(history: str, status: int | None) -> None:
            seat.node = node
            seat.outbox += packed(text=history, secret=self._session.asks_for_secret(node))
            seat.outbox += b"" if status is None else packed(ended=status)

        self._session.watch(node, begin)

    def _hear_console(self) -> None:
        try:
            data = os.read(self._keyboard, _PIECE)
        except OSError:  # its terminal is gone
            data = b""
        if not data:
            self._over = True
            return
        *lines, self._typed = (self._typed + data).split(b"\n")
        for line in lines:
            self._console_line(line.decode(errors="replace"))

    def _console_line(self, line: str) -> None:
        if self._over:
            return
        if self._secret_for is not None:
            node, self._secret_for = self._secret_for, None
            self._console.set_echo(on=True)
            self._complain(self._session.type(node, line, secret=True))
            return
        order = read_order(line, self._session.scenario.nodes)
        if order is not None:
            self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        match order:
            case Say():
                self._complain(self._session.type(order.node, order.text))
            case Do():
                self._complain(self._session.do(order.node, order.control))
            case Hide():
                self._secret_for = order.node
                self._console.set_echo(on=False)
                self._console.say(f"type what is secret at {order.node}; it is not shown")
            case Done():
                self._over = True
            case Unclear():
                self._console.say(order.text)

    def _complain(self, problem: str) -> None:
        if problem:
            self._console.say(problem)


def _line_of(message: Message) -> str:
    """The line that a message asks to type.

    Raises:
        ValueError: it is not one line of text.
    """
    line = str(message["line"])
    if "\n" in line or "\0" in line:
        raise ValueError("got something else than a line")
    return line.encode().decode()  # half of a surrogate pair is no text
