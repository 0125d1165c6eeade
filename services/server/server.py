"""The server's sockets and threads: one thread accepts, every connection has one of its own."""

import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from services.channel import Channel, Codec, NoTlsError, TlsError
from services.lines import LineReader
from services.protocol import Ping, format_reply
from services.server.admission import Admission
from services.server.console import Console
from services.server.conversation import Caller, Conversation, refusal
from services.server.crew import Crew
from services.server.guesses import Guesses
from services.server.keys import PairKeys
from services.server.limits import Limits
from services.server.outbox import Outbox
from services.server.registry import Registry
from services.server.rendezvous import Rendezvous
from services.server.stun import StunService
from services.settings import reason
from services.tally import Tally
from services.values import Address, ErrorName

BACKLOG = 1024
"""Connections that wait to be accepted, if the system allows it; one more tries again in 1 s."""
ACCEPT_PAUSE = 0.2
"""Seconds until the next try when no connection can be taken, for want of descriptors say."""
LEAVE_TIMEOUT = 5.0
"""Seconds that the threads have to be done with their connections when the server ends."""
_LOST_AFTER = 60
"""Seconds after which a client that answers nothing, not even at the level of TCP, is gone."""


class GivenUpError(Exception):
    """Raised when a client is not served any longer; says why."""


class Server:
    """Accepts connections until it is told to stop."""

    def __init__(
        self,
        listener: socket.socket,
        password: str,
        console: Console,
        limits: Limits = Limits(),  # noqa: B008 - a constant
        secure: Callable[[], Codec] | None = None,
    ) -> None:
        """Serve on a listening socket, which the caller closes, and answer STUN at its port.

        With `secure`, which makes one end of TLS, all connections are in TLS.
        """
        self._secure = secure
        # Keys that go in clear would keep nothing secret.
        registry = Registry(PairKeys(os.urandom(32)) if secure else None)
        self._rendezvous = Rendezvous(registry, os.urandom, time.monotonic)
        self._listener = listener
        self._password = password
        self._console = console
        self._limits = limits
        self._admission = Admission(limits.connections, limits.connections_per_address)
        self._guesses = Guesses(limits.guess_delay, limits.guess_delay_most, time.monotonic)
        self._refused = Tally(time.monotonic)
        self._stopping = threading.Event()
        self._crew = Crew(self.handle_client)
        self._left = threading.Condition(threading.Lock())
        self._connections: set[socket.socket] = set()
        self._outboxes: dict[Channel, Outbox] = {}
        self._stun = self._bind_stun()

    def serve(self, stop: socket.socket) -> None:
        """Accept until `stop` becomes readable, then end every connection."""
        # A connection can be gone again between select and accept, which must not block then.
        self._listener.settimeout(0)
        self._tune()
        if self._stun:
            self._stun.start()
        short_of_means = False
        while True:
            readable, _, _ = select.select([self._listener, stop], [], [], self._refused.due())
            self._tell_refused()
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
            if self._admission.enter(address[0]):
                self._start(connection, address)
            else:
                self._refuse(connection)
        if self._stun:
            self._stun.close()
        self._end_all()

    def handle_client(self, connection: socket.socket, address: Address) -> None:
        """Serve one connection until it ends, in whatever way; runs in a thread of its own."""
        # Whatever goes wrong, the place becomes free.
        try:
            channel = Channel(connection, self._secure() if self._secure else None)
            outbox = Outbox(connection, channel.encode)
            conversation = Conversation(
                Caller(address, outbox.leave),
                self._rendezvous,
                self._password,
                self._console,
                longest_username=self._limits.longest_username,
                hold_back=lambda: self._hold_back(address),
            )
            self._outboxes[channel] = outbox
            try:
                self._attend(connection, address, channel, conversation)
            finally:
                conversation.end()
                outbox.close()
                del self._outboxes[channel]
                channel.finish()
        finally:
            self._leave(connection, address)

    def _attend(
        self,
        connection: socket.socket,
        address: Address,
        channel: Channel,
        conversation: Conversation,
    ) -> None:
        try:
            self._converse(channel, conversation)
        except (GivenUpError, TlsError) as why:
            # Whoever reads the line finds the label off the list.
            conversation.end()
            self._console.complain(f"dropped {address}, which {why}")
            if isinstance(why, NoTlsError):
                _send_at_once(connection, ErrorName.TLS_REQUIRED, "this server speaks TLS alone")
        except OSError:
            # Reset by the client or cut off by the network: an ordinary end.
            pass

    def _bind_stun(self) -> StunService | None:
        """Bind for STUN at the port of the listener, if that is free."""
        address = self._listener.getsockname()
        try:
            stun = StunService(address, self._rendezvous, self._console.complain)
        except OSError as error:
            self._console.complain(f"cannot answer STUN on UDP port {address[1]}: {reason(error)}")
            return None
        self._rendezvous.ports = stun.ports
        return stun

    def _start(self, connection: socket.socket, address: Address) -> None:
        self._console.say(f"Accepted connection from {address}")
        # Entered before the start: whoever serves it takes it out again, maybe at once.
        with self._left:
            self._connections.add(connection)
        try:
            self._crew.take_on(connection, address)
        except RuntimeError as error:
            self._console.complain(f"cannot serve {address}: {error}")
            self._leave(connection, address)

    def _leave(self, connection: socket.socket, address: Address) -> None:
        with self._left:
            self._connections.remove(connection)
            connection.close()
            if self._stopping.is_set():
                self._left.notify()
        self._admission.leave(address[0])

    def _converse(self, channel: Channel, conversation: Conversation) -> None:
        lines = LineReader(self._limits.longest_line)
        refused, login_by = 0, time.monotonic() + self._limits.login_within
        while not conversation.is_over():
            if conversation.logged_in:
                data = self._hear(channel, answers_pings=conversation.answers_pings)
            else:
                data = self._hear_login(channel, login_by)
            if not data:
                return
            said = deque(lines.feed(data))
            while said:
                answer = conversation.answer(said.popleft())
                is_wrong = conversation.wrong_passwords > refused
                # More time is for those who wait for the refusal: guesses that were sent ahead
                # would hold the connection for as long as each of them is held back. Looked at
                # before the refusal, for the next guess may come at once after it.
                has_waited = is_wrong and not said and not channel.has_more()
                if answer:
                    self._send(channel, answer)
                    conversation.sent()
                if conversation.is_over():
                    return
                refused = conversation.wrong_passwords
                if has_waited:
                    login_by = time.monotonic() + self._limits.login_within
                elif is_wrong and time.monotonic() >= login_by:
                    self._show_out(channel)

    def _hear(self, channel: Channel, *, answers_pings: bool) -> bytes:
        """Return what a client says that has logged in; ask one that is silent whether it is there.

        Raises:
            GivenUpError: it does not answer.
        """
        limits = self._limits
        data = channel.receive(limits.ping_after if answers_pings else None)
        if data is None:
            self._send(channel, format_reply(Ping()))
            data = channel.receive(limits.pong_within)
        if data is None:
            raise GivenUpError(f"was silent for {limits.ping_after + limits.pong_within:g} s")
        return data

    def _hear_login(self, channel: Channel, login_by: float) -> bytes:
        left = login_by - time.monotonic()
        data = channel.receive(left) if left > 0 else None
        return self._show_out(channel) if data is None else data

    def _show_out(self, channel: Channel) -> NoReturn:
        text = f"a login takes {self._limits.login_within:g} s at most"
        self._send(channel, refusal(ErrorName.LOGIN_TIMEOUT, text))
        raise GivenUpError("did not log in in time")

    def _send(self, channel: Channel, data: bytes) -> None:
        try:
            self._outboxes[channel].send(data, self._limits.send_within)
        except TimeoutError:
            raise GivenUpError("does not read its answers") from None

    def _hold_back(self, address: Address) -> None:
        # Ends early when the server does.
        self._stopping.wait(self._guesses.wrong(address[0]))

    def _refuse(self, connection: socket.socket) -> None:
        # In clear in any case: a handshake would hold up everybody else.
        with connection:
            _send_at_once(
                connection, ErrorName.TOO_MANY_CONNECTIONS, "there are too many connections"
            )
        self._refused.count("refused")
        self._tell_refused()

    def _tell_refused(self) -> None:
        if told := self._refused.line():
            self._console.complain(f"too many connections: {told}")

    def _tune(self) -> None:
        """Send answers at once, keep few of them, notice a client that the network has swallowed.

        Set at the listening socket, from which every connection has it. The last is for clients
        that answer no PING: TCP finds the ones that are cut off, not the paused ones.
        """
        listener = self._listener
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.send_queue)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":
            # First probe when half of the time is over, then six until the end of it.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _LOST_AFTER // 2)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _LOST_AFTER // 12)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _LOST_AFTER * 1000)

    def _end_all(self) -> None:
        # First of all nobody gets in any more: a client that comes back at once is refused.
        self._listener.close()
        self._stopping.set()
        with self._left:
            for connection in self._connections:
                # Wakes the thread; closing is left to it. Some may not be connected any more.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._left.wait_for(lambda: not self._connections, LEAVE_TIMEOUT)


def _send_at_once(connection: socket.socket, name: ErrorName, text: str) -> None:
    """Refuse a connection in clear, if that can be done without waiting."""
    with contextlib.suppress(OSError):
        connection.settimeout(0)
        connection.send(refusal(name, text))
