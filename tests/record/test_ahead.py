"""Secrets that are typed before anybody asks for them."""

from pathlib import Path

import pytest

from peerlab.record.ahead import cover
from tests.record.made_up import MadeUp

SECRET = "Hunter2-Secret"


@pytest.fixture
def chat(tmp_path: Path) -> MadeUp:
    """A session of alice."""
    return MadeUp(tmp_path, "alice")


def hidden(chat: MadeUp) -> list[str]:
    covered = cover(chat.base().scenario, chat.events, chat.hidden)
    assert not any(SECRET in event.text for event in covered.events)
    return list(covered.hidden["alice"])


def unsure(chat: MadeUp) -> list[str]:
    return list(cover(chat.base().scenario, chat.events, chat.hidden).unsure)


def test_a_line_typed_ahead_that_answers_a_prompt_for_a_secret_is_one(chat: MadeUp) -> None:
    chat.shows("alice", "Enter your username: ")
    chat.types("alice", "alice")
    chat.types("alice", SECRET)
    chat.shows("alice", "Enter your password: Incorrect username or password.\n")
    assert hidden(chat) == [SECRET]
    assert unsure(chat) == []
    for recording in chat.told():
        assert SECRET not in recording.text
        assert list(recording.secrets.values()) == [SECRET]


def test_what_is_typed_before_anything_is_shown_answers_prompt_after_prompt(chat: MadeUp) -> None:
    for line in ("alice", SECRET, "Y"):
        chat.types("alice", line)
    chat.shows("alice", "Enter your username: Enter your password: Authentication successful!\n")
    chat.shows("alice", "LIST AVAILABLE CLIENTS: Y/N\nAvailable clients are: {}\n")
    assert hidden(chat) == [SECRET]
    assert unsure(chat) == []


def test_output_between_does_not_hide_what_was_typed_ahead(chat: MadeUp) -> None:
    chat.shows("alice", "Enter your username: ")
    chat.types("alice", "alice")
    chat.shows("alice", "Looking you up\n")
    chat.types("alice", SECRET)
    chat.shows("alice", "Enter your password: Incorrect username or password.\n")
    assert hidden(chat) == [SECRET]


def test_of_lines_that_answered_no_known_prompt_any_may_be_the_secret(chat: MadeUp) -> None:
    chat.shows("alice", "Enter your username: ")
    for line in ("alice", "realm", SECRET):
        chat.types("alice", line)
    chat.shows("alice", "Realm: Enter your password: Incorrect username or password.\n")
    assert hidden(chat) == ["realm", SECRET]
    assert unsure(chat) == ["alice"]


def test_one_paste_around_a_prompt_is_secret_on_both_sides(chat: MadeUp) -> None:
    chat.shows("alice", "Enter your username: ")
    chat.types("alice", "alice")
    chat.types("alice", SECRET)
    chat.shows("alice", "Enter your password: ")
    chat.types("alice", "Y", secret=True)
    assert hidden(chat) == [SECRET, "Y"]
    assert unsure(chat) == ["alice"]


def test_a_prompt_that_nobody_answers_makes_the_line_before_it_a_secret(chat: MadeUp) -> None:
    chat.shows("alice", "Name? ")
    chat.types("alice", SECRET)
    chat.shows("alice", "Enter your password: ")
    assert hidden(chat) == [SECRET]
    assert unsure(chat) == ["alice"]


def test_a_line_that_answered_another_prompt_is_seen(chat: MadeUp) -> None:
    chat.shows("alice", "Enter your username: ")
    chat.types("alice", "alice")
    chat.shows("alice", "Enter your password: ")
    assert hidden(chat) == []
    assert unsure(chat) == []


def test_a_line_typed_ahead_that_answered_another_prompt_is_seen(chat: MadeUp) -> None:
    chat.types("alice", "alice")
    chat.shows("alice", "Enter your username: Enter your password: ")
    assert hidden(chat) == []
    assert unsure(chat) == []


def test_who_waits_for_prompts_hides_nothing_more(chat: MadeUp) -> None:
    chat.shows("alice", "hello\n")
    chat.types("alice", "log in, please")
    chat.at += 5
    chat.asked_for_login("alice", "alice", SECRET)
    chat.let_in("alice")
    chat.lists("alice", "alice")
    assert hidden(chat) == [SECRET]
    assert unsure(chat) == []
