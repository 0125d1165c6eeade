from pathlib import Path

import pytest

from peerlab.scenario.model import (
    Action,
    Build,
    Choose,
    Each,
    Expect,
    Local,
    Parameter,
    ParameterKind,
    Presence,
    Sends,
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
    command = ("python3", "-S", "-m", "services.client")
    assert program.without_image == Local(command, HERE.parent.resolve())
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


def test_a_program_file_may_say_who_is_there(load_file: LoadProgram) -> None:
    entry = r"/at (?P<ip>\S+)/"
    lines = f"  joined: You are in\n  listed: There are\n  entry: '{entry}'\n"
    program = load_file(f"image: test/mine\npresence:\n{lines}")
    assert program.presence == Presence(
        Pattern.parse("You are in"), Pattern.parse("There are"), Pattern.parse(entry)
    )
    assert load_file("image: test/mine").presence is None


def test_a_program_file_may_say_what_tells_of_streams(load_file: LoadProgram) -> None:
    groups = ("from", "stream", "expected", "lost", "jitter")
    whole = "/" + " ".join(rf"(?P<{group}>\S+)" for group in groups) + "/"
    assert load_file(f"image: test/mine\nstreams: '{whole}'").streams == Pattern.parse(whole)
    assert load_file("image: test/mine").streams is None
    for group in groups:
        with pytest.raises(ScenarioError, match=f"lacks the group '{group}'"):
            load_file(f"image: test/mine\nstreams: '{whole.replace(f'<{group}>', '<other>')}'")


def test_an_image_is_all_that_a_program_file_needs(load_file: LoadProgram) -> None:
    program = load_file("image: test/mine")
    assert program.command is None
    assert program.build is None
    assert program.terminal is TerminalKind.PIPE
    assert not program.actions


def test_without_an_engine_the_command_is_run_beside_the_program_file(
    load_file: LoadProgram, tmp_path: Path
) -> None:
    program = load_file("command: [sh, mine.sh]")
    assert program.image is None
    assert program.command == ("sh", "mine.sh")
    assert program.without_image == Local(("sh", "mine.sh"), tmp_path.resolve())


def test_a_command_without_an_image_is_not_for_containers(
    load_file: LoadProgram, tmp_path: Path
) -> None:
    program = load_file("without-image: {command: [sh, mine.sh]}")
    assert program.image is None
    assert program.command is None
    assert program.without_image == Local(("sh", "mine.sh"), tmp_path.resolve())


def test_a_command_can_be_run_in_another_directory_without_an_engine(
    load_file: LoadProgram, tmp_path: Path
) -> None:
    program = load_file("command: [./mine]\nwithout-image: {working_dir: ..}")
    assert program.without_image == Local(("./mine",), tmp_path.parent.resolve())


def test_the_working_directory_is_absolute_wherever_the_file_is_read_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "mine.yaml").write_text("command: [x]\nwithout-image: {working_dir: bin}")
    monkeypatch.chdir(tmp_path)
    program = load_program("mine", Path("mine.yaml"))
    assert program.without_image.working_dir == tmp_path.resolve() / "bin"


def test_an_image_alone_tells_no_command_to_run_without_an_engine(load_file: LoadProgram) -> None:
    assert load_file("image: x").without_image.command is None


@pytest.mark.parametrize("place", ["nowhere", "program.yaml", "a" * 300])
def test_a_working_directory_must_be_there(load_file: LoadProgram, place: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_file(f"command: [x]\nwithout-image:\n  working_dir: {place}")
    (problem,) = caught.value.diagnostics
    assert problem.code == "missing-directory"
    assert (problem.span.line, problem.span.column) == (3, 16)


@pytest.mark.parametrize(
    "text", ["about: nothing to run", "environment: {A: b}\nwithout-image: {working_dir: .}"]
)
def test_a_program_file_must_say_what_to_run(load_file: LoadProgram, text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_file(text)
    assert [problem.code for problem in caught.value.diagnostics] == ["missing-key"]


@pytest.mark.parametrize("key", ["imag: x", "comand: [x]", "without-imag: {command: [x]}"])
def test_a_misspelled_way_to_run_is_told_once(load_file: LoadProgram, key: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_file(key)
    assert [problem.code for problem in caught.value.diagnostics] == ["unknown-key"]


def test_a_build_needs_a_name_for_the_image(load_file: LoadProgram) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_file("command: [x]\nbuild: {context: .}")
    (problem,) = caught.value.diagnostics
    assert problem.code == "missing-key"
    assert (problem.span.line, problem.span.column) == (2, 1)


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


CHAT = """
image: x
messages:
  sent: '/^sent to (?P<to>\\S+): (?P<text>.*)$/'
  received: '/^(?P<from>\\S+) says (?P<quoted>".*")$/'
actions:
  say:
    takes: {text: , to: {kind: nodes}}
    dialogue: [{type: "{text}"}]
    sends: {text: "* {text}", to: to}
  think: {dialogue: [{type: hm}]}
"""


def test_messages_need_no_id(load_file: LoadProgram) -> None:
    messages = load_file(CHAT).messages
    assert messages.sent is not None
    assert messages.received is not None
    assert messages.sent.groups == ("to", "text")
    assert messages.received.groups == ("from", "quoted")


@pytest.mark.parametrize(
    ("pattern", "group"),
    [("sent: '/(?P<to>x)/'", "text"), ("received: '/(?P<text>x)/'", "from")],
)
def test_a_message_needs_its_text_and_its_other_side(
    load_file: LoadProgram, pattern: str, group: str
) -> None:
    with pytest.raises(ScenarioError, match=rf"lacks the group '{group}'"):
        load_file(f"image: x\nmessages: {{{pattern}}}")


def test_an_action_tells_what_it_sends(load_file: LoadProgram) -> None:
    actions = load_file(CHAT).actions
    assert actions["say"].sends == Sends(Template.parse("* {text}"), "to")
    assert actions["think"].sends is None
