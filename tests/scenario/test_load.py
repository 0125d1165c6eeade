from pathlib import Path

import pytest

from peerlab.errors import UsageError
from peerlab.scenario.load import find_scenarios, load_scenario, scenario_name
from peerlab.scenario.model import (
    Choose,
    EndInput,
    Exits,
    Expect,
    Notice,
    Pause,
    Perform,
    Plug,
    Restart,
    SendSignal,
    Signal,
    StaysSilent,
    Step,
    Stop,
    Together,
    Type,
    Unplug,
)
from peerlab.scenario.source import ScenarioError
from peerlab.scenario.values import Pattern, Template
from tests.scenario.conftest import HERE, PROGRAMS, Load, Play

EXAMPLE = HERE / "scenarios" / "chat" / "example.yaml"


def text(words: str) -> Template:
    return Template.parse(words)


def test_the_example_is_read_whole() -> None:
    scenario = load_scenario(EXAMPLE, programs=PROGRAMS)
    assert scenario.name == "chat/example"
    assert scenario.path == EXAMPLE
    assert scenario.text == EXAMPLE.read_text(encoding="utf-8")
    assert scenario.title == "One client sends one message to two others"
    assert scenario.about == "What to observe,\nand why.\n"
    assert scenario.within == 12.0
    assert {name: node.program.name for name, node in scenario.nodes.items()} == {
        "server": "server",
        "u1": "client",
        "u2": "client",
        "u3": "client",
        "u4": "mine",
    }
    assert scenario.nodes["u4"].environment == {"CHAT_STAY": "1"}
    assert len(scenario.steps) == 17
    assert len(scenario.checks) == 5


def test_expectations_wait_ten_seconds_unless_told(load: Load) -> None:
    assert load("title: x\nnodes: {u1: client}\nsteps: [{u1: eof}]").within == 10.0


@pytest.mark.parametrize(
    ("step", "act_read"),
    [
        ("u1: {expect: x}", Expect(Pattern.parse("x"))),
        (
            "u1: {expect: x, within: 200ms, learn: '/(?P<ip>.)/'}",
            Expect(Pattern.parse("x"), 0.2, Pattern.parse("/(?P<ip>.)/")),
        ),
        ('u1: {type: "no"}', Type(text("no"))),
        ("u1: {type: no}", Type(text("no"))),
        ("u1: {type: 0x10}", Type(text("0x10"))),
        ("u1: {type: 12:30}", Type(text("12:30"))),
        ('u1: {type: ""}', Type(text(""))),
        ("u1: {type: x, secret: true}", Type(text("x"), secret=True)),
        ("u1: {notice: /x+/, within: 1m}", Notice(Pattern.parse("/x+/"), 60.0)),
        (
            "u1: {choose: {a: [{type: b}], /c/: []}, within: 5s}",
            Choose(((Pattern.parse("a"), (Type(text("b")),)), (Pattern.parse("/c/"), ())), 5.0),
        ),
        ("u1: {stays-silent: 1.5s}", StaysSilent(1.5)),
        ("u1: eof", EndInput()),
        ("u1: {eof: }", EndInput()),
        ("u1: interrupt", SendSignal(Signal.INTERRUPT)),
        ("u1: kill", SendSignal(Signal.KILL)),
        ("u1: pause", Pause()),
        ("u1: unplug", Unplug()),
        ("server: stop", Stop(10.0)),
        ("server: {stop: , within: 500ms}", Stop(0.5)),
        ("server: restart", Restart(10.0)),
        ("server: {restart: , within: 1m}", Restart(60.0)),
        ("u1: exits", Exits(None)),
        ('u1: {exits: "7", within: 3s}', Exits(7, 3.0)),
        ("u1: {exits: , within: 3s}", Exits(None, 3.0)),
        ("u1: quit", Perform("quit", {}, {})),
        (
            "u1: login",
            Perform("login", {"username": text("{node}"), "password": text("CSC3@A1")}, {}),
        ),
        (
            "u1: {login: Mzi}",
            Perform("login", {"username": text("Mzi"), "password": text("CSC3@A1")}, {}),
        ),
        (
            'u1: {login: , password: "1"}',
            Perform("login", {"username": text("{node}"), "password": text("1")}, {}),
        ),
        (
            'u1: {login: {username: Mzi, password: "1"}}',
            Perform("login", {"username": text("Mzi"), "password": text("1")}, {}),
        ),
        (
            "u1: {say: 'hi {u2.label}', to: ['u[1-2]', u3]}",
            Perform("say", {"text": text("hi {u2.label}")}, {"to": ("u1", "u2", "u3")}),
        ),
        ("u1: {say: x, to: u3}", Perform("say", {"text": text("x")}, {"to": ("u3",)})),
        ("u2: {hears: x, from: u1}", Perform("hears", {"text": text("x")}, {"from": ("u1",)})),
        ("u1: {choose: {a: [quit]}}", Choose(((Pattern.parse("a"), (Perform("quit", {}, {}),)),))),
    ],
)
def test_a_step_is_read_as_its_act(act: Play, step: str, act_read: object) -> None:
    assert act(step) == act_read


def test_a_cable_can_be_pulled_from_whatever_state_the_node_is_in(load: Load) -> None:
    scenario = load(
        "title: x\nnodes: {u1: client, u2: client}\n"
        "steps: [{u1: unplug}, {u1: kill}, {u1: plug}, {u1: unplug}, {u1: restart}, {u1: plug},\n"
        "  {u2: unplug}, {u2: start}, {u2: pause}, {u2: plug}]"
    )
    acts = [step.act for step in scenario.single_steps]
    assert acts.count(Unplug()) == acts.count(Plug()) == 3


def test_a_step_can_be_for_several_nodes(load: Load) -> None:
    scenario = load('title: x\nnodes: {"u[1-3]": client}\nsteps: [{"u[2-3]": login}]')
    (step,) = scenario.steps
    assert isinstance(step, Step)
    assert step.nodes == ("u2", "u3")


def test_steps_of_together_keep_their_order_and_places(load: Load) -> None:
    scenario = load(
        "title: x\n"
        "nodes: {u1: client, u2: client}\n"
        "steps:\n"
        "  - together:\n"
        "      - u1: eof\n"
        "      - u2: kill\n"
    )
    (together,) = scenario.steps
    assert isinstance(together, Together)
    assert [(step.nodes, step.act) for step in together.steps] == [
        (("u1",), EndInput()),
        (("u2",), SendSignal(Signal.KILL)),
    ]
    assert [(step.span.line, step.span.column) for step in together.steps] == [(5, 9), (6, 9)]


def test_a_step_that_two_programs_play_differently_is_played_together(
    load: Load, tmp_path: Path
) -> None:
    (tmp_path / "other.yaml").write_text(
        "image: test/other\nactions: {login: {takes: {name: {default: me}}, dialogue: []}}"
    )
    scenario = load(
        "title: x\nprograms: {other: other.yaml}\n"
        "nodes: {u1: client, u2: other, u3: client}\n"
        'steps: [{"u[1-3]": login}, {"u[1-3]": eof}]'
    )
    first, second = scenario.steps
    assert isinstance(first, Together)
    assert [(step.nodes, step.text) for step in first.steps] == [
        (("u1", "u3"), '"u[1-3]": login'),
        (("u2",), '"u[1-3]": login'),
    ]
    assert first.steps[1].act == Perform("login", {"name": text("me")}, {})
    assert isinstance(second, Step)
    assert second.nodes == ("u1", "u2", "u3")


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ('u1: {say: "HEY GUYS", to: [u2, u3]}', 'u1: {say: "HEY GUYS", to: [u2, u3]}'),
        ("u1:   {say:  HEY,to: [ u2 ]}   # why", "u1: {say: HEY, to: [u2]}"),
        ("u1:\n      say: HEY\n      to:\n        - u2\n", "u1: {say: HEY, to: [u2]}"),
        ("u1: {type: 1234, secret: true}", "u1: {type: ********, secret: true}"),
        ("u1: {login: Mzi, password: '12 34'}", "u1: {login: Mzi, password: ********}"),
        ("u1: {login: {password: x}}", "u1: {login: {password: ********}}"),
        ("u1: {login: , username: x}", "u1: {login:, username: x}"),
        ("u1:\n      type: |-\n        two\n        lines\n", "u1: {type: 'two\\nlines'}"),
        ("u1: {type: " + "x" * 150 + "}", "u1: {type: " + "x" * 106 + "..."),
    ],
)
def test_a_step_is_told_on_one_line_without_secrets(load: Load, step: str, shown: str) -> None:
    source = f"title: x\nnodes: {{u1: client, u2: client, u3: client}}\nsteps:\n  - {step}\n"
    (only,) = load(source).steps
    assert isinstance(only, Step)
    assert only.text == shown


NOTHING_WRONG = {
    "lost": 0,
    "duplicated": 0,
    "misdelivered": 0,
    "unexpected": 0,
    "altered": 0,
    "reordered": None,
}


def test_what_a_check_is_worth_stands_beside_it(load: Load) -> None:
    scenario = load(
        "title: x\n"
        "nodes: {u1: client}\n"
        "steps: [{u1: eof}]\n"
        "checks:\n"
        "  - delivery:\n"
        "    points: 2.5\n"
        "    partial: true\n"
        "    title: All arrive\n"
        "    visibility: hidden\n"
        "  - steps: \n"
        "    points: 1\n"
        "  - ends\n"
    )
    worth = [
        (check.text, check.title, check.points, check.partial, check.visibility)
        for check in scenario.checks
    ]
    assert worth == [
        ("delivery", "All arrive", 2.5, True, "hidden"),
        ("steps", None, 1.0, False, "visible"),
        ("ends", None, None, False, "visible"),
    ]


def test_checks_are_read_with_all_their_arguments(load: Load) -> None:
    scenario = load(
        "title: x\n"
        'nodes: {server: server, "u[1-2]": client}\n'
        "steps: [{u1: eof}]\n"
        "checks:\n"
        "  - delivery\n"
        "  - delivery: {lost: 1, sent: 3}\n"
        '  - order: {to: "u[1-2]"}\n'
        "  - latency: {at-most: 200ms, of: 95%, from: u1}\n"
        '  - exits: {server: 137, "u[1-2]": 0}\n'
        "  - log: {node: [u1, server, u1], contains: /x/, times: 0}\n"
        "  - log: {program: client, lacks: x, direction: typed}\n"
    )
    assert [(check.name, check.arguments) for check in scenario.checks] == [
        ("delivery", NOTHING_WRONG | {"sent": None}),
        ("delivery", NOTHING_WRONG | {"lost": 1, "sent": 3}),
        ("order", {"from": None, "to": ("u1", "u2")}),
        ("latency", {"at-most": 0.2, "at-least": None, "of": 0.95, "from": ("u1",), "to": None}),
        ("exits", {"nodes": {"server": 137, "u1": 0, "u2": 0}}),
        (
            "log",
            {
                "nodes": ("u1", "server"),
                "pattern": Pattern.parse("/x/"),
                "contains": True,
                "times": 0,
                "direction": "printed",
            },
        ),
        (
            "log",
            {
                "nodes": ("u1", "u2"),
                "pattern": Pattern.parse("x"),
                "contains": False,
                "times": None,
                "direction": "typed",
            },
        ),
    ]
    assert scenario.checks[1].text == "delivery: {lost: 1, sent: 3}"
    assert scenario.checks[1].span.line == 6


def test_checks_of_terminals_and_of_the_network_are_read_with_all_their_arguments(
    load: Load,
) -> None:
    scenario = load(
        "title: x\n"
        'nodes: {server: server, "u[1-3]": client}\n'
        "steps: [{u1: eof}]\n"
        "checks:\n"
        "  - transcript: {node: u1, equals: 'I am {u1.ip}'}\n"
        "  - transcript: {node: u2, equals: '', notices: apart}\n"
        "  - presence\n"
        "  - presence: {settle: 200ms, within: 5s}\n"
        "  - traffic\n"
        "  - traffic: {allow: [[u1, server], ['u[1-3]']], relays: [server]}\n"
        "  - capture: {contains: /x/}\n"
        "  - capture: {lacks: x, node: [u1, u2, u1]}\n"
        "  - capture: {secrets: present}\n"
        "  - capture: {secrets: absent, node: u1}\n"
    )
    pairs = (("u1", "server"), ("u1", "u2"), ("u1", "u3"), ("u2", "u3"))
    x = Pattern.parse("x")
    assert [check.arguments for check in scenario.checks] == [
        {"node": "u1", "equals": Template.parse("I am {u1.ip}"), "notices": "within"},
        {"node": "u2", "equals": Template(()), "notices": "apart"},
        {"settle": 1.0, "within": None},
        {"settle": 0.2, "within": 5.0},
        {"allow": frozenset(), "relays": None},
        {"allow": frozenset(map(frozenset, pairs)), "relays": ("server",)},
        {"pattern": Pattern.parse("/x/"), "secrets": False, "wanted": True, "nodes": None},
        {"pattern": x, "secrets": False, "wanted": False, "nodes": ("u1", "u2")},
        {"pattern": None, "secrets": True, "wanted": True, "nodes": None},
        {"pattern": None, "secrets": True, "wanted": False, "nodes": ("u1",)},
    ]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("checks: [presence]", False),
        ("checks: [traffic]", True),
        ("checks: [{capture: {secrets: absent}}]", True),
        ("network: {capture: true}", True),
    ],
)
def test_a_scenario_wants_captures_where_a_check_looks_into_them(
    load: Load, more: str, *, wanted: bool
) -> None:
    scenario = load(f"title: x\nnodes: {{u1: client}}\nsteps: [{{u1: eof}}]\n{more}\n")
    assert scenario.wants_captures is wanted


def test_the_scenarios_own_programs_go_before_those_of_the_call(load: Load, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("image: test/mine")
    scenario = load(
        "title: x\nprograms: {client: mine.yaml}\nnodes: {u1: client}\nsteps: [{u1: eof}]"
    )
    assert scenario.nodes["u1"].program.image == "test/mine"


def test_a_program_file_is_read_once_for_all_its_nodes(load: Load) -> None:
    scenario = load('title: x\nnodes: {"u[1-3]": client}\nsteps: [{u1: eof}]')
    assert len({id(node.program) for node in scenario.nodes.values()}) == 1


def test_programs_that_no_node_runs_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("title: x\nnodes: {u1: client}\nsteps: [{u1: eof}]")
    programs = {**PROGRAMS, "unused": tmp_path / "missing.yaml"}
    assert load_scenario(path, programs=programs).title == "x"


def test_variables_of_a_scenario_are_its_nodes_and_what_patterns_name(act: Play) -> None:
    step = "u1: {type: '{u2} {u2.name} {u2.ip} {u2.label} {node} {node.ip} {{word}} {2} {}'}"
    assert isinstance(act(step), Type)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/scenarios/login/wrong-password.yaml", "login/wrong-password"),
        ("/a/scenarios/b/scenarios/c.yml", "c"),
        ("/a/b/c.yaml", "c"),
        ("/a/scenarios.yaml", "scenarios"),
    ],
)
def test_a_scenario_is_named_by_its_place(path: str, name: str) -> None:
    assert scenario_name(Path(path)) == name


def test_the_name_is_the_same_from_inside_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE.parent)
    assert scenario_name(Path("example.yaml")) == "chat/example"


def test_directories_are_searched_for_scenarios(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/c.yml", "a/program.yaml", ".hidden/d.yaml", "a/e.txt", "z.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    found = find_scenarios([tmp_path / "z.yaml", tmp_path, tmp_path / "a" / "program.yaml"])
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "z.yaml",
        "a/c.yml",
        "b.yaml",
        "a/program.yaml",
    ]


def test_a_path_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read '.*missing\.yaml': No such file"):
        find_scenarios([tmp_path / "missing.yaml"])


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_path_that_cannot_be_is_a_wrong_call(name: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        find_scenarios([Path(name)])


def test_a_program_file_with_too_long_a_name_is_refused(load: Load) -> None:
    with pytest.raises(ScenarioError, match="there is no program file"):
        load(f"title: x\nprograms: {{a: {'x' * 5000}}}\nnodes: {{u1: a}}\nsteps: [{{u1: eof}}]")


def test_a_directory_without_scenarios_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no scenario in '.*'\n   hint: scenarios are"):
        find_scenarios([tmp_path])
