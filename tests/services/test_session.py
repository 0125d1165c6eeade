"""Dialogues as tables of what is typed (`>`), sent to the server (`=`), received from it (`<`)."""

import itertools

import pytest

from services.client.session import (
    Action,
    Actions,
    Ask,
    End,
    HangUp,
    Learn,
    OpenPeer,
    SendMessage,
    SendRequest,
    Session,
    Show,
)
from services.datagram import parse_datagram
from services.protocol import LineReader, ListClients, Login, Quit, parse_reply
from services.values import ErrorName, ProtocolError

OK = '< OK {"label":"USER 1","ip":"10.0.0.2","port":50001}'
TWO = '< CLIENTS {"clients":{"USER 1":["10.0.0.2",50001],"USER 2":["10.0.0.3",50000]},"more":false}'
THREE = TWO.replace("]}", '],"USER 3":["10.0.0.4",50002]}')
ONE = '< CLIENTS {"clients":{"USER 1":["10.0.0.2",50001]},"more":false}'
LOGIN = ["Enter your username: ", "> U1", "Enter your password: ", "> pw", "= LOGIN U1", OK]
LOGGED_IN = [
    *LOGIN,
    "bind 10.0.0.2:50001",
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
GOING_ON = f"{GONE} Going on with the clients known so far."


def session(*, stay: bool = False) -> Session:
    ids = itertools.count(1)
    return Session(lambda: f"m{next(ids)}", lambda: 1795365840.0, stay=stay)


def told(action: Action) -> str:
    """How an action is written in the tables below."""
    match action:
        case Show(text):
            return text
        case Ask(question):
            return question.value
        case SendRequest(Login(username, _), _):
            return f"= LOGIN {username}"
        case SendRequest(ListClients() | Quit(), data):
            return f"= {data.decode().strip()}"
        case OpenPeer((ip, port)):
            return f"bind {ip}:{port}"
        case SendMessage(message, data, recipients):
            assert parse_datagram(data) == message
            return f"send {message.message_id} {message.text!r} to {', '.join(recipients)}"
        case Learn(clients, looked_up):
            return f"learn {len(clients)}{' looked up' if looked_up else ''}"
        case HangUp():
            return "hang up"
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
        case "! ":
            return {
                "gone": lambda: dialogue.server_gone("it has closed the connection"),
                "eof": dialogue.input_ended,
                "look up": dialogue.look_up,
                "not utf8": lambda: dialogue.line_refused(
                    ProtocolError(ErrorName.NOT_UTF8, "a line must be UTF-8")
                ),
            }[event[2:]]()
    raise AssertionError(event)


def play(table: list[str], *, stay: bool = False) -> Session:
    """Give the events of a table to a session and compare what comes between them."""
    dialogue = session(stay=stay)
    happened = [told(action) for action in dialogue.start()]
    for entry in table:
        if entry[:2] in {"> ", "< ", "! "}:
            happened.append(entry)
            happened += [told(action) for action in react(dialogue, entry)]
    assert happened == table
    return dialogue


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [
                *LOGIN[:5],
                "< ERROR wrong-password no",
                "Incorrect username or password. Please try again.",
                *LOGIN,
                *LOGGED_IN[len(LOGIN) :],
            ],
            id="a wrong password gets the refusal and both prompts again",
        ),
        pytest.param(
            [
                "Enter your username: ",
                ">  ",
                "That cannot be used: a username has 1 to 32 characters.",
                "Enter your username: ",
                "> a\x07b",
                "That cannot be used: a username has no control characters.",
                *LOGIN,
                *LOGGED_IN[len(LOGIN) :],
            ],
            id="a username outside the bounds is explained and asked for again",
        ),
        pytest.param(
            [
                *LOGIN[:5],
                "< ERROR unsupported-version speak\x1b2",
                "The server refuses the login: speak\\x1b2",
                "Enter your username: ",
            ],
            id="another refusal of the login is shown escaped",
        ),
        pytest.param(
            [
                *LOGIN[:3],
                "> " + "x" * 257,
                "That cannot be used: a password has at most 256 characters.",
                "Enter your username: ",
            ],
            id="a password that is too long is not sent",
        ),
        pytest.param(
            [
                *ASKED_LIST,
                "> 2",
                WHO,
                "> USER 2",
                WHO,
                "> USER 1",
                MESSAGE,
                "> YES",
                "send m1 'YES' to USER 2, USER 1",
                LIST,
            ],
            id="one message goes to two with one id",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "> maybe",
                "Please answer Y, N or quit.",
                LIST,
                "> y",
                "= LIST",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="the list prompt takes Y and N in any case and explains the rest",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "> n",
                COUNT,
                "> 1",
                "= LIST",
                TWO,
                "learn 2",
                WHO,
                "> USER 2",
                MESSAGE,
            ],
            id="N goes on without the list, which is then learnt silently",
        ),
        pytest.param(
            [
                *ASKED_LIST,
                "> two",
                "Please type a number from 1 to 2.",
                COUNT,
                "> 0",
                "Please type a number from 1 to 2.",
                COUNT,
                "> -1",
                "Please type a number from 1 to 2.",
                COUNT,
                "> \u0661",
                "Please type a number from 1 to 2.",
                COUNT,
                "> 3",
                "= LIST",
                TWO,
                "learn 2",
                "Please type a number from 1 to 2.",
                COUNT,
                "> 3",
                "= LIST",
                THREE,
                "learn 3",
                WHO,
            ],
            id="a number that is none, or too large for a fresh list, is explained",
        ),
        pytest.param(
            [
                *ASKED_LIST,
                "> 2",
                WHO,
                "> USER 2",
                WHO,
                "> USER 2",
                "That recipient is already named.",
                WHO,
                "> user 1",
                "= LIST",
                TWO,
                "learn 2",
                "There is no such recipient: type a label as it is listed.",
                WHO,
                "> USER 3",
                "= LIST",
                THREE,
                "learn 3",
                MESSAGE,
            ],
            id="a recipient named twice or unknown is explained, a new one is found",
        ),
        pytest.param(
            [
                *ASKED_LIST,
                "> 2",
                WHO,
                "> USER 1",
                WHO,
                "> USER 2x",
                "= LIST",
                ONE,
                "learn 1",
                "There is no such recipient: type a label as it is listed.",
                "No other client is available: the message goes to those already named.",
                MESSAGE,
            ],
            id="when others have left the message goes to those who were named",
        ),
        pytest.param(
            [
                *ASKED_LIST,
                "> 1",
                WHO,
                ">  USER 2 ",
                MESSAGE,
                ">   ",
                "A message must not be empty.",
                MESSAGE,
                "> " + "x" * 1200,
                "That cannot be used: a message must fit in a datagram of 1200 bytes.",
                MESSAGE,
                ">  as typed ",
                "send m2 ' as typed ' to USER 2",
                LIST,
            ],
            id="an empty message and one too long are explained",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "> Y",
                "= LIST",
                '< CLIENTS {"clients":{"USER 1":["10.0.0.2",50001]},"more":true}',
                '< CLIENTS {"clients":{"USER 2":["10.0.0.3",50000]},"more":false}',
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="a list in several lines is put together",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "! look up",
                "= LIST",
                "! look up",
                "> Y",
                ONE,
                "learn 1 looked up",
                "= LIST",
                TWO,
                "learn 2 looked up",
                "= LIST",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="one request is open at a time and every answer goes to whom it belongs",
        ),
        pytest.param(
            ["Enter your username: ", "! not utf8"]
            + ["That cannot be used: a line must be UTF-8.", "Enter your username: "],
            id="a line that cannot be read is explained",
        ),
        pytest.param(
            [*LOGGED_IN, "! gone", "hang up", GONE, "end 1"],
            id="without stay the client ends with the server",
        ),
        pytest.param(
            [*LOGIN[:5], "! gone", "hang up", GONE, "end 1"],
            id="the server may go before it has answered",
        ),
        pytest.param(
            [*LOGGED_IN, "< BYE"]
            + ["hang up", "The server has gone: it sent an answer to no question.", "end 1"],
            id="an answer to no question is a broken server",
        ),
        pytest.param(
            [*LOGGED_IN, ONE]
            + ["hang up", "The server has gone: it sent a list that nobody asked for.", "end 1"],
            id="a list that nobody asked for is a broken server",
        ),
        pytest.param(
            [*LOGGED_IN, "> Y", "= LIST", "< ERROR login-required log\tin"]
            + ["hang up", "The server has gone: it refuses a request: log\\tin.", "end 1"],
            id="a list that is refused is a broken server",
        ),
    ],
)
def test_what_is_typed_leads_to_what_is_shown(table: list[str]) -> None:
    play(table)


PROMPTS = {
    "username": LOGIN[:1],
    "password": LOGIN[:3],
    "list": LOGGED_IN,
    "number of recipients": ASKED_LIST,
    "recipient": [*ASKED_LIST, "> 1", WHO],
    "message": [*ASKED_LIST, "> 1", WHO, "> USER 2", MESSAGE],
}


@pytest.mark.parametrize("leaving", ["> quit", "> QUIT", ">  Quit ", "! eof"])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_quit_and_the_end_of_input_end_the_dialogue_at_every_prompt(
    prompt: str, leaving: str
) -> None:
    dialogue = play([*PROMPTS[prompt], leaving, "= QUIT", "end 0"])

    assert not dialogue.awaits_input
    assert not dialogue.awaits_reply


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [
                *ASKED_LIST,
                "> 1",
                WHO,
                "! gone",
                "hang up",
                GOING_ON,
                "> USER 2",
                MESSAGE,
                "> HELLO",
                "send m1 'HELLO' to USER 2",
                LIST,
                "> Y",
                "This is the last known list, which is old.",
                LISTED,
                COUNT,
                "> 3",
                "Please type a number from 1 to 2.",
                COUNT,
                "> quit",
                "end 0",
            ],
            id="goes on with the known peers and says that the list is old",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "> Y",
                "= LIST",
                "! gone",
                "hang up",
                GOING_ON,
                "This is the last known list, which is old.",
                "Available clients are: {}",
                COUNT,
                "> 1",
                "No client is known to send to.",
                LIST,
            ],
            id="knows nobody if it never had a list",
        ),
        pytest.param(
            [*LOGIN[:5], "! gone", "hang up", GONE, "end 1"],
            id="ends all the same if it never was let in",
        ),
    ],
)
def test_with_stay_the_dialogue_outlives_the_server(table: list[str]) -> None:
    play(table, stay=True)


def test_a_list_without_end_is_a_broken_server() -> None:
    dialogue = play([*LOGGED_IN, "> Y", "= LIST"])
    number = itertools.count(1)
    shown: list[str] = []
    while not shown:
        members = ",".join(f'"USER {next(number)}":["10.0.0.2",50001]' for _ in range(90))
        reply = f'< CLIENTS {{"clients":{{{members}}},"more":true}}'
        shown = [told(action) for action in react(dialogue, reply)]

    assert shown == ["hang up", "The server has gone: its list has no end.", "end 1"]


def test_a_failure_is_told_to_the_person_and_to_the_server() -> None:
    dialogue = play(LOGGED_IN)

    assert [told(action) for action in dialogue.failed("No UDP.")] == ["No UDP.", "= QUIT", "end 1"]
