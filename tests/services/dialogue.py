"""Dialogues as tables of what is typed (`>`), sent to the server (`=`), received from it (`<`)."""

import itertools
from typing import TYPE_CHECKING

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
    Reach,
    Register,
    SendMessage,
    SendRequest,
    Show,
)
from services.client.session import Session
from services.datagram import parse_datagram
from services.lines import LineReader
from services.nat import Behaviour, Nat
from services.protocol import Login, Offer, parse_reply
from services.values import ErrorName, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

OK = '< OK {"label":"USER 1","ip":"10.0.0.2","port":50001}'
TWO = '< CLIENTS {"clients":{"USER 1":["10.0.0.2",50001],"USER 2":["10.0.0.3",50000]},"more":false}'
THREE = TWO.replace("]}", '],"USER 3":["10.0.0.4",50002]}')
ONE = '< CLIENTS {"clients":{"USER 1":["10.0.0.2",50001]},"more":false}'
LOGIN = ["Enter your username: ", "> U1", "Enter your password: ", "> pw", "= LOGIN U1", OK]
LOGGED_IN = [
    *LOGIN,
    "bind 10.0.0.2:50001",
    "= OFFER",
    "Authentication successful!",
    "LIST AVAILABLE CLIENTS: Y/N\n",
]
LISTED = "Available clients are: {'USER 1': ('10.0.0.2', 50001), 'USER 2': ('10.0.0.3', 50000)}"
COUNT = "Enter number of recipients: "
WHO = "Enter recipient's username: "
MESSAGE = "Enter message to send: "
LIST = "LIST AVAILABLE CLIENTS: Y/N\n"
ASKED_LIST = [*LOGGED_IN, "> Y", "= LIST", TWO, "learn 2", LISTED, COUNT]
GONE = "The server has gone: it has closed the connection."
ANEW = "You have logged in again meanwhile: please name the recipients anew."
GOING_ON = f"{GONE} Going on with the clients known so far."


STRICT = Nat(Behaviour.ENDPOINT_INDEPENDENT, Behaviour.ADDRESS_AND_PORT_DEPENDENT)


def session(*, stay: bool = False, plain: bool = False, sealed: bool = False) -> Session:
    ids = itertools.count(1)
    return Session(
        lambda: f"m{next(ids)}", lambda: 1795365840.0, stay=stay, plain=plain, sealed=sealed
    )


def told(action: Action) -> str:  # noqa: C901, PLR0911, PLR0912 - one for each action
    """How an action is written in the tables below."""
    match action:
        case Show(text):
            return text
        case Ask(question):
            return question.value
        case SendRequest(Login(username, _), _):
            return f"= LOGIN {username}"
        case SendRequest(Offer(), _):
            return "= OFFER"
        case SendRequest(_, data):
            return f"= {data.decode().strip()}"
        case OpenPeer((ip, port)):
            return f"bind {ip}:{port}"
        case Register(label, stun):
            return f"register {label} as {stun.username}"
        case Reach(labels):
            return f"reach {', '.join(labels)}"
        case PunchHoles(hole):
            return f"punch {hole.label}"
        case SendMessage(message, data, recipients):
            assert parse_datagram(data) == message
            return f"send {message.message_id} {message.text!r} to {', '.join(recipients)}"
        case PlaySound(order, recipients):
            return f"play {order!r} to {', '.join(recipients)}"
        case Learn(clients, looked_up):
            return f"learn {len(clients)}{' looked up' if looked_up else ''}"
        case LearnKey(label, key):
            return f"key {key[:2].hex()} of {label}" if key else f"no key of {label}"
        case Forget():
            return "forget"
        case HangUp():
            return "hang up"
        case Dial():
            return "dial"
        case End(status):
            return f"end {status}"
        case _:
            raise AssertionError(action)


def react(dialogue: Session, event: str) -> Actions:
    match event[:2]:
        case "> ":
            assert dialogue.awaits_input
            return dialogue.line_typed(event[2:])
        case "< ":
            (line,) = LineReader().feed(event[2:].encode() + b"\n")
            assert isinstance(line, str)
            return dialogue.reply_arrived(parse_reply(line))
        case _:
            events: dict[str, Callable[[], Actions]] = {
                "lost": lambda: dialogue.connection_lost(
                    "it has closed the connection", silent=False
                ),
                "silent": lambda: dialogue.connection_lost("it is silent", silent=True),
                "connected": dialogue.connected,
                "refused": lambda: dialogue.dial_failed("connection refused", refused=True),
                "unreachable": lambda: dialogue.dial_failed("no route to host", refused=False),
                "eof": dialogue.input_ended,
                "look up": dialogue.look_up,
                "sealed by USER 2": lambda: dialogue.key_wanted("USER 2"),
                "heard": dialogue.sound_begun,
                "not heard": lambda: dialogue.sound_refused("there is no such file"),
                "registered": lambda: dialogue.registered(STRICT),
                "not registered yet": lambda: dialogue.registered(None),
                "no paths": lambda: dialogue.without_path(["USER 2", "USER 3"]),
                "no path to 2": lambda: dialogue.without_path(["USER 2"]),
                "all paths": lambda: dialogue.without_path([]),
                "punched 2": lambda: dialogue.punched("USER 2", None),
                "punched 3": lambda: dialogue.punched("USER 3", None),
                "in vain 2": lambda: dialogue.punched("USER 2", "its NAT is strict"),
                "in vain 3": lambda: dialogue.punched("USER 3", "its NAT is strict"),
                "not utf8": lambda: dialogue.line_refused(
                    ProtocolError(ErrorName.NOT_UTF8, "a line must be UTF-8")
                ),
            }
            return events[event[2:]]()


def play(
    table: list[str],
    *,
    stay: bool = False,
    plain: bool = False,
    sealed: bool = False,
    local: tuple[str, int] | None = None,
) -> Session:
    """Give the events of a table to a session and compare what comes between them.

    `local` is the client's own end of the connection, where that is not what the server sees.
    """
    dialogue = session(stay=stay, plain=plain, sealed=sealed)
    dialogue.local_address = local
    happened = [told(action) for action in dialogue.start()]
    for entry in table:
        if entry[:2] in {"> ", "< ", "! "}:
            happened.append(entry)
            happened += [told(action) for action in react(dialogue, entry)]
    assert happened == table
    return dialogue
