"""What is written about the wire, and the rules that come of it."""

from collections.abc import Callable, Mapping

import pytest

from peerlab.scenario.model import Heal, Impair, Step, WireStep
from peerlab.scenario.presets import PRESETS
from peerlab.scenario.source import ScenarioError
from tests.scenario.conftest import Load

Rules = list[dict[str, object]]
Act = Callable[[str], Impair | Heal]

HEAD = 'title: One step\nnodes: {server: server, "u[1-4]": client}\n'


@pytest.fixture
def wire(load: Load) -> Act:
    """Reads what one step of the wire does, in a lab of a server and the clients u1 to u4."""

    def read(step: str) -> Impair | Heal:
        (only,) = load(f"{HEAD}steps:\n  - wire: {step}\n").steps
        assert isinstance(only, WireStep)
        return only.act

    return read


@pytest.fixture
def rules(wire: Act) -> Callable[[str], Rules]:
    """The rules of one step, as the wire reads them."""

    def read(step: str) -> Rules:
        act = wire(step)
        assert isinstance(act, Impair)
        return [rule.as_dict(f"1.{number}", act.name) for number, rule in enumerate(act.rules)]

    return read


def about_everything(effect: str, shown: str, **arguments: object) -> dict[str, object]:
    return {
        "id": "1.0",
        "name": None,
        "shown": shown,
        "from": None,
        "to": None,
        "protocol": None,
        "port": None,
        "effect": effect,
        **arguments,
    }


@pytest.mark.parametrize(
    ("step", "effect", "arguments"),
    [
        ("delay: 100ms", "delay", {"seconds": 0.1, "jitter": 0.0, "keeps_order": True}),
        (
            "delay: 100ms, jitter: 20ms, order: free",
            "delay",
            {"seconds": 0.1, "jitter": 0.02, "keeps_order": False},
        ),
        (
            "delay: 250us, jitter: 250us, order: kept",
            "delay",
            {"seconds": 0.00025, "jitter": 0.00025, "keeps_order": True},
        ),
        ("loss: 0.5%", "loss", {"chance": 0.005}),
        ("loss: 100%", "loss", {"chance": 1.0}),
        (
            "loss: {p: 1%, r: 25%}",
            "bursts",
            {"p": 0.01, "r": 0.25, "lost_in_burst": 1.0, "lost_otherwise": 0.0},
        ),
        (
            "loss: {p: 1%, r: 25%, 1-h: 0%, 1-k: 2%}",
            "bursts",
            {"p": 0.01, "r": 0.25, "lost_in_burst": 0.0, "lost_otherwise": 0.02},
        ),
        ("duplicate: 5%", "duplicate", {"chance": 0.05}),
        ("corrupt: 5%", "corrupt", {"chance": 0.05, "detected": True}),
        (
            "corrupt: 5%, corrupt-as: delivered",
            "corrupt",
            {"chance": 0.05, "detected": False},
        ),
        ("reorder: 25%", "reorder", {"chance": 0.25}),
        ("rate: 256kbit", "rate", {"bits": 256_000, "queue": 100}),
        ("rate: 64kbps, queue: 20", "rate", {"bits": 512_000, "queue": 20}),
    ],
)
def test_an_impairment_is_a_rule_about_everything(
    rules: Callable[[str], Rules], step: str, effect: str, arguments: Mapping[str, object]
) -> None:
    assert rules(f"{{{step}}}") == [about_everything(effect, step, **arguments)]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("delay: 0ms", "delay"),
        ("loss: 0%", "loss"),
        ("duplicate: 0%", "duplicate"),
        ("corrupt: 0%", "corrupt"),
        ("reorder: 0%", "reorder"),
        ("rate: 0bit", "rate"),
    ],
)
def test_an_impairment_of_nothing_ends_it(
    rules: Callable[[str], Rules], step: str, kind: str
) -> None:
    assert rules(f"{{{step}}}") == [about_everything("off", step, kind=kind)]


@pytest.mark.parametrize(
    ("step", "effect", "arguments"),
    [
        ("drop: 1", "drop-these", {"which": ((1, 1),)}),
        ("drop: 4-6", "drop-these", {"which": ((4, 6),)}),
        ("drop: [4-6, 2]", "drop-these", {"which": ((2, 2), (4, 6))}),
        ("duplicate: 2", "duplicate-these", {"which": ((2, 2),)}),
        ("corrupt: [3]", "corrupt-these", {"which": ((3, 3),), "detected": True}),
        (
            "corrupt: 3, corrupt-as: delivered",
            "corrupt-these",
            {"which": ((3, 3),), "detected": False},
        ),
        (
            "delay: {4-6: 1s, 2: 83ms}",
            "delay-these",
            {"which": ((2, 2, 0.083), (4, 6, 1.0))},
        ),
        ("swap: [5, 4]", "swap-these", {"first": 4, "second": 5}),
    ],
)
def test_an_exact_effect_is_about_datagrams_unless_told(
    rules: Callable[[str], Rules], step: str, effect: str, arguments: Mapping[str, object]
) -> None:
    expected = about_everything(effect, step, **arguments)
    assert rules(f"{{{step}}}") == [{**expected, "protocol": "udp"}]
    assert rules(f"{{{step}, traffic: tcp}}") == [{**expected, "protocol": "tcp"}]


@pytest.mark.parametrize(
    ("scope", "ways"),
    [
        ("from: u1", [(("u1",), None)]),
        ("to: server", [(None, ("server",))]),
        ("from: [u1, u1], to: 'u[2-3]'", [(("u1",), ("u2", "u3"))]),
        ("node: u1", [(("u1",), None), (None, ("u1",))]),
        ("node: [u1, u2]", [(("u1", "u2"), None), (None, ("u1", "u2"))]),
        ("between: 'u[1-3]'", [(("u1", "u2", "u3"), ("u1", "u2", "u3"))]),
        ("between: [u1, server]", [(("u1", "server"), ("u1", "server"))]),
    ],
)
def test_the_scope_says_whose_packets_it_is_about(
    rules: Callable[[str], Rules], scope: str, ways: list[object]
) -> None:
    assert [(rule["from"], rule["to"]) for rule in rules(f"{{{scope}, loss: 1%}}")] == ways


@pytest.mark.parametrize(
    ("traffic", "protocol", "port"),
    [("traffic: udp", "udp", None), ("traffic: tcp, port: 80", "tcp", 80), ("port: 9", None, 9)],
)
def test_traffic_and_port_say_which_packets(
    rules: Callable[[str], Rules], traffic: str, protocol: str | None, port: int | None
) -> None:
    (rule,) = rules(f"{{{traffic}, loss: 1%}}")
    assert (rule["protocol"], rule["port"]) == (protocol, port)


def test_everything_in_one_step_is_in_force_under_one_name(
    rules: Callable[[str], Rules],
) -> None:
    made = rules("{node: u1, drop: 2, loss: 10%, delay: 1s, name: storm}")
    assert [(rule["id"], rule["shown"], rule["name"]) for rule in made] == [
        ("1.0", "delay: 1s", "storm"),
        ("1.1", "delay: 1s", "storm"),
        ("1.2", "loss: 10%", "storm"),
        ("1.3", "loss: 10%", "storm"),
        ("1.4", "drop: 2", "storm"),
        ("1.5", "drop: 2", "storm"),
    ]


def cuts(made: Rules) -> set[tuple[str, str]]:
    """From whom to whom nothing passes."""
    pairs = set()
    for rule in made:
        assert (rule["effect"], rule["shown"]) == ("cut", "partition")
        sources, targets = rule["from"], rule["to"]
        assert isinstance(sources, tuple)
        assert isinstance(targets, tuple)
        pairs |= {(source, target) for source in sources for target in targets}
    return pairs


def both_ways(*pairs: tuple[str, str]) -> set[tuple[str, str]]:
    return {*pairs, *((target, source) for source, target in pairs)}


@pytest.mark.parametrize(
    ("groups", "parted"),
    [
        ("[[u1], [u2]]", both_ways(("u1", "u2"))),
        ("[u1, [u2]]", both_ways(("u1", "u2"))),
        (
            "[['u[1-2]'], [server, u3]]",
            both_ways(("u1", "server"), ("u1", "u3"), ("u2", "server"), ("u2", "u3")),
        ),
        ("[[u1], [u2], [u3]]", both_ways(("u1", "u2"), ("u1", "u3"), ("u2", "u3"))),
        # The server is in both groups and reaches everyone.
        ("[[u1, server], [u2, server]]", both_ways(("u1", "u2"))),
        ("{from: u1, to: [u2, u3]}", {("u1", "u2"), ("u1", "u3")}),
    ],
)
def test_a_partition_cuts_nodes_off_that_share_no_group(
    rules: Callable[[str], Rules], groups: str, parted: set[tuple[str, str]]
) -> None:
    made = rules(f"{{partition: {groups}, name: split}}")
    assert cuts(made) == parted
    assert {rule["name"] for rule in made} == {"split"}
    assert {(rule["protocol"], rule["port"]) for rule in made} == {(None, None)}


@pytest.mark.parametrize("step", ["heal", "{heal: }", "{heal: ~}"])
def test_heal_alone_ends_everything(wire: Act, step: str) -> None:
    assert wire(step) == Heal(None)


def test_heal_ends_what_a_step_or_the_network_has_named(load: Load) -> None:
    scenario = load(
        HEAD + "network: {impairments: [{loss: 1%, name: rain}]}\n"
        "steps:\n"
        "  - wire: {loss: 10%, node: u1, name: storm}\n"
        "  - wire: {delay: 1s, node: u2, name: storm}\n"
        "  - wire: {heal: storm}\n"
        "  - wire: {heal: rain}\n"
        "  - wire: {loss: 10%, name: storm}\n"
        "  - wire: {heal: storm}\n"
    )
    acts = [step.act for step in scenario.steps if isinstance(step, WireStep)]
    heals = [act for act in acts if isinstance(act, Heal)]
    assert heals == [Heal("storm"), Heal("rain"), Heal("storm")]


def test_a_step_of_the_wire_keeps_its_place_and_text(load: Load) -> None:
    scenario = load(HEAD + "steps:\n  - u1: eof\n  - wire:\n      from: u1\n      drop: 1\n")
    first, second = scenario.steps
    assert isinstance(first, Step)
    assert isinstance(second, WireStep)
    assert second.text == "wire: {from: u1, drop: 1}"
    assert (second.span.line, second.span.column) == (5, 5)
    assert scenario.single_steps == (first,)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_what_its_figures_are(rules: Callable[[str], Rules], name: str) -> None:
    figures = ", ".join(f"{key}: {value}" for key, value in PRESETS[name].items())
    written, made = rules(f"{{node: u1, {figures}}}"), rules(f"{{node: u1, preset: {name}}}")
    assert [{**rule, "shown": ""} for rule in made] == [{**rule, "shown": ""} for rule in written]
    assert all(str(rule["shown"]).startswith(f"preset: {name}, ") for rule in made)


def test_keys_beside_a_preset_go_before_its_own(rules: Callable[[str], Rules]) -> None:
    made = rules("{preset: lossy-classroom, loss: 0%, drop: 1, delay: {2: 1s}, duplicate: 1%}")
    assert [(rule["effect"], rule["shown"]) for rule in made] == [
        ("delay-these", "delay: {2: 1s}"),
        ("off", "loss: 0%"),
        ("duplicate", "duplicate: 1%"),
        ("drop-these", "drop: 1"),
        ("delay", "preset: lossy-classroom, delay: 50ms, jitter: 50ms"),
    ]


def test_what_can_be_done_to_the_same_datagram_can_stand_together(
    rules: Callable[[str], Rules],
) -> None:
    made = rules("{drop: 1, duplicate: 2, corrupt: 2, delay: {2: 1s}, swap: [3, 4]}")
    assert len(made) == 5


@pytest.mark.parametrize("text", ["heal", "{loss: 1%}", "{partition: [[u1], [u2]]}"])
def test_the_wire_is_never_told_anything_together_with_other_steps(load: Load, text: str) -> None:
    with pytest.raises(ScenarioError, match="got 'wire' inside 'together'"):
        load(f"{HEAD}steps:\n  - together:\n      - wire: {text}\n      - u1: eof\n")
