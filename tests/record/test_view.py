from pathlib import Path

from peerlab.programs import known_programs
from peerlab.record.view import MOST_KEPT, View, secret_prompts
from peerlab.scenario.program import load_program


def client_view() -> View:
    program = load_program("client", known_programs()["client"])
    return View(secret_prompts(program))


def test_an_open_prompt_is_seen_at_once_and_once() -> None:
    view = View([])
    assert view.opened("stdout", "Na") == "Na"
    assert view.opened("stdout", "Name: ") == "me: "
    assert view.ended("stdout", "Name: \n") == "\n"
    assert view.opened("stdout", "> ") == "> "
    assert view.history == "Name: \n> "


def test_a_prompt_of_one_stream_is_not_seen_again_for_the_other() -> None:
    view = View([])
    view.opened("stdout", "> ")
    assert view.ended("stderr", "warning\n") == "warning\n"
    assert view.ended("stdout", "> x\n") == "x\n"


def test_a_prompt_of_an_action_that_types_a_secret_asks_for_one() -> None:
    view = client_view()
    view.opened("stdout", "Enter your username: ")
    view.ended("stdout", "Enter your username: ")
    view.typed("alice")
    view.opened("stdout", "Enter your password: ")
    assert view.asks_for_secret


def test_once_it_is_typed_nothing_asks_for_a_secret_any_more() -> None:
    view = client_view()
    view.ended("stdout", "Enter your password: ")
    view.typed("********")
    assert not view.asks_for_secret


def test_a_prompt_that_is_shown_again_asks_again_and_one_that_was_left_does_not() -> None:
    view = client_view()
    view.opened("stdout", "Enter your password: ")
    view.ended("stdout", "Enter your password: \n")
    view.ended("stdout", "A message comes\n")
    assert not view.asks_for_secret
    view.opened("stdout", "Enter your password: ")
    assert view.asks_for_secret


def test_who_comes_late_is_shown_the_end_of_what_is_very_long() -> None:
    view = View([])
    view.ended("stdout", "x" * MOST_KEPT)
    view.ended("stdout", "the end\n")
    assert len(view.history) == MOST_KEPT
    assert view.history.endswith("xthe end\n")


def test_a_prompt_behind_a_choice_is_found(tmp_path: Path) -> None:
    path = tmp_path / "program.yaml"
    path.write_text(
        "about: x\ncommand: [x]\nactions:\n  enter:\n    takes: {pin: {secret: true}}\n"
        "    dialogue:\n      - choose:\n"
        '          "PIN: ": [{type: "{pin}"}]\n          "Again: ": []\n'
        '      - type: "{pin}"\n'
    )
    patterns = [each.pattern for each in secret_prompts(load_program("x", path))]
    assert [pattern.replace("\\", "") for pattern in patterns] == ["PIN: ", "Again: "]
