"""The dialogue as a state machine: what was typed or received in, what to show or send out.

No socket, no thread, no clock. `client.py` carries the actions out and feeds back what happens.
"""

import re
from collections.abc import Callable
from enum import Enum, auto

from services.client.actions import (
    Actions,
    Forget,
    Learn,
    PlaySound,
    Question,
    SendMessage,
    Show,
)
from services.client.membership import Link
from services.client.reaching import NO_HOLE
from services.client.sealing import Sealing
from services.datagram import MAX_DATAGRAM, SEALING, ChatMessage, format_datagram
from services.media.orders import SoundError, parse_order
from services.protocol import (
    Accepted,
    AskKey,
    AskParameters,
    Bye,
    Clients,
    ListClients,
    Login,
    Noted,
    PeerKey,
    PeerParameters,
    Ping,
    Pong,
    Punch,
    Quit,
    Refused,
    Reply,
    check_username,
)
from services.punch import Hole
from services.values import Address, ErrorName, ProtocolError

QUIT = "quit"
MAX_CLIENTS = 10_000
"""A longer list is taken for a broken server: it has to end somewhere."""

_PEER = "/peer +(USER [1-9][0-9]{0,9}) *"


class _Purpose(Enum):
    """For whom the server was asked for the list."""

    DIALOGUE = auto()
    LOOK_UP = auto()


class Session(Sealing):
    """One person's dialogue, from the first prompt to the end."""

    def __init__(
        self,
        new_id: Callable[[], str],
        now: Callable[[], float],
        *,
        stay: bool,
        plain: bool = False,
        sealed: bool = False,
    ) -> None:
        """Take where message ids and send times (Unix seconds) come from.

        With `stay` the dialogue goes on after the server has gone, with `sealed` messages are;
        `plain` is about NATs.
        """
        super().__init__(stay=stay, plain=plain, sealed=sealed)
        self._new_id = new_id
        self._now = now
        self._username = ""
        self._clients: dict[str, Address] = {}
        self._incoming: dict[str, Address] = {}
        self._incoming_behind: set[str] = set()
        self._asked_for: list[_Purpose] = []
        self._answered_about: Callable[[str], Actions] = lambda _: []
        self._count = 0

    def start(self) -> Actions:
        """Begin with the first prompt."""
        return self._ask(Question.USERNAME)

    def line_typed(self, line: str) -> Actions:
        """Take the answer to the open prompt."""
        if line.strip().lower() == QUIT:
            return self.input_ended()
        answered = {
            Question.USERNAME: self._username_typed,
            Question.PASSWORD: self._password_typed,
            Question.LIST: self._list_typed,
            Question.COUNT: self._count_typed,
            Question.RECIPIENT: self._recipient_typed,
            Question.MESSAGE: self._message_typed,
        }
        question, self._question = self._question, None
        if question in {Question.LIST, Question.MESSAGE} and (command := re.fullmatch(_PEER, line)):
            return self._peer_asked_about(command[1], question)
        return answered[question](line) if question else []

    def line_refused(self, error: ProtocolError) -> Actions:
        """Take that the line that was typed could not be read."""
        return [_explain(error), *self._ask(self._question or Question.LIST)]

    def input_ended(self) -> Actions:
        """Take the wish to leave: end of input, a signal, or `quit`."""
        return [*self._tell_server(Quit()), *self._end(0)]

    def failed(self, text: str) -> Actions:
        """Take that the client cannot go on, for the reason given."""
        return [Show(text), *self._tell_server(Quit()), *self._end(1)]

    def look_up(self) -> Actions:
        """Take the wish for a fresh list, of which nothing is to be shown."""
        return self._request_list(_Purpose.LOOK_UP)

    def sound_begun(self) -> Actions:
        """Take that what was typed is being heard."""
        return self._ask(Question.LIST)

    def sound_refused(self, why: str) -> Actions:
        """Take that what was typed cannot be heard, for the reason given."""
        return [Show(f"That cannot be used: {why}."), *self._ask(Question.MESSAGE)]

    def reply_arrived(self, reply: Reply) -> Actions:
        """Take an answer of the server."""
        match reply:
            case Ping():
                return self._tell_server(Pong())
            case Accepted() | Refused() if self._awaits_login():
                # What an earlier connection was asked will not be answered.
                self._asked_for.clear()
                self._unanswered.clear()
                self._incoming, self._incoming_behind = {}, set()
                forgotten = self._forget_labels(reply.label) if isinstance(reply, Accepted) else []
                return [*forgotten, *self._login_answered(reply)]
            case Refused():
                return self._refused(reply)
            case Clients() | PeerParameters() | PeerKey() | Noted() | Hole():
                return self._answer_arrived(reply)
            case Accepted() | Bye():
                return self.server_gone("it sent an answer to no question")

    def _forget_labels(self, own: str) -> Actions:
        """Forget the list if labels on it may be others' by now, and so would their keys be.

        A server never gives a label twice: one that is not higher than this client's last comes
        from another server. One that is higher may, and what is sealed must not be for others. Nor
        must what goes through NATs: who is behind one is reached by label, not by address.
        """
        is_another = bool(self._label) and _number(own) <= _number(self._label)
        if is_another or self._sealed or self._is_behind or self._behind:
            self._clients, self._behind = {}, set()
            self._meaning += 1
        return [Forget()] if is_another else []

    def _answer_arrived(self, reply: Clients | PeerParameters | PeerKey | Noted | Hole) -> Actions:
        match reply:
            case Clients():
                return self._list_arrived(reply)
            case PeerParameters():
                return self._parameters_arrived(reply)
            case PeerKey():
                return self._key_arrived(reply)
            case Noted():
                return []
            case Hole():
                return self._hole_arrived(reply)

    def _refused(self, reply: Refused) -> Actions:
        name = reply.name
        match self._unanswered[:1]:
            case [Punch(label)] if name in NO_HOLE:
                del self._unanswered[0]
                return self.punched(label, NO_HOLE[name])
            case [AskKey(label)] if name == ErrorName.UNKNOWN_LABEL:
                del self._unanswered[0]
                return self._key_refused(label)
            case [AskParameters(label)] if name == ErrorName.UNKNOWN_LABEL:
                del self._unanswered[0]
                return self._answered_about(f"{label} is not on the list.")
            case _:
                return self._refused_unasked(reply)

    def _username_typed(self, line: str) -> Actions:
        try:
            self._username = check_username(line)
        except ProtocolError as error:
            return [_explain(error), *self._ask(Question.USERNAME)]
        return self._ask(Question.PASSWORD)

    def _password_typed(self, line: str) -> Actions:
        try:
            return self._log_in(Login(self._username, line, self._version))
        except ProtocolError as error:
            return [_explain(error), *self._ask(Question.USERNAME)]

    def _list_typed(self, line: str) -> Actions:
        # From here on the person goes by the labels of now, or by those of the list that is shown.
        self._named_in = self._meaning
        match line.strip().upper():
            case "Y":
                return self._refreshed(self._show_list)
            case "N":
                return self._ask(Question.COUNT)
            case _:
                return [Show("Please answer Y, N or quit."), *self._ask(Question.LIST)]

    def _show_list(self) -> Actions:
        self._named_in = self._meaning
        # The server has gone meanwhile, or long ago.
        is_old = self._link is not Link.UP
        old = [Show("This is the last known list, which is old.")] if is_old else []
        return [*old, Show(f"Available clients are: {self._clients}"), *self._ask(Question.COUNT)]

    def _count_typed(self, line: str) -> Actions:
        answer = line.strip()
        count = int(answer) if re.fullmatch("[0-9]{1,9}", answer) else 0
        if count <= len(self._clients):
            return self._count_judged(count)
        return self._refreshed(lambda: self._count_judged(count))

    def _count_judged(self, count: int) -> Actions:
        if 1 <= count <= len(self._clients):
            self._count = count
            self._recipients = {}
            return self._ask(Question.RECIPIENT)
        if not self._clients and self._link is not Link.UP:
            return [Show("No client is known to send to."), *self._ask(Question.LIST)]
        available = f" to {len(self._clients)}" if self._clients else " up"
        return [Show(f"Please type a number from 1{available}."), *self._ask(Question.COUNT)]

    def _recipient_typed(self, line: str) -> Actions:
        label = line.strip()
        if label in self._clients:
            return self._recipient_judged(label)
        return self._refreshed(lambda: self._recipient_judged(label))

    def _recipient_judged(self, label: str) -> Actions:
        if label in self._recipients:
            return self._next_recipient("That recipient is already named.")
        if label not in self._clients:
            return self._next_recipient("There is no such recipient: type a label as it is listed.")
        self._recipients[label] = self._clients[label]
        return self._next_recipient()

    def _next_recipient(self, explanation: str | None = None) -> Actions:
        explained = [Show(explanation)] if explanation else []
        if len(self._recipients) == self._count:
            return [*explained, *self._ask(Question.MESSAGE)]
        if self._clients.keys() <= self._recipients.keys() and self._recipients:
            # Clients have left since the number was typed: nobody is left to be named.
            return [
                *explained,
                Show("No other client is available: the message goes to those already named."),
                *self._ask(Question.MESSAGE),
            ]
        return [*explained, *self._ask(Question.RECIPIENT)]

    def _message_typed(self, text: str) -> Actions:
        if not text.strip():
            return [Show("A message must not be empty."), *self._ask(Question.MESSAGE)]
        try:
            order = parse_order(text)
        except SoundError as error:
            return self.sound_refused(str(error))
        if order and self._sealed:
            return self.sound_refused("sound is not encrypted, and all else is")
        if order:
            return self._reach(lambda recipients: [PlaySound(order, recipients)])
        message = ChatMessage(self._new_id(), self._label, self._now(), text)
        try:
            data = format_datagram(message, MAX_DATAGRAM - (SEALING if self._sealed else 0))
        except ProtocolError as error:
            return [_explain(error), *self._ask(Question.MESSAGE)]
        return self._reach(lambda recipients: self._send(SendMessage(message, data, recipients)))

    def _send(self, send: SendMessage) -> Actions:
        return self._send_sealed(send) if self._sealed else [send, *self._ask(Question.LIST)]

    def _refreshed(self, and_then: Callable[[], Actions]) -> Actions:
        """Go on with a list from the server, or with the last known one if it has gone."""
        return self._inquire(lambda: self._request_list(_Purpose.DIALOGUE), and_then)

    def _request_list(self, purpose: _Purpose) -> Actions:
        # One request at a time: an answer then belongs to the first of those who asked.
        self._asked_for.append(purpose)
        return self._tell_server(ListClients()) if len(self._asked_for) == 1 else []

    def _peer_asked_about(self, label: str, question: Question) -> Actions:
        def answered(text: str) -> Actions:
            return [Show(text), *self._ask(question)]

        self._answered_about = answered
        return self._inquire(
            lambda: self._ask_about(AskParameters(label)),
            lambda: answered("There is no server to ask."),
        )

    def _parameters_arrived(self, reply: PeerParameters) -> Actions:
        if not self._was_asked(AskParameters(reply.label)):
            return self.server_gone("it sent parameters that nobody asked for")
        addresses, media, limits = reply.parameters
        told = {
            "addresses": [f"{ip}:{port}" for ip, port in addresses],
            "media": media,
            "limits": [f"{name} {limit}" for name, limit in limits.items()],
        }
        parts = (f"{name} {', '.join(values) or 'none'}" for name, values in told.items())
        return self._answered_about(f"{reply.label}: {'; '.join(parts)}")

    def _list_arrived(self, part: Clients) -> Actions:
        if not self._asked_for:
            return self.server_gone("it sent a list that nobody asked for")
        self._incoming |= part.clients
        self._incoming_behind.update(part.behind)
        if len(self._incoming) > MAX_CLIENTS:
            return self.server_gone("its list has no end")
        if part.more:
            return []
        self._clients, self._incoming = self._incoming, {}
        self._behind, self._incoming_behind = self._incoming_behind, set()
        purpose = self._asked_for.pop(0)
        learn = Learn(self._clients, looked_up=purpose is _Purpose.LOOK_UP)
        following = self._tell_server(ListClients()) if self._asked_for else []
        if purpose is _Purpose.LOOK_UP:
            return [learn, *following]
        return [learn, *following, *self._and_then()]


def _number(label: str) -> int:
    return int(label.rpartition(" ")[2])


def _explain(error: ProtocolError) -> Show:
    return Show(f"That cannot be used: {error.text}.")
