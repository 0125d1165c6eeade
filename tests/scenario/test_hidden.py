from pathlib import Path

import pytest

from peerlab.scenario.hidden import forms_of, masked, secret_pattern, secrets_of
from peerlab.scenario.load import load_scenario
from tests.scenario.conftest import Load

KNOWN = {name: {"name": name, "ip": "10.0.0.2"} for name in ("server", "u1", "u2")}
HEAD = "title: x\nnodes: {server: server, u1: client, u2: client}\nsteps:\n"


def secrets(load: Load, steps: str) -> set[str]:
    return set(secrets_of(load(HEAD + steps), KNOWN))


def test_defaults_of_program_files_are_secrets(load: Load) -> None:
    assert secrets(load, "- u1: eof") == {"CSC3@A1"}


STEPS = {
    "given": ("- u1: {login: {password: other}}", {"other"}),
    "given to several, with a variable": (
        "- u[1-2]: {login: {password: 'for-{node}-{u1.ip}'}}",
        {"for-u1-10.0.0.2", "for-u2-10.0.0.2"},
    ),
    "typed": ("- u1: {type: hidden, secret: true}\n- u1: {type: shown}", {"hidden"}),
    "in a choice": (
        "- u1: {choose: {x: [{login: {password: one}}], y: [{type: two, secret: true}]}}",
        {"one", "two"},
    ),
    "in steps at once": ("- together:\n    - u1: {type: hidden, secret: true}", {"hidden"}),
    "with a value that nobody knows": ("- u1: {login: {password: '{u2.label}'}}", set()),
    "blank": ("- u1: {login: {password: ' '}}", set()),
}


@pytest.mark.parametrize(("steps", "more"), STEPS.values(), ids=STEPS)
def test_what_steps_type_hidden_is_a_secret(load: Load, steps: str, more: set[str]) -> None:
    assert secrets(load, steps) == {"CSC3@A1"} | more


def test_lines_that_a_dialogue_types_hidden_are_secrets(tmp_path: Path) -> None:
    dialogue = "[{choose: {x: [{type: one, secret: true}]}}, {each: to, do: [{type: '{to}'}]}]"
    program = (
        f"command: [x]\nactions: {{go: {{takes: {{to: {{kind: nodes}}}}, dialogue: {dialogue}}}}}"
    )
    (tmp_path / "mine.yaml").write_text(program)
    file = tmp_path / "scenario.yaml"
    file.write_text("title: x\nprograms: {mine: mine.yaml}\nnodes: {u1: mine}\nsteps: [{u1: eof}]")
    assert secrets_of(load_scenario(file, programs={}), KNOWN) == {"one"}


def test_a_text_has_the_forms_that_json_gives_it() -> None:
    assert forms_of("plain") == {"plain"}
    assert forms_of('a"b') == {'a"b', r"a\"b"}
    assert forms_of("Grüße") == {"Grüße", r"Gr\u00fc\u00dfe"}


def test_secrets_are_found_within_words_too_and_short_ones_are_not() -> None:
    pattern = secret_pattern({"1234", "abc"})
    assert pattern is not None
    assert pattern.search('"pw":"1234"')
    assert pattern.search("P12345")
    assert not pattern.search("abc")
    assert secret_pattern({"abc"}) is None


def test_secrets_are_masked_within_words_too_and_short_ones_alone() -> None:
    assert masked("x1234y 12 312", {"1234", "12"}) == "x****y ** 312"
    assert masked("12345678", {"1234", "12345678"}) == "********"
    assert masked("nothing", set()) == "nothing"
