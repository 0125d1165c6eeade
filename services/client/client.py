"""The client's main thread: waits for the person and the server at once, carries out the session.

The receive thread is `peer.Peer`'s; it reaches this one through a socket that wakes it up.
"""

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Sequence

from services.client.keyboard import Keyboard
from services.client.peer import AddressBook, Peer
from services.client.screen import Screen
from services.client.session import (
    Action,
    Actions,
    Ask,
    End,
    HangUp,
    Learn,
    OpenPeer,
    PlaySound,
    Question,
    SendMessage,
    SendRequest,
    Session,
    Show,
)
from services.client.signalling import ServerGoneError, Signalling
from services.display import escape
from services.media.orders import SoundError
from services.settings import reason
from services.values import ProtocolError

REPLY_TIMEOUT = 30.0
"""Seconds without an answer after which the server counts as gone; TCP gets over shorter gaps."""


class Client:
    """Everything of one client that is open: connection, UDP socket, keyboard, screen."""

    def __init__(
        self,
        signalling: Signalling,
        session: Session,
        keyboard: Keyboard,
        screen: Screen,
        media_directory: str | None,
    ) -> None:
        """Take over an open connection; `run` closes it.

        What is heard goes into files of the media directory, if there is one.
        """
        self._signalling: Signalling | None = signalling
        self._local_address = signalling.local_address
        self._session = session
        self._keyboard = keyboard
        self._screen = screen
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)
        self._book = AddressBook(self._wake)
        self._peer = Peer(self._book, screen, self._wake, media_directory)
        self._typed: deque[str | ProtocolError | None] = deque()
        self._deadline: float | None = None
        self._status: int | None = None

    def run(self, stop: socket.socket) -> int:
        """Hold the dialogue until it ends or `stop` becomes readable; return the exit status."""
        try:
            self._perform(self._session.start())
            while self._status is None:
                if self._screen.broken:
                    self._perform(self._session.failed("Nobody reads the output."))
                else:
                    self._step(stop)
            return self._status
        finally:
            self._close()

    def _step(self, stop: socket.socket) -> None:
        readable = self._wait(stop)
        if stop in readable:
            self._perform(self._session.input_ended())
        elif self._overdue():
            self._perform(self._session.server_gone("it does not answer"))
        else:
            self._attend(readable)

    def _wait(self, stop: socket.socket) -> Sequence[object]:
        """Return what is readable; nothing is read from the keyboard before it is wanted."""
        sources: list[socket.socket | Signalling | Keyboard] = [stop, self._woken]
        if self._signalling:
            sources.append(self._signalling)
        patience: float | None = None
        if self._session.awaits_reply:
            self._deadline = self._deadline or time.monotonic() + REPLY_TIMEOUT
            patience = max(0.0, self._deadline - time.monotonic())
        else:
            self._deadline = None
            if self._typed:
                patience = 0.0
            else:
                sources.append(self._keyboard)
        readable, _, _ = select.select(sources, [], [], patience)
        return readable

    def _overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _attend(self, readable: Sequence[object]) -> None:
        if self._woken in readable:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
            if self._signalling and self._book.take_question():
                self._perform(self._session.look_up())
        if self._signalling and self._signalling in readable:
            self._hear_server(self._signalling)
        if self._keyboard in readable:
            self._typed.extend(self._keyboard.read())
        if self._typed and self._session.awaits_input:
            self._take_line(self._typed.popleft())

    def _hear_server(self, signalling: Signalling) -> None:
        try:
            replies = signalling.receive()
        except ServerGoneError as gone:
            self._perform(self._session.server_gone(str(gone)))
            return
        for reply in replies:
            if self._signalling and self._status is None:
                self._perform(self._session.reply_arrived(reply))

    def _take_line(self, line: str | ProtocolError | None) -> None:
        if line is None:
            self._perform(self._session.input_ended())
            return
        self._screen.answered()
        self._keyboard.hide(hidden=False)
        if isinstance(line, ProtocolError):
            self._perform(self._session.line_refused(line))
        else:
            self._perform(self._session.line_typed(line))

    def _perform(self, actions: Actions) -> None:
        if any(isinstance(action, End) for action in actions):
            self._screen.leave()
        for action in actions:
            try:
                self._carry_out(action)
            except OSError as error:
                # The UDP socket cannot be opened: what was to follow makes no sense any more.
                text = f"Cannot receive messages by UDP: {reason(error)}."
                self._perform(self._session.failed(text))
                return

    def _carry_out(self, action: Action) -> None:
        match action:
            case Show(text):
                self._screen.show(text)
            case Ask(question):
                self._keyboard.hide(hidden=question is Question.PASSWORD)
                self._screen.ask(question.value)
            case SendRequest(_, data):
                self._request(data)
            case OpenPeer(address):
                self._peer.open(address, self._local_address)
            case SendMessage():
                self._send(action)
            case PlaySound():
                self._play(action)
            case Learn(clients, looked_up):
                self._book.learn(clients, looked_up=looked_up)
            case HangUp():
                self._hang_up()
            case End(status):
                self._status = status

    def _request(self, data: bytes) -> None:
        if not self._signalling:
            return
        # A connection that cannot be written to can be read to its end: that is where the
        # session hears of it, once, after the answers that are still on their way.
        with contextlib.suppress(ServerGoneError):
            self._signalling.send(data)

    def _send(self, action: SendMessage) -> None:
        for label, address in action.recipients.items():
            try:
                self._peer.send(action.message, action.data, address)
            except OSError as error:
                self._screen.show(f"Cannot send to {label}: {escape(reason(error))}.")

    def _play(self, action: PlaySound) -> None:
        try:
            self._screen.show(self._peer.play(action.order, action.recipients))
        except SoundError as error:
            self._perform(self._session.sound_refused(str(error)))
        else:
            self._perform(self._session.sound_begun())

    def _hang_up(self) -> None:
        if self._signalling:
            self._signalling.close(farewell=False)
            self._signalling = None
        self._book.close()

    def _wake(self) -> None:
        # A full buffer wakes as well as one more byte would.
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"\0")

    def _close(self) -> None:
        self._keyboard.hide(hidden=False)
        self._peer.close()
        if self._signalling:
            self._signalling.close(farewell=True)
        self._woken.close()
        self._waker.close()
