"""How a dialogue ends, and how it goes on without the server."""

import itertools

import pytest

from tests.services.dialogue import (
    ASKED_LIST,
    COUNT,
    GOING_ON,
    GONE,
    LIST,
    LISTED,
    LOGGED_IN,
    LOGIN,
    MESSAGE,
    WHO,
    play,
    react,
    told,
)

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
