"""Being on the server's list: logging in, losing the server, coming back to it.

The part of the dialogue that deals with the connection; `session.py` has the part with the person.
"""

from collections.abc import Callable
from enum import Enum, auto

from services.client.actions import (
    Actions,
    Ask,
    Dial,
    End,
    HangUp,
    OpenPeer,
    Question,
    Register,
    SendRequest,
    Show,
)
from services.datagram import MAX_DATAGRAM
from services.display import escape
from services.nat import Nat
from services.parameters import Parameters
from services.protocol import (
    PUNCHED_FROM,
    VERSION,
    Accepted,
    Behind,
    Login,
    Offer,
    Refused,
    Request,
    format_request,
)
from services.values import Address, ErrorName

OFFERED = Parameters((), ("CHAT/1", "PCMU/8000"), {"datagram": MAX_DATAGRAM})
"""What this client tells of itself; its address the server knows."""
OFFERED_SEALED = Parameters((), ("CHAT/2",), {"datagram": MAX_DATAGRAM})
"""The same of a client that takes nothing but sealed messages."""


class Link(Enum):
    """How things stand with the server."""

    UP = auto()
    LOST = auto()
    """There is no connection, and the client tries to make one."""
    RETURNING = auto()
    """There is one again, and the login on it is not answered yet."""
    CLOSED = auto()
    """There is none, and none is tried: not before there is something to say, or never again."""


class Membership:
    """One client's standing with the server; knows the open prompt, so that none is lost."""

    def __init__(self, *, stay: bool, plain: bool, sealed: bool) -> None:
        """Start connected and not logged in; with `stay` never end because of the server.

        A `plain` client does nothing about NATs: it speaks the version before. With `sealed`
        messages go sealed, and nothing else is sent or taken.
        """
        self.local_address: Address | None = None
        """This end of the connection, where it may be another than the server sees."""
        self._stay = stay
        self._sealed = sealed
        self._plain = plain
        self._version = PUNCHED_FROM - 1 if plain else VERSION
        self._question: Question | None = None
        self._ended = False
        self._label = ""
        self._login = Login("", "")
        self._is_behind = False
        self._welcome: Callable[[], Actions] = list
        """What is still to be said of a login that waits for its registration."""
        self._link = Link.UP
        self._lost_because = ""
        self._told_lost = False
        self._was_closed = False
        self._and_then: Callable[[], Actions] = list
        """How the dialogue goes on if it waits for the server and that has gone."""
        self._once_more: Callable[[], Actions] = list
        """What to ask the server anew if the dialogue waits for it and it is back."""
        self._to_ask_again: Callable[[], Actions] = list
        """That, as it was when the last login was accepted: what is asked later is no concern."""

    @property
    def awaits_input(self) -> bool:
        """Whether a prompt is open; otherwise the server's answer is awaited, or nothing."""
        return self._question is not None

    @property
    def awaits_reply(self) -> bool:
        """Whether the dialogue stands still until the server answers."""
        return self._question is None and not self._ended

    @property
    def expects_signs(self) -> bool:
        """Whether the server has to give signs of life: it asks a client that has logged in."""
        return bool(self._label) and self._link in {Link.UP, Link.RETURNING}

    def connected(self) -> Actions:
        """Take that there is a connection again, as `Dial` wanted: log in as before."""
        self._link = Link.RETURNING
        return self._tell_server(self._login)

    def dial_failed(self, reason: str, *, refused: bool) -> Actions:
        """Take that the server could not be reached; `refused` if its machine said so.

        A server that has closed the connection and cannot be reached at once has gone, too: where
        a machine ends with it, nobody is there to refuse.
        """
        if not self._label:
            return self.server_gone(reason)
        if refused or (self._was_closed and not self._told_lost):
            return self.server_gone(self._lost_because)
        self._link = Link.LOST
        return [*self._tell_lost(), Dial()]

    def connection_lost(self, reason: str, *, silent: bool) -> Actions:
        """Take that the connection is of no use any more; `silent` if nothing was heard on it."""
        if not self._label:
            return self.server_gone(reason)
        if self._link is Link.RETURNING:
            return [HangUp(), *self.dial_failed(reason, refused=False)]
        self._link = Link.LOST
        self._lost_because = reason
        self._was_closed = not silent
        # One try is quick and may succeed before anybody has noticed: then one line tells both.
        told = self._tell_lost() if silent else []
        return [HangUp(), *told, Dial()]

    def server_gone(self, reason: str) -> Actions:
        """Take that there is no server any more, or none that can be understood."""
        if not self._stay or not self._label:
            return [HangUp(), Show(f"The server has gone: {reason}."), *self._end(1)]
        self._link = Link.LOST
        self._lost_because = reason
        return [HangUp(), *self._tell_lost(), Dial()]

    def _awaits_login(self) -> bool:
        return self._link is Link.RETURNING or (self.awaits_reply and not self._label)

    def _login_answered(self, reply: Accepted | Refused) -> Actions:
        return self._accepted(reply) if isinstance(reply, Accepted) else self._login_refused(reply)

    def _accepted(self, reply: Accepted) -> Actions:
        welcome = self._welcome_back if self._label else self._welcome_first
        self._label = reply.label
        self._link = Link.UP
        self._to_ask_again = list if self.awaits_input else self._once_more
        seen = (reply.ip, reply.port)
        local = seen if self._plain else self.local_address or seen
        self._is_behind = local != seen
        offered = OFFERED_SEALED if self._sealed else OFFERED
        if self._is_behind:
            offered = offered._replace(addresses=(local,))
        opened = [OpenPeer(seen, reply.label), *self._tell_server(Offer(offered))]
        if not self._is_behind or not reply.stun:
            return [*opened, *welcome()]
        earlier = self._welcome
        self._welcome = lambda: [*earlier(), *welcome()]
        return [*opened, Register(reply.label, reply.stun)]

    def registered(self, nat: Nat | None) -> Actions:
        """Take what this client is behind; None if that is not known yet, and nothing waits for it.

        It is called once more when it is known.
        """
        welcome, self._welcome = self._welcome, list
        told = self._tell_server(Behind(nat)) if nat else []
        return [*told, *welcome()]

    def _welcome_first(self) -> Actions:
        return [Show("Authentication successful!"), *self._ask(Question.LIST)]

    def _welcome_back(self) -> Actions:
        back = "The server is back"
        if not self._told_lost:
            back = f"The connection to the server was lost: {self._lost_because}"
        self._told_lost = False
        asking, self._to_ask_again = self._to_ask_again, list
        waiting = [] if self.awaits_input else asking()
        return [Show(f"{back}. Logged in again as {self._label}."), *waiting]

    def _login_refused(self, reply: Refused) -> Actions:
        refusal = f"The server refuses the login: {escape(reply.text)}"
        if self._label:
            if reply.name in {ErrorName.TOO_MANY_CONNECTIONS, ErrorName.LOGIN_TIMEOUT}:
                return [HangUp(), *self.dial_failed(reply.text, refused=False)]
            if not self._stay:
                return [HangUp(), Show(refusal), *self._end(1)]
            self._link = Link.CLOSED
            return [HangUp(), Show(refusal), *self._tell_lost()]
        if reply.name == ErrorName.LOGIN_TIMEOUT:
            self._link = Link.LOST
            return [HangUp(), Dial()]
        if reply.name == ErrorName.TLS_REQUIRED:
            return self._unwanted(reply)
        self._link = Link.UP
        if reply.name == ErrorName.WRONG_PASSWORD:
            refusal = "Incorrect username or password. Please try again."
        return [Show(refusal), *self._ask(Question.USERNAME)]

    def _refused_unasked(self, reply: Refused) -> Actions:
        """Take an error that answers nothing: the server does not want this connection."""
        if self._label:
            return self.server_gone(f"it refuses a request: {escape(reply.text)}")
        if reply.name == ErrorName.LOGIN_TIMEOUT:
            # The person takes time; there will be another connection when it is needed.
            self._link = Link.CLOSED
            return [HangUp()]
        return self._unwanted(reply)

    def _unwanted(self, reply: Refused) -> Actions:
        refusal = f"The server refuses the connection: {escape(reply.text)}."
        return [HangUp(), Show(refusal), *self._end(1)]

    def _log_in(self, login: Login) -> Actions:
        """Send a login, over a new connection if the server has closed the one there was.

        Raises:
            ProtocolError: the username or the password is outside its bounds.
        """
        request = SendRequest(login, format_request(login))
        self._login = login
        if self._link is Link.CLOSED:
            self._link = Link.LOST
            return [Dial()]
        return [request]

    def _inquire(self, ask: Callable[[], Actions], without: Callable[[], Actions]) -> Actions:
        """Ask the server and wait for its answer; go on `without` once it is known to have gone."""
        self._once_more, self._and_then = ask, without
        if self._link is Link.UP:
            return ask()
        return without() if self._told_lost else []

    def _tell_lost(self) -> Actions:
        if self._told_lost:
            return []
        self._told_lost = True
        following = [] if self.awaits_input else self._and_then()
        text = f"The server has gone: {self._lost_because}. Going on with the clients known so far."
        return [Show(text), *following]

    def _tell_server(self, request: Request) -> Actions:
        if self._link in {Link.LOST, Link.CLOSED}:
            return []
        return [SendRequest(request, format_request(request))]

    def _ask(self, question: Question) -> Actions:
        self._question = question
        return [Ask(question)]

    def _end(self, status: int) -> Actions:
        self._question = None
        self._ended = True
        return [End(status)]
