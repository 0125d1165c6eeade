"""The client's main thread: waits for the person and the server at once, carries out the session.

The receive thread is `peer.Peer`'s; it reaches this one through a socket that wakes it up.
"""

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.client.actions import (
    Action,
    Actions,
    Ask,
    Dial,
    End,
    Forget,
    HangUp,
    Learn,
    LearnKey,
    OpenPeer,
    PlaySound,
    PunchHoles,
    Question,
    Reach,
    Register,
    SendMessage,
    SendRequest,
    Show,
)
from services.client.book import AddressBook
from services.client.keyboard import Keyboard
from services.client.news import Found, Punched
from services.client.peer import Peer
from services.client.redial import BackOff, Redial
from services.client.screen import Screen
from services.client.session import Session
from services.client.signalling import ConnectionLostError, ServerGoneError, Signalling
from services.display import escape
from services.media.orders import SoundError
from services.protocol import Ping
from services.settings import reason
from services.values import Address, ProtocolError

if TYPE_CHECKING:
    from services.client.seals import Seals

REPLY_TIMEOUT = 30.0
"""Seconds without an answer after which the server counts as gone; TCP gets over shorter gaps."""


class Options(NamedTuple):
    """What a client was told to do in its own way.

    Attributes:
        back_off: how long to wait between tries to reach a server that was lost.
        server_silence: seconds after which a server counts as lost that has to give signs of life.
        media_directory: where files of what is heard go, if there are to be any.
        keep_open: seconds from one use of a NAT's mapping to the next.
        make_seals: makes what seals messages, of what wakes the main thread, if they are sealed.
    """

    back_off: BackOff
    server_silence: float
    media_directory: str | None
    keep_open: float
    make_seals: "Callable[[Callable[[], None]], Seals] | None" = None


class Client:
    """Everything of one client that is open: connection, UDP socket, keyboard, screen."""

    def __init__(
        self,
        signalling: Signalling,
        session: Session,
        keyboard: Keyboard,
        screen: Screen,
        options: Options,
    ) -> None:
        """Take over an open connection; `run` closes it."""
        self._signalling: Signalling | None = signalling
        self._local_address = session.local_address = signalling.local_address
        self._session = session
        self._keyboard = keyboard
        self._screen = screen
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)
        self._book = AddressBook(self._wake)
        self._seals = options.make_seals(self._wake) if options.make_seals else None
        self._peer = Peer(
            self._book,
            screen,
            self._wake,
            options.media_directory,
            options.keep_open,
            self._seals,
        )
        self._typed: deque[str | ProtocolError | None] = deque()
        self._redial = Redial(
            signalling.server_address, options.back_off, time.monotonic, signalling.again
        )
        self._server_silence = options.server_silence
        self._heard = time.monotonic()
        self._asked: float | None = None
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
        ready = self._wait(stop)
        if stop in ready:
            self._perform(self._session.input_ended())
            return
        self._attend(ready)
        if self._status is None:
            self._look_at_the_clock()

    def _wait(self, stop: socket.socket) -> Sequence[object]:
        """Return what is ready; nothing is read from the keyboard before it is wanted."""
        sources: list[socket.socket | Signalling | Keyboard] = [stop, self._woken]
        if self._signalling:
            sources.append(self._signalling)
        if self._session.awaits_reply:
            self._asked = self._asked or time.monotonic()
        else:
            self._asked = None
            if not self._typed:
                sources.append(self._keyboard)
        dialling = [self._redial] if self._redial.dialling else []
        readable, writable, _ = select.select(sources, dialling, [], self._patience())
        return [*readable, *writable]

    def _patience(self) -> float | None:
        """Return the seconds until something has to be done though nothing has come."""
        now = time.monotonic()
        waits = [deadline - now for deadline, _ in self._deadlines()]
        if (redial := self._redial.patience()) is not None:
            waits.append(redial)
        if self._typed and self._session.awaits_input:
            waits.append(0.0)
        return max(0.0, min(waits)) if waits else None

    def _deadlines(self) -> list[tuple[float, bool]]:
        """Until when the server has to be heard, and whether that is about signs of life."""
        deadlines = []
        if self._signalling and self._session.expects_signs:
            deadlines.append((self._heard + self._server_silence, True))
        if self._signalling and self._asked:
            deadlines.append((self._asked + REPLY_TIMEOUT, False))
        return deadlines

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        passed = [about_life for deadline, about_life in self._deadlines() if now >= deadline]
        # Only what has not come counts as late: this program may have stood still itself, and
        # then the time is over before anybody has looked.
        if passed and self._signalling and not select.select([self._signalling], [], [], 0)[0]:
            (about_life, *_) = passed
            if about_life:
                text = f"it has been silent for {self._server_silence:g} s"
                self._perform(self._session.connection_lost(text, silent=True))
            else:
                self._perform(self._session.server_gone("it does not answer"))

    def _attend(self, readable: Sequence[object]) -> None:
        self._proceed_dialling(writable=self._redial in readable)
        if self._woken in readable:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
            self._ask_for_the_receiver()
            self._take_news()
        if self._signalling and self._signalling in readable:
            self._hear_server(self._signalling)
        if self._keyboard in readable:
            self._typed.extend(self._keyboard.read())
        if self._typed and self._session.awaits_input:
            self._take_line(self._typed.popleft())

    def _ask_for_the_receiver(self) -> None:
        if self._signalling and self._book.take_question():
            self._perform(self._session.look_up())
        if self._signalling and self._seals and (label := self._seals.take_question()):
            self._perform(self._session.key_wanted(label))

    def _take_news(self) -> None:
        while self._peer.news and self._status is None:
            match self._peer.news.popleft():
                case Found(nat):
                    self._perform(self._session.registered(nat))
                case Punched(label, why):
                    self._perform(self._session.punched(label, why))

    def _proceed_dialling(self, *, writable: bool) -> None:
        match self._redial.proceed(writable=writable):
            case None:
                return
            case OSError() as error:
                refused = isinstance(error, ConnectionRefusedError)
                self._perform(self._session.dial_failed(reason(error).lower(), refused=refused))
            case signalling:
                self._signalling = signalling
                self._local_address = self._session.local_address = signalling.local_address
                self._heard = time.monotonic()
                self._asked = None
                self._perform(self._session.connected())

    def _hear_server(self, signalling: Signalling) -> None:
        try:
            replies = signalling.receive()
        except ConnectionLostError as lost:
            self._perform(self._session.connection_lost(str(lost), silent=False))
            return
        except ServerGoneError as gone:
            self._perform(self._session.server_gone(str(gone)))
            return
        self._heard = time.monotonic()
        if any(not isinstance(reply, Ping) for reply in replies):
            # What is asked from now on has a time of its own.
            self._asked = None
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
            case Show() | Ask():
                self._print(action)
            case SendRequest(_, data):
                self._request(data)
            case OpenPeer():
                self._open(action)
            case Register() | Reach() | PunchHoles():
                self._traverse(action)
            case SendMessage() | PlaySound():
                self._to_peers(action)
            case Learn() | LearnKey() | Forget():
                self._learn(action)
            case HangUp():
                self._hang_up()
            case Dial():
                self._redial.begin()
            case End(status):
                self._status = status

    def _print(self, action: Show | Ask) -> None:
        match action:
            case Show(text):
                self._screen.show(text)
            case Ask(question):
                self._keyboard.hide(hidden=question is Question.PASSWORD)
                self._screen.ask(question.value)

    def _request(self, data: bytes) -> None:
        if not self._signalling:
            return
        # A connection that cannot be written to can be read to its end: that is where the
        # session hears of it, once, after the answers that are still on their way.
        with contextlib.suppress(ConnectionLostError):
            self._signalling.send(data)

    def _open(self, action: OpenPeer) -> None:
        self._book.reopen()
        if self._seals:
            # A label may be another's by now, and nothing sealed is to be shown as somebody else's.
            self._seals.log_in(action.label, self._book.forget())
        self._peer.open(action.address, self._local_address)

    def _learn(self, action: Learn | LearnKey | Forget) -> None:
        match action:
            case Forget():
                self._book.forget()
            case Learn(clients, looked_up):
                self._book.learn(clients, looked_up=looked_up)
            case LearnKey(label, key):
                if self._seals:
                    self._seals.learn(label, key)

    def _traverse(self, action: Register | Reach | PunchHoles) -> None:
        match action:
            case Register(label, stun):
                server, _ = self._redial.address
                self._peer.register(server, stun, label, self._local_address)
            case Reach(labels):
                missing = [label for label in labels if not self._peer.path_to(label)]
                self._perform(self._session.without_path(missing))
            case PunchHoles(hole):
                self._peer.punch(hole)

    def _to_peers(self, action: SendMessage | PlaySound) -> None:
        match action:
            case SendMessage():
                self._send(action)
            case PlaySound():
                self._play(action)

    def _send(self, action: SendMessage) -> None:
        for label, address in self._on_paths(action.recipients).items():
            data = self._seals.seal(action.data, label) if self._seals else action.data
            try:
                self._peer.send(action.message, data, address)
            except OSError as error:
                self._screen.show(f"Cannot send to {label}: {escape(reason(error))}.")

    def _play(self, action: PlaySound) -> None:
        try:
            self._screen.show(self._peer.play(action.order, self._on_paths(action.recipients)))
        except SoundError as error:
            self._perform(self._session.sound_refused(str(error)))
        else:
            self._perform(self._session.sound_begun())

    def _on_paths(self, recipients: Mapping[str, Address]) -> dict[str, Address]:
        return {
            label: self._peer.path_to(label) or address for label, address in recipients.items()
        }

    def _hang_up(self) -> None:
        if self._signalling:
            self._signalling.close(farewell=False)
            self._signalling = None
        self._redial.close()
        self._forget_questions()

    def _forget_questions(self) -> None:
        self._book.close()
        if self._seals:
            self._seals.close()

    def _wake(self) -> None:
        # A full buffer wakes as well as one more byte would.
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"\0")

    def _close(self) -> None:
        self._keyboard.hide(hidden=False)
        self._forget_questions()
        self._peer.close()
        self._redial.close()
        if self._signalling:
            self._signalling.close(farewell=True)
        self._woken.close()
        self._waker.close()
