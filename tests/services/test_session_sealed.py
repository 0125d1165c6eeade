"""Dialogues of clients that seal; `dialogue.py` says how they are written."""

import pytest

from services.datagram import MAX_DATAGRAM, SEALING
from tests.services.dialogue import (
    ANEW,
    ASKED_LIST,
    COUNT,
    GOING_ON,
    GONE,
    LIST,
    LISTED,
    LOGGED_IN,
    LOGIN,
    MESSAGE,
    OK,
    TWO,
    WHO,
    play,
)

ASK_1 = '= KEY {"label":"USER 1"}'
ASK_2 = '= KEY {"label":"USER 2"}'
KEY_1 = f'< KEY {{"label":"USER 1","key":"{"1a" * 32}"}}'
KEY_2 = f'< KEY {{"label":"USER 2","key":"{"2b" * 32}"}}'
TO_TWO = [*ASKED_LIST, "> 1", WHO, "> USER 2", MESSAGE]
TO_BOTH = [*ASKED_LIST, "> 2", WHO, "> USER 2", WHO, "> USER 1", MESSAGE]
CLOSED = "it has closed the connection"
AGAIN = [
    "! lost",
    "hang up",
    "dial",
    "! connected",
    "= LOGIN U1",
    OK.replace("USER 1", "USER 3"),
    "bind 10.0.0.2:50001",
    "= OFFER",
    f"The connection to the server was lost: {CLOSED}. Logged in again as USER 3.",
]
AS_BEFORE = [
    entry
    for again in AGAIN
    for entry in ([OK, "forget"] if "OK " in again else [again.replace("USER 3", "USER 1")])
]
"""Another server gives labels anew."""
LEFT = "< ERROR unknown-label USER 2 is not on the list"
TO_NOBODY = "Cannot send to USER 2: it is not on the list any more."
NO_KEY = "Cannot send to USER 1: there is no key for it, and no server to ask."


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [
                *TO_TWO,
                "> YES",
                ASK_2,
                KEY_2,
                "key 2b2b of USER 2",
                "send m1 'YES' to USER 2",
                LIST,
                "> n",
                COUNT,
                "> 1",
                WHO,
                "> USER 2",
                MESSAGE,
                "> NO",
                "send m2 'NO' to USER 2",
                LIST,
            ],
            id="a key is asked for before the first message to somebody and not again",
        ),
        pytest.param(
            [
                *TO_BOTH,
                "> YES",
                ASK_2,
                ASK_1,
                KEY_2,
                "key 2b2b of USER 2",
                KEY_1,
                "key 1a1a of USER 1",
                "send m1 'YES' to USER 2, USER 1",
                LIST,
            ],
            id="a message to several leaves when all keys are there",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "! sealed by USER 2",
                ASK_2,
                "! sealed by USER 2",
                KEY_2,
                "key 2b2b of USER 2",
                "> Y",
                "= LIST",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="a key that the receiver wants is asked for once while the dialogue goes on",
        ),
        pytest.param(
            [
                *TO_TWO,
                "! sealed by USER 2",
                ASK_2,
                "> YES",
                KEY_2,
                "key 2b2b of USER 2",
                "send m1 'YES' to USER 2",
                LIST,
            ],
            id="a key that is asked for already is waited for",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                KEY_2,
                "hang up",
                "The server has gone: it sent a key that nobody asked for.",
                "end 1",
            ],
            id="a key that nobody asked for breaks the protocol",
        ),
        pytest.param(
            [*TO_TWO, "> YES", ASK_2, LEFT, "no key of USER 2", TO_NOBODY, LIST],
            id="who has left the list is not written to and the sender is told",
        ),
        pytest.param(
            [
                *TO_BOTH,
                "> YES",
                ASK_2,
                ASK_1,
                LEFT,
                "no key of USER 2",
                TO_NOBODY,
                KEY_1,
                "key 1a1a of USER 1",
                "send m1 'YES' to USER 1",
                LIST,
            ],
            id="the others are written to",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "! sealed by USER 2",
                ASK_2,
                "> /peer USER 3",
                '= PARAMETERS {"label":"USER 3"}',
                LEFT,
                "no key of USER 2",
                LEFT.replace("USER 2", "USER 3"),
                "USER 3 is not on the list.",
                LIST,
            ],
            id="refusals are for the questions in their order",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                LEFT,
                "hang up",
                "The server has gone: it refuses a request: USER 2 is not on the list.",
                "end 1",
            ],
            id="a refusal that answers nothing breaks the protocol",
        ),
        pytest.param(
            [
                *TO_TWO,
                "> /play tone 1s",
                "That cannot be used: sound is not encrypted, and all else is.",
                MESSAGE,
                "> /call 1",
                "That cannot be used: sound is not encrypted, and all else is.",
                MESSAGE,
            ],
            id="nothing is sent in clear: no sound",
        ),
        pytest.param(
            [*TO_TWO, *AGAIN, "> YES", ANEW, LIST, "> n", COUNT, "> 1", "= LIST"],
            id="after another login recipients named before it are not written to",
        ),
        pytest.param(
            [*TO_TWO, *AS_BEFORE, "> YES", ANEW, LIST],
            id="that holds where the label is the same again",
        ),
        pytest.param(
            [*TO_TWO, "> YES", ASK_2, *AS_BEFORE, ANEW, LIST],
            id="and where a key was waited for",
        ),
        pytest.param(
            [*TO_TWO, "> YES", ASK_2, *AGAIN, ANEW, LIST],
            id="a login while a key is waited for has recipients named anew",
        ),
        pytest.param(
            [
                *LOGIN[:5],
                "< ERROR tls-required this server speaks TLS alone",
                "hang up",
                "The server refuses the connection: this server speaks TLS alone.",
                "end 1",
            ],
            id="a server that wants TLS is told",
        ),
    ],
)
def test_a_sealed_dialogue(table: list[str]) -> None:
    play(table, sealed=True)


def test_without_a_server_a_message_goes_to_those_whose_keys_are_known() -> None:
    table = [
        *TO_BOTH,
        "! sealed by USER 2",
        ASK_2,
        KEY_2,
        "key 2b2b of USER 2",
        "! lost",
        "hang up",
        "dial",
        "! refused",
        "hang up",
        GOING_ON,
        "dial",
        "> YES",
        NO_KEY,
        "send m1 'YES' to USER 2",
        LIST,
    ]
    play(table, stay=True, sealed=True)


def test_recipients_of_an_earlier_login_are_not_written_to_without_a_server_either() -> None:
    table = [
        *TO_TWO,
        *AGAIN,
        "! sealed by USER 2",
        ASK_2,
        KEY_2,
        "key 2b2b of USER 2",
        "! lost",
        "hang up",
        "dial",
        "! refused",
        "hang up",
        GOING_ON,
        "dial",
        "> YES",
        ANEW,
        LIST,
    ]
    play(table, stay=True, sealed=True)


def test_a_message_that_waits_for_a_key_goes_on_when_the_server_has_gone() -> None:
    assert GOING_ON.startswith(GONE)
    table = [
        *TO_BOTH,
        "> YES",
        ASK_2,
        ASK_1,
        KEY_2,
        "key 2b2b of USER 2",
        "! lost",
        "hang up",
        "dial",
        "! refused",
        "hang up",
        GOING_ON,
        NO_KEY,
        "send m1 'YES' to USER 2",
        LIST,
        "dial",
    ]
    play(table, stay=True, sealed=True)


def test_a_message_has_as_much_less_room_as_sealing_takes() -> None:
    head = len('CHAT/1 {"id":"m1","from":"USER 1","sent":1795365840.0,"text":""}')
    room = MAX_DATAGRAM - SEALING - head
    table = [
        *TO_TWO,
        "> " + "x" * (room + 1),
        "That cannot be used: a message must fit in a datagram of 1165 bytes.",
        MESSAGE,
        "> " + "x" * room,
        ASK_2,
        KEY_2,
        "key 2b2b of USER 2",
        f"send m2 {'x' * room!r} to USER 2",
        LIST,
    ]
    play(table, sealed=True)
