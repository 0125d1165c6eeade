"""What is answered on one connection, whatever carries the lines."""

import hmac
from collections.abc import Callable
from typing import NamedTuple

from services.protocol import (
    PINGED_FROM,
    PUNCHED_FROM,
    Accepted,
    AskKey,
    AskParameters,
    Behind,
    Bye,
    ListClients,
    Login,
    Noted,
    Offer,
    PeerKey,
    PeerParameters,
    Pong,
    Punch,
    Quit,
    Refused,
    Request,
    format_reply,
    parse_request,
)
from services.server.console import Console
from services.server.rendezvous import Rendezvous
from services.values import Address, ErrorName, ProtocolError


class Caller(NamedTuple):
    """The other end of a connection: its address, and what leaves a line for it unasked."""

    address: Address
    deliver: Callable[[bytes], bool]


class Conversation:
    """What one connection has said so far, and what the answer to its next line is."""

    def __init__(
        self,
        caller: Caller,
        rendezvous: Rendezvous,
        password: str,
        console: Console,
        *,
        longest_username: int,
        hold_back: Callable[[], None],
    ) -> None:
        """Start before the login; `hold_back` takes its time before a wrong password is refused."""
        self._address = caller.address
        self._deliver = caller.deliver
        self._registry = rendezvous.registry
        self._rendezvous = rendezvous
        self._password = password.encode()
        self._console = console
        self._longest_username = longest_username
        self._hold_back = hold_back
        self.wrong_passwords = 0
        """How many were refused so far."""
        self._label: str | None = None
        self._version = 0
        self._welcomed = False
        self._over = False

    @property
    def logged_in(self) -> bool:
        """Whether the client is on the list."""
        return self._label is not None

    @property
    def answers_pings(self) -> bool:
        """Whether the client has logged in with a version of the protocol that has PING."""
        return self.logged_in and self._version >= PINGED_FROM

    def answer(self, line: str | ProtocolError) -> bytes:
        """Return the lines that answer a line, which may be one that could not be read."""
        if isinstance(line, ProtocolError):
            return refusal(line.name, line.text)
        try:
            request = parse_request(line)
        except ProtocolError as error:
            return refusal(error.name, error.text)
        match request:
            case Login():
                return self._log_in(request)
            case Quit():
                self.end()
                return format_reply(Bye())
            case _ if self._label is None:
                return refusal(ErrorName.LOGIN_REQUIRED, "log in first")
            case _:
                return self._serve(self._label, request)

    def sent(self) -> None:
        """Take that what was answered so far is on its way: others may leave lines after a login.

        Before, what they leave could reach the client before its `OK`.
        """
        self._welcomed = self.logged_in

    def is_over(self) -> bool:
        """Return whether the client has said that it leaves."""
        return self._over

    def end(self) -> None:
        """Give the label back, before anybody is told that the client has gone."""
        self._over = True
        if self._label is not None:
            self._registry.remove(self._label)
            self._rendezvous.leave(self._label)
            self._label = None

    def _log_in(self, login: Login) -> bytes:
        if self._label is not None:
            return refusal(ErrorName.ALREADY_LOGGED_IN, f"this connection is {self._label}")
        if len(login.username) > self._longest_username:
            return refusal(
                ErrorName.BAD_USERNAME, f"a username has 1 to {self._longest_username} characters"
            )
        if not hmac.compare_digest(login.password.encode(), self._password):
            self.wrong_passwords += 1
            self._hold_back()
            return refusal(
                ErrorName.WRONG_PASSWORD, "Incorrect username or password. Please try again."
            )
        self._version = login.version
        self._label = self._registry.add(self._address)
        self._console.say(f"Authentication successful for {self._address}")
        stun = None
        if login.version >= PUNCHED_FROM:
            stun = self._rendezvous.enter(self._label, self._leave)
        return format_reply(Accepted(self._label, *self._address, stun))

    def _leave(self, line: bytes) -> bool:
        return self._welcomed and self._deliver(line)

    def _serve(self, label: str, request: Request) -> bytes:  # noqa: PLR0911 - one for each request
        match request:
            case ListClients():
                return self._registry.listing(self._version)
            case Offer() | Behind():
                self._note(label, request)
                return format_reply(Noted())
            case AskParameters(asked):
                found = self._registry.parameters_of(asked)
                if found is None:
                    return _unknown(asked)
                return format_reply(PeerParameters(asked, found))
            case AskKey(peer):
                return self._key(label, peer)
            case Punch(asked):
                return self._rendezvous.punch(label, asked)
            case Pong():
                return b""
            case Login() | Quit():
                raise AssertionError(request)

    def _key(self, label: str, peer: str) -> bytes:
        if self._registry.keys is None:
            return refusal(ErrorName.TLS_REQUIRED, "keys are handed out by TLS alone")
        if self._registry.address_of(peer) is None:
            # What is sealed for who has left reaches nobody: the sender is to hear of it.
            return _unknown(peer)
        return format_reply(PeerKey(peer, self._registry.keys.between(label, peer)))

    def _note(self, label: str, told: Offer | Behind) -> None:
        match told:
            case Offer(parameters):
                self._registry.offer(label, parameters)
            case Behind(nat):
                self._registry.stands_behind(label, nat)


def _unknown(label: str) -> bytes:
    return refusal(ErrorName.UNKNOWN_LABEL, f"{label} is not on the list")


def refusal(name: ErrorName, text: str) -> bytes:
    """Return the line that refuses a request."""
    return format_reply(Refused(name, text))
