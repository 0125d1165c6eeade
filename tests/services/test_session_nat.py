"""Dialogues of clients behind NATs, and with them; `dialogue.py` says how they are written."""

import pytest

from services.client.actions import SendRequest
from services.protocol import Login, Offer
from tests.services.dialogue import (
    COUNT,
    LIST,
    LISTED,
    LOGGED_IN,
    LOGIN,
    MESSAGE,
    OK,
    TWO,
    WHO,
    play,
    react,
    session,
)

STUN = '{"username":"6f1d20c4","password":"0d6c1f4b","ports":[12345,40873]}'
OK_STUN = f'{OK[:-1]},"stun":{STUN}}}'
BEHIND = '= BEHIND {"mapping":"endpoint-independent","filtering":"address-and-port-dependent"}'
LOCAL = ("192.168.1.2", 50001)
LOGIN_STUN = [*LOGIN[:-1], OK_STUN]
REGISTERED = [
    *LOGIN_STUN,
    "bind 10.0.0.2:50001",
    "= OFFER",
    "register USER 1 as 6f1d20c4",
    "! registered",
    BEHIND,
    "Authentication successful!",
    LIST,
]
TWO_BEHIND = f'{TWO[:-1]},"behind":["USER 2"]}}'
THREE_BEHIND = (
    '< CLIENTS {"clients":{"USER 1":["10.0.0.2",50001],"USER 2":["10.0.0.3",50000],'
    '"USER 3":["10.0.0.4",50000]},"more":false,"behind":["USER 2","USER 3"]}'
)
LOST = "The connection to the server was lost: it has closed the connection."
SILENT = "The server has gone: it is silent."
HOLE = (
    '< PUNCH {"label":"USER 2","asked":true,"username":"00000000","password":"00000000",'
    '"addresses":[["10.0.0.3",50000]],"nat":null}'
)
LOST_AND_LET_IN = [
    "! lost",
    "hang up",
    "dial",
    "! connected",
    "= LOGIN U1",
    OK_STUN.replace("USER 1", "USER 4"),
    "bind 10.0.0.2:50001",
    "= OFFER",
    "register USER 4 as 6f1d20c4",
]
LOST_AND_ACCEPTED = [*REGISTERED, *LOST_AND_LET_IN]
ASKED_FOR_TWO = [
    *LOGGED_IN,
    "> Y",
    "= LIST",
    TWO_BEHIND,
    "learn 2",
    LISTED,
    COUNT,
    "> 1",
    WHO,
    "> USER 2",
    MESSAGE,
    "> YES",
    "reach USER 2",
]
TO_BOTH = [
    *LOGGED_IN,
    "> N",
    COUNT,
    "> 2",
    "= LIST",
    THREE_BEHIND,
    "learn 3",
    WHO,
    "> USER 2",
    WHO,
    "> USER 3",
    MESSAGE,
    "> YES",
    "reach USER 2, USER 3",
    "! no paths",
    '= PUNCH {"label":"USER 2"}',
    '= PUNCH {"label":"USER 3"}',
]


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [
                *ASKED_FOR_TWO,
                "! no path to 2",
                '= PUNCH {"label":"USER 2"}',
                HOLE,
                "punch USER 2",
                "! punched 2",
                "send m1 'YES' to USER 2",
                LIST,
            ],
            id="to who is behind a NAT a message waits for the hole",
        ),
        pytest.param(
            [
                *ASKED_FOR_TWO[:-2],
                "! lost",
                "hang up",
                "dial",
                "! connected",
                "= LOGIN U1",
                OK.replace("USER 1", "USER 4"),
                "bind 10.0.0.2:50001",
                "= OFFER",
                f"{LOST} Logged in again as USER 4.",
                "> YES",
                "You have logged in again meanwhile: please name the recipients anew.",
                LIST,
            ],
            id="who is reached by label is named anew after a new login",
        ),
        pytest.param(
            [*ASKED_FOR_TWO, "! all paths", "send m1 'YES' to USER 2", LIST],
            id="where there is a path already nothing is asked",
        ),
        pytest.param(
            [
                *ASKED_FOR_TWO,
                "! no path to 2",
                '= PUNCH {"label":"USER 2"}',
                "! in vain 2",
                "Cannot send to USER 2: its NAT is strict.",
                LIST,
            ],
            id="who cannot be reached is told, and nothing is sent",
        ),
        pytest.param(
            [
                *TO_BOTH,
                "! in vain 3",
                "! punched 2",
                "Cannot send to USER 3: its NAT is strict.",
                "send m1 'YES' to USER 2",
                LIST,
            ],
            id="the others get the message all the same",
        ),
        pytest.param(
            [
                *TO_BOTH,
                "< ERROR unknown-label gone",
                "< ERROR no-punching old",
                "Cannot send to USER 2: it is not on the list any more.",
                "send m1 'YES' to USER 3",
                LIST,
            ],
            id="who has gone gets nothing, and who speaks an earlier version is written to",
        ),
        pytest.param(
            [
                *ASKED_FOR_TWO,
                "! no path to 2",
                '= PUNCH {"label":"USER 2"}',
                "< ERROR too-many-punches no",
                "Cannot send to USER 2: the server was asked to punch holes too often.",
                LIST,
            ],
            id="a server that refuses is told",
        ),
        pytest.param(
            [
                *ASKED_FOR_TWO,
                "! no path to 2",
                '= PUNCH {"label":"USER 2"}',
                "! lost",
                "hang up",
                "dial",
                "! unreachable",
                "hang up",
                "The server has gone: it has closed the connection.",
                "end 1",
            ],
            id="a server that ends meanwhile ends the client",
        ),
        pytest.param(
            [
                *ASKED_FOR_TWO,
                "! no path to 2",
                '= PUNCH {"label":"USER 2"}',
                "! silent",
                "hang up",
                f"{SILENT} Going on with the clients known so far.",
                "send m1 'YES' to USER 2",
                LIST,
                "dial",
                "! punched 2",
            ],
            id="without a server it is sent directly, once",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                HOLE.replace("true", "false"),
                "punch USER 2",
                "! punched 2",
            ],
            id="who is asked to punch does so, and the dialogue stands where it stood",
        ),
        pytest.param(
            [
                *LOGIN[:-1],
                HOLE.replace("true", "false"),
                OK,
                "bind 10.0.0.2:50001",
                "= OFFER",
                "Authentication successful!",
                LIST,
                "! lost",
                "hang up",
                "dial",
                "! connected",
                "= LOGIN U1",
                HOLE.replace("true", "false"),
            ],
            id="who is not logged in punches to nobody",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                HOLE,
                "hang up",
                "The server has gone: it sent an answer to no question.",
                "end 1",
            ],
            id="a server that answers what nobody asked is broken",
        ),
    ],
)
def test_a_dialogue_with_who_is_behind_a_nat(table: list[str]) -> None:
    play(table)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(REGISTERED, id="the menu waits for the registration"),
        pytest.param(
            [
                *LOGIN_STUN,
                "bind 10.0.0.2:50001",
                "= OFFER",
                "register USER 1 as 6f1d20c4",
                "! not registered yet",
                "Authentication successful!",
                LIST,
                "! registered",
                BEHIND,
            ],
            id="it does not wait for ever",
        ),
        pytest.param(
            [*LOGIN, "bind 10.0.0.2:50001", "= OFFER", "Authentication successful!", LIST],
            id="without STUN nothing waits",
        ),
        pytest.param(
            [
                *LOGIN_STUN,
                "bind 10.0.0.2:50001",
                "= OFFER",
                "register USER 1 as 6f1d20c4",
                *LOST_AND_LET_IN,
                "! registered",
                BEHIND,
                "Authentication successful!",
                LIST,
                f"{LOST} Logged in again as USER 4.",
            ],
            id="a connection that is lost while the menu waits loses no prompt",
        ),
        pytest.param(
            [
                *LOST_AND_ACCEPTED,
                "> Y",
                "= LIST",
                "! registered",
                BEHIND,
                f"{LOST} Logged in again as USER 4.",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="what is asked before the registration is asked once",
        ),
        pytest.param(
            [
                *LOST_AND_ACCEPTED,
                "> /peer USER 2",
                '= PARAMETERS {"label":"USER 2"}',
                "! registered",
                BEHIND,
                f"{LOST} Logged in again as USER 4.",
                "< ERROR unknown-label gone",
                "USER 2 is not on the list.",
                LIST,
            ],
            id="so is a question about a peer",
        ),
        pytest.param(
            [
                *REGISTERED,
                "> Y",
                "= LIST",
                *LOST_AND_ACCEPTED[len(REGISTERED) :],
                "! registered",
                BEHIND,
                f"{LOST} Logged in again as USER 4.",
                "= LIST",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="what was asked before the connection was lost is asked again",
        ),
        pytest.param(
            [
                *REGISTERED,
                "> Y",
                "= LIST",
                *LOST_AND_ACCEPTED[len(REGISTERED) :],
                *(
                    line.replace("USER 4", "USER 5")
                    for line in LOST_AND_ACCEPTED[len(REGISTERED) :]
                ),
                "! registered",
                BEHIND,
                f"{LOST} Logged in again as USER 5.",
                "= LIST",
                f"{LOST} Logged in again as USER 5.",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="it is asked once though the connection was lost twice",
        ),
        pytest.param(
            [
                *REGISTERED,
                "> Y",
                "= LIST",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
                "> 2",
                WHO,
                "> USER 1",
                WHO,
                "> USER 2",
                MESSAGE,
                "> YES",
                "reach USER 2",
                "! all paths",
                "send m1 'YES' to USER 1, USER 2",
                LIST,
            ],
            id="from behind a NAT everybody but oneself has to be reached",
        ),
    ],
)
def test_a_dialogue_behind_a_nat(table: list[str]) -> None:
    play(table, local=LOCAL)


def test_a_plain_client_speaks_version_2_and_does_nothing_about_nats() -> None:
    dialogue = session(plain=True)
    dialogue.local_address = LOCAL
    dialogue.start()
    dialogue.line_typed("U1")
    (login,) = dialogue.line_typed("pw")
    actions = react(dialogue, OK)

    assert isinstance(login, SendRequest)
    assert isinstance(login.request, Login)
    assert login.request.version == 2
    (offer,) = (one.request for one in actions if isinstance(one, SendRequest))
    assert isinstance(offer, Offer)
    assert offer.parameters.addresses == ()


def test_behind_a_nat_the_address_there_is_offered() -> None:
    dialogue = session()
    dialogue.local_address = LOCAL
    dialogue.start()
    dialogue.line_typed("U1")
    dialogue.line_typed("pw")
    actions = react(dialogue, OK_STUN)

    (offer,) = (one.request for one in actions if isinstance(one, SendRequest))
    assert isinstance(offer, Offer)
    assert offer.parameters.addresses == (LOCAL,)
