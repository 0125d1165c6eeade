from pathlib import Path

import pytest

from peerlab.evidence.journal import Kind
from tests.record.made_up import PASSWORD, MadeUp

TIME = r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"


@pytest.fixture
def chat(tmp_path: Path) -> MadeUp:
    """A session of alice and bob."""
    return MadeUp(tmp_path, "alice", "bob")


def test_what_an_action_does_is_told_as_the_action(chat: MadeUp) -> None:
    chat.logs_in("alice", "bob")
    chat.lists("alice", "alice", "bob")
    chat.sends("alice", "USER 2", "Hi Bob")
    chat.hears("bob", "USER 1", "Hi Bob")
    chat.types("alice", "quit")
    chat.ends("alice")
    assert chat.steps() == [
        "alice: login",
        "bob: login",
        'bob: {expect: "LIST AVAILABLE CLIENTS: Y/N"}',
        'alice: {say: "Hi Bob", to: [bob]}',
        'bob: {hears: "Hi Bob", from: alice}',
        "alice: quit",
    ]


def test_without_actions_all_of_it_is_expected_and_typed(chat: MadeUp) -> None:
    chat.logs_in("alice", "bob")
    chat.lists("alice", "alice", "bob")
    chat.sends("alice", "USER 2", "Hi Bob")
    chat.hears("bob", "USER 1", "Hi Bob")
    learn = r"""'/''(?P<label>[^'']+)'': \(''(?P<ip>[^'']+)'', (?P<port>\d+)\)/'"""
    assert chat.steps(lifted=False)[4:] == [
        'alice: {expect: "LIST AVAILABLE CLIENTS: Y/N"}',
        'bob: {expect: "Enter your username: "}',
        'bob: {type: "bob"}',
        'bob: {expect: "Enter your password: "}',
        f'bob: {{type: "{PASSWORD}", secret: true}}',
        'bob: {expect: "LIST AVAILABLE CLIENTS: Y/N"}',
        'alice: {type: "Y"}',
        rf"alice: {{expect: '/Available clients are: (?P<clients>.*)\n/', learn: {learn}}}",
        'alice: {expect: "Enter number of recipients: "}',
        'alice: {type: "1"}',
        'alice: {expect: "Enter recipient\'s username: "}',
        'alice: {type: "{bob.label}"}',
        'alice: {expect: "Enter message to send: "}',
        'alice: {type: "Hi Bob"}',
        'alice: {expect: "LIST AVAILABLE CLIENTS: Y/N"}',
        rf"bob: {{notice: '/{TIME} Received message from {{alice.label}}: Hi Bob$/'}}",
    ]


def test_actions_under_way_at_the_same_time_are_told_in_the_order_of_their_ends(
    chat: MadeUp,
) -> None:
    chat.shows("alice", "Enter your username: ")
    chat.types("alice", "alice")
    chat.asked_for_login("bob", "bob", PASSWORD)
    chat.let_in("bob")
    chat.shows("alice", "Enter your password: ")
    chat.types("alice", PASSWORD, secret=True)
    chat.let_in("alice")
    assert chat.steps()[:2] == ["bob: login", "alice: login"]


def test_nothing_is_lifted_across_a_pause(chat: MadeUp) -> None:
    chat.shows("alice", "Enter your username: ")
    chat.types("alice", "alice")
    chat.shows("alice", "Enter your password: ")
    chat.tell(Kind.PAUSED, "server")
    chat.types("alice", PASSWORD, secret=True)
    chat.tell(Kind.RESUMED, "server")
    chat.let_in("alice")
    assert chat.steps() == [
        'alice: {expect: "Enter your username: "}',
        'alice: {type: "alice"}',
        'alice: {expect: "Enter your password: "}',
        "server: pause",
        f'alice: {{type: "{PASSWORD}", secret: true}}',
        "server: resume",
        'alice: {expect: "LIST AVAILABLE CLIENTS: Y/N"}',
    ]


def test_a_list_that_was_asked_for_long_before_is_told_where_it_was(chat: MadeUp) -> None:
    chat.logs_in("alice", "bob")
    chat.lists("alice", "alice", "bob")
    chat.lists("bob", "alice", "bob")
    chat.sends("alice", "USER 2", "Hi")
    chat.sends("bob", "USER 1", "Hi")
    assert chat.steps()[2:5] == ["alice: list", "bob: list", 'alice: {say: "Hi", to: [bob]}']


def test_who_answers_has_heard_before(chat: MadeUp) -> None:
    chat.logs_in("alice", "bob")
    chat.lists("alice", "alice", "bob")
    chat.sends("alice", "USER 2", "Ping")
    chat.hears("bob", "USER 1", "Ping")
    chat.lists("bob", "alice", "bob")
    chat.sends("bob", "USER 1", "Pong")
    chat.hears("alice", "USER 2", "Pong")
    for node in ("alice", "bob"):
        chat.types(node, "quit")
        chat.ends(node)
    assert chat.steps()[2:6] == [
        'alice: {say: "Ping", to: [bob]}',
        'bob: {hears: "Ping", from: alice}',
        'bob: {say: "Pong", to: [alice]}',
        'alice: {hears: "Pong", from: bob}',
    ]


def test_a_notice_from_somebody_without_a_label_is_told_as_it_was(chat: MadeUp) -> None:
    chat.hears("alice", chat.ip("bob"), "Who am I?")
    chat.types("alice", "You")
    assert chat.steps()[:-1] == [
        rf"alice: {{notice: '/{TIME} Received message from {{bob.ip}}: Who am I\?$/'}}"
    ]


def test_a_prompt_that_a_notice_comes_behind_is_expected_before_it(chat: MadeUp) -> None:
    chat.shows("alice", "Odd: \n")
    chat.hears("alice", chat.ip("bob"), "Hi")
    chat.shows("alice", "Odd: ")
    chat.types("alice", "x")
    assert [step.partition(": ")[2][:9] for step in chat.steps()] == [
        "{expect: ",
        "{notice: ",
        "{expect: ",
        '{type: "x'[:9],
    ]


def test_the_same_prompt_twice_is_expected_to_its_second_time(chat: MadeUp) -> None:
    chat.shows("alice", "Odd: try again\nOdd: \nOdd: ")
    chat.types("alice", "x")
    assert chat.steps()[0] == r"""alice: {expect: "Odd: \nOdd: "}"""


def test_a_prompt_before_an_action_that_does_not_read_it_is_not_expected_after_it(
    chat: MadeUp,
) -> None:
    chat.logs_in("alice")
    chat.types("alice", "quit")
    chat.ends("alice")
    assert chat.steps() == ["alice: login", "alice: quit"]


def test_a_program_that_dies_is_expected_to_end_so(chat: MadeUp) -> None:
    chat.logs_in("alice")
    chat.tell(Kind.SIGNALLED, "server", signal="kill")
    chat.ends("server", 137, by="step")
    chat.shows("alice", "The server has gone: it has closed the connection.\n")
    chat.ends("alice", 1)
    assert chat.steps()[1:] == [
        'alice: {expect: "LIST AVAILABLE CLIENTS: Y/N"}',
        "server: kill",
        "server: {exits: 137}",
        'alice: {expect: "The server has gone: it has closed the connection."}',
        "alice: {exits: 1}",
    ]
    assert "  - exits: {alice: 1}\n" in chat.told()[0].text


def test_what_the_lab_ends_is_no_step(chat: MadeUp) -> None:
    chat.logs_in("alice")
    chat.ends("alice", 0, by="lab")
    assert chat.steps()[1:] == ['alice: {expect: "LIST AVAILABLE CLIENTS: Y/N"}']
    assert "checks:" not in chat.told()[0].text


def test_interrupts_and_the_end_of_input_are_told(chat: MadeUp) -> None:
    chat.tell(Kind.SIGNALLED, "alice", signal="interrupt")
    chat.tell(Kind.INPUT_ENDED, "bob")
    assert chat.steps() == ["alice: interrupt", "bob: eof"]


def test_what_nobody_typed_at_shows_is_not_expected(chat: MadeUp) -> None:
    chat.shows("server", "Server listening on 0.0.0.0:12345\n")
    chat.types("alice", "x")
    assert chat.steps() == ['alice: {type: "x"}']


def test_a_session_in_which_nothing_was_done_has_no_scenario(chat: MadeUp) -> None:
    chat.shows("alice", "Enter your username: ")
    assert chat.told() == []


def test_what_took_long_is_given_twice_the_time(chat: MadeUp) -> None:
    chat.logs_in("alice")
    assert "within" not in chat.told()[0].text
    chat.types("alice", "Y")
    chat.at += 9
    chat.shows("alice", "Available clients are: {}\n")
    assert "\nwithin: 19s\n" in chat.told()[0].text


def test_an_action_with_unlike_rounds_is_seen(tmp_path: Path) -> None:
    program = tmp_path / "own" / "program.yaml"
    program.parent.mkdir()
    program.write_text(
        "about: Greets\ncommand: [greet]\nactions:\n"
        "  greets:\n    takes: {whom: {kind: nodes}, how: }\n    dialogue:\n"
        '      - each: whom\n        do: [{expect: "> "}, {type: "{whom.name} {how}"}]\n'
    )
    made = MadeUp(tmp_path / "it", "alice=own", "bob=own", "carol=own", programs={"own": program})
    for name in ("carol", "bob"):
        made.shows("alice", "> ")
        made.types("alice", f"{name} hello {name}")
    assert made.steps() == [
        'alice: {greets: [carol], how: "hello carol"}',
        'alice: {greets: [bob], how: "hello bob"}',
    ]
    made.shows("alice", "> ")
    made.types("alice", "bob hi")
    made.shows("bob", "alice says hi\n")
    made.shows("alice", "> ")
    made.types("alice", "carol hi")
    assert made.steps()[2:] == [
        'alice: {greets: [bob, carol], how: "hi"}',
        'bob: {expect: "alice says hi"}',
    ]
