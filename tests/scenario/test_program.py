from pathlib import Path

import pytest

from peerlab.scenario.model import (
    Action,
    Build,
    Choose,
    Each,
    Expect,
    Parameter,
    ParameterKind,
    TerminalKind,
    Type,
)
from peerlab.scenario.program import load_program
from peerlab.scenario.source import ScenarioError
from peerlab.scenario.values import Pattern, Template
from tests.scenario.conftest import HERE, PROGRAMS, LoadProgram


def test_a_program_file_is_read_whole() -> None:
    program = load_program("client", PROGRAMS["client"])
    assert program.name == "client"
    assert program.path == PROGRAMS["client"]
    assert program.about == "A client"
    assert program.image == "test/client"
    root = HERE.parents[1].resolve()
    assert program.build == Build(HERE.parent.resolve(), "client", HERE.parent / "Dockerfile")
    assert program.build.context.parent == root
    assert program.command == ("python3", "-m", "services.client")
    assert program.environment == {
        "CHAT_HOST": "server",
        "CHAT_PORT": "12345",
        "CHAT_TRACE": "yes",
    }
    assert program.terminal is TerminalKind.PIPE
    assert program.after == ("server",)
    assert program.ready == Pattern.parse("Enter your username: ")
    assert program.notices is not None
    assert program.messages.sent is not None
    assert program.messages.received is not None
    assert list(program.actions) == ["login", "list", "say", "hears", "quit"]


def test_an_image_is_all_that_a_program_file_needs(load_file: LoadProgram) -> None:
    program = load_file("image: test/mine")
    assert program.command is None
    assert program.build is None
    assert program.terminal is TerminalKind.PIPE
    assert not program.actions


def test_a_build_can_name_its_dockerfile(load_file: LoadProgram, tmp_path: Path) -> None:
    program = load_file("image: x\nbuild: {context: ., dockerfile: docker/Containerfile}")
    context = tmp_path.resolve()
    assert program.build == Build(context, None, context / "docker" / "Containerfile")


def test_parameters_keep_their_order_and_what_is_said_of_them() -> None:
    actions = load_program("client", PROGRAMS["client"]).actions
    assert actions["login"].parameters == (
        Parameter("username", default=Template.parse("{node}")),
        Parameter("password", default=Template.parse("CSC3@A1"), secret=True),
    )
    assert actions["say"].parameters == (
        Parameter("text"),
        Parameter("to", ParameterKind.NODES),
    )
    assert actions["hears"].parameters[1] == Parameter("from", ParameterKind.NODE)


def test_a_typed_line_with_a_secret_in_it_is_secret() -> None:
    login = load_program("client", PROGRAMS["client"]).actions["login"]
    typed = [act for act in login.dialogue if isinstance(act, Type)]
    assert [act.secret for act in typed] == [False, True]


def test_a_secret_stays_one_inside_of_other_acts(load_file: LoadProgram) -> None:
    program = load_file(
        "image: x\n"
        "actions:\n"
        "  enter:\n"
        "    takes: {word: {secret: true}, to: {kind: nodes}}\n"
        "    dialogue:\n"
        "      - each: to\n"
        "        do:\n"
        "          - choose: {a: [{type: 'my {word}'}]}\n"
    )
    pattern = Pattern.parse("a")
    secret = Type(Template.parse("my {word}"), secret=True)
    assert program.actions["enter"] == Action(
        "enter",
        (Parameter("word", secret=True), Parameter("to", ParameterKind.NODES)),
        (Each("to", (Choose(((pattern, (secret,)),)),)),),
    )


def test_each_is_for_one_node_after_the_other() -> None:
    say = load_program("client", PROGRAMS["client"]).actions["say"]
    assert say.dialogue[2] == Each(
        "to",
        (
            Expect(Pattern.parse("Enter recipient's username: ")),
            Type(Template.parse("{to.label}")),
        ),
    )


def test_alone_a_program_file_can_be_after_any_program(load_file: LoadProgram) -> None:
    assert load_file("image: x\nafter: [broker]").after == ("broker",)


def test_a_wrong_program_file_is_refused_with_all_its_problems(load_file: LoadProgram) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_file("imag: x\nterminal: none\n")
    assert [problem.code for problem in caught.value.diagnostics] == [
        "unknown-key",
        "unknown-value",
    ]
