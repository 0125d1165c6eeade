"""How a dialogue ends, and how it goes on without the server."""

import itertools

import pytest

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
    THREE,
    TWO,
    WHO,
    play,
    react,
    told,
)

STAYED = ["! lost", "hang up", "dial", "! refused", "hang up", GOING_ON, "dial"]
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
                *STAYED,
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
                "! lost",
                "hang up",
                "dial",
                "! refused",
                "hang up",
                GOING_ON,
                "This is the last known list, which is old.",
                "Available clients are: {}",
                COUNT,
                "dial",
                "> 1",
                "No client is known to send to.",
                LIST,
            ],
            id="knows nobody if it never had a list",
        ),
        pytest.param(
            [*LOGIN[:5], "! lost", "hang up", GONE, "end 1"],
            id="ends all the same if it never was let in",
        ),
    ],
)
def test_with_stay_the_dialogue_outlives_the_server(table: list[str]) -> None:
    play(table, stay=True)


BACK = '< OK {"label":"USER 3","ip":"10.0.0.2","port":50009}'
LOST_AND_BACK = "The connection to the server was lost: it has closed the connection."
TO_ANOTHER_SERVER = [
    "! lost",
    "hang up",
    "dial",
    "! connected",
    "= LOGIN U1",
    OK,
    "forget",
    "bind 10.0.0.2:50001",
    "= OFFER",
    f"{LOST_AND_BACK} Logged in again as USER 1.",
]


@pytest.mark.parametrize("stay", [False, True])
@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [
                *ASKED_LIST,
                "! lost",
                "hang up",
                "dial",
                "! connected",
                "= LOGIN U1",
                BACK,
                "bind 10.0.0.2:50009",
                "= OFFER",
                f"{LOST_AND_BACK} Logged in again as USER 3.",
                "> 1",
                WHO,
            ],
            id="who is back at once is told in one line and asked nothing",
        ),
        pytest.param(
            [
                *ASKED_LIST,
                *TO_ANOTHER_SERVER,
                "> 1",
                "= LIST",
                THREE,
                "learn 3",
                WHO,
            ],
            id="a label that is not higher is another server's, and its list is asked for",
        ),
        pytest.param(
            [
                *PROMPTS["message"],
                *TO_ANOTHER_SERVER,
                "> HELLO",
                ANEW,
                LIST,
            ],
            id="who was named before that is not written to",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "> Y",
                "= LIST",
                '< CLIENTS {"clients":{"USER 1":["10.0.0.2",50001]},"more":true}',
                "! lost",
                "hang up",
                "dial",
                "! connected",
                "= LOGIN U1",
                BACK,
                "bind 10.0.0.2:50009",
                "= OFFER",
                f"{LOST_AND_BACK} Logged in again as USER 3.",
                "= LIST",
                TWO,
                "learn 2",
                LISTED,
                COUNT,
            ],
            id="what was asked is asked again, and half an answer is forgotten",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "! silent",
                "hang up",
                "The server has gone: it is silent. Going on with the clients known so far.",
                "dial",
                "! unreachable",
                "dial",
                "! connected",
                "= LOGIN U1",
                "! lost",
                "hang up",
                "dial",
                "! connected",
                "= LOGIN U1",
                "< ERROR too-many-connections no",
                "hang up",
                "dial",
                "! connected",
                "= LOGIN U1",
                BACK,
                "bind 10.0.0.2:50009",
                "= OFFER",
                "The server is back. Logged in again as USER 3.",
                "> Y",
                "= LIST",
            ],
            id="tries go on without a word until one succeeds",
        ),
        pytest.param(
            [
                *LOGGED_IN,
                "> Y",
                "= LIST",
                "! silent",
                "hang up",
                "The server has gone: it is silent. Going on with the clients known so far.",
                "This is the last known list, which is old.",
                "Available clients are: {}",
                COUNT,
                "dial",
                "! connected",
                "= LOGIN U1",
                "! look up",
                "> quit",
                "= QUIT",
                "end 0",
            ],
            id="before the new login is answered nothing is looked up",
        ),
    ],
)
def test_a_client_whose_connection_is_lost_comes_back(table: list[str], stay: bool) -> None:  # noqa: FBT001
    play(table, stay=stay)


ASKED_MEANWHILE = [*LOGGED_IN, "! lost", "hang up", "dial", "> Y", "! unreachable", "hang up"]


def test_a_server_that_has_closed_the_connection_and_cannot_be_reached_has_gone() -> None:
    play([*ASKED_MEANWHILE, "The server has gone: it has closed the connection.", "end 1"])


def test_with_stay_what_is_asked_meanwhile_waits_for_the_outcome_of_the_first_try() -> None:
    old = ["This is the last known list, which is old.", "Available clients are: {}"]
    play([*ASKED_MEANWHILE, GOING_ON, *old, COUNT, "dial", "> quit", "end 0"], stay=True)


REFUSED_AGAIN = [
    *LOGGED_IN,
    "! lost",
    "hang up",
    "dial",
    "! connected",
    "= LOGIN U1",
    "< ERROR wrong-password n\to",
    "hang up",
    "The server refuses the login: n\\to",
]


def test_a_client_that_is_not_let_in_any_more_ends() -> None:
    play([*REFUSED_AGAIN, "end 1"])


def test_with_stay_it_goes_on_and_tries_no_more() -> None:
    play([*REFUSED_AGAIN, GOING_ON, "> N", COUNT, "> quit", "end 0"], stay=True)


def test_with_stay_a_server_that_breaks_the_protocol_is_tried_again() -> None:
    gone = "The server has gone: it sent an answer to no question."
    play(
        [
            *LOGGED_IN,
            "< BYE",
            "hang up",
            f"{gone} Going on with the clients known so far.",
            "dial",
        ],
        stay=True,
    )


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
