from pathlib import Path

import pytest

from peerlab.record.confided import Confided
from tests.record.made_up import PASSWORD, MadeUp

WRONG = "Geheim-99"


@pytest.fixture
def chat(tmp_path: Path) -> MadeUp:
    """A session of alice and bob."""
    return MadeUp(tmp_path, "alice", "bob")


def refused(chat: MadeUp, node: str, password: str) -> None:
    chat.asked_for_login(node, node, password)
    chat.shows(node, "Incorrect username or password. Please try again.\n")


def test_a_wrong_password_has_a_name_and_stands_nowhere(chat: MadeUp) -> None:
    refused(chat, "alice", WRONG)
    chat.asked_for_login("alice", "alice", PASSWORD)
    chat.let_in("alice")
    for recording in chat.told():
        assert WRONG not in recording.text
        assert list(recording.secrets.values()) == [WRONG]
        assert chat.load(recording).secrets == tuple(recording.secrets)


def test_the_action_has_the_secret_as_its_argument(chat: MadeUp) -> None:
    refused(chat, "alice", WRONG)
    chat.shows("alice", "Enter your username: ")
    assert chat.steps()[0] == 'alice: {is-refused: "{secret.alice-password}"}'
    assert chat.told()[0].secrets == {"alice-password": WRONG}


def test_the_same_secret_has_one_name_and_others_have_others(chat: MadeUp) -> None:
    for node, password in (("alice", "one-1"), ("alice", "two-2"), ("bob", "one-1")):
        refused(chat, node, password)
        chat.shows(node, "Enter your username: ")
        chat.types(node, "")
    assert chat.told()[0].secrets == {"alice-password": "one-1", "alice-password-2": "two-2"}


def test_the_default_of_a_secret_parameter_needs_no_mention(chat: MadeUp) -> None:
    chat.logs_in("alice")
    lifted, plain = chat.told()
    assert PASSWORD not in lifted.text
    assert lifted.secrets == plain.secrets == {}


def test_a_secret_that_a_program_prints_is_not_written(chat: MadeUp) -> None:
    chat.shows("alice", "Code: ")
    chat.types("alice", WRONG, secret=True)
    chat.shows("alice", f"The code {WRONG} is wrong\n")
    assert WRONG not in chat.told()[0].text
    assert chat.steps()[-1] == 'alice: {expect: "/The code .+ is wrong/"}'


def test_a_secret_that_somebody_types_again_in_the_open_is_one_still(chat: MadeUp) -> None:
    chat.types("alice", WRONG, secret=True)
    chat.types("alice", WRONG)
    chat.types("alice", f"my password is {WRONG}")
    recording = chat.told()[0]
    assert WRONG not in recording.text
    assert chat.steps()[1] == 'alice: {type: "{secret.alice-secret}", secret: true}'
    assert set(recording.secrets.values()) == {WRONG, f"my password is {WRONG}"}


def test_a_message_with_a_secret_in_it_is_no_argument_that_is_seen(chat: MadeUp) -> None:
    refused(chat, "alice", WRONG)
    chat.logs_in("alice", "bob")
    chat.lists("alice", "alice", "bob")
    chat.sends("alice", "USER 2", WRONG)
    chat.hears("bob", "USER 1", WRONG)
    assert all(WRONG not in recording.text for recording in chat.told())


def test_names_that_one_variable_stands_for_are_told_apart() -> None:
    confided = Confided(["x", "y"], [])
    assert confided.template("x", "a-b") == "{secret.a-b-secret}"
    assert confided.template("y", "a", "b-secret") == "{secret.a-b-secret-2}"


def test_a_short_secret_is_not_looked_for_in_other_text() -> None:
    confided = Confided(["1"], [])
    assert confided.is_told("21")
    assert not confided.is_told("1")
