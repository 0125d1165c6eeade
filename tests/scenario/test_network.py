"""The topology that a scenario describes."""

import pytest

from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Nat, NatBehaviour, Router
from tests.scenario.conftest import HERE, PROGRAMS, Load

INDEPENDENT = NatBehaviour.ENDPOINT_INDEPENDENT
BY_ADDRESS = NatBehaviour.ADDRESS_DEPENDENT
BY_PORT = NatBehaviour.ADDRESS_AND_PORT_DEPENDENT


def test_without_a_network_all_nodes_are_on_one_segment(load: Load) -> None:
    scenario = load('title: x\nnodes: {server: server, "u[1-2]": client}\nsteps: [{u1: eof}]')
    assert scenario.network.segments == {"lan": ("server", "u1", "u2")}
    assert scenario.network.routers == {}
    assert scenario.network.impairments == ()
    assert not scenario.scripts_network


@pytest.mark.parametrize(
    "more",
    [
        "network: {impairments: [{loss: 1%}]}\nsteps: [{u1: eof}]",
        "network: {segments: {a: u1, b: u2}}\nsteps: [{u1: eof}]",
        "network: {segments: {a: 'u[1-2]', b: []}}\nsteps: [{u1: eof}]",
        "steps: [{wire: {loss: 1%}}]",
        "steps: [{wire: heal}]",
        "steps: [{u1: unplug}]",
        "steps: [{together: [{u1: eof}, {u2: unplug}]}]",
    ],
)
def test_a_network_is_scripted_if_it_is_other_than_one_plain_segment(load: Load, more: str) -> None:
    assert load(f"title: x\nnodes: {{u1: client, u2: client}}\n{more}").scripts_network


def test_segments_hold_nodes_and_routers_join_segments() -> None:
    path = HERE / "scenarios" / "network" / "example.yaml"
    network = load_scenario(path, programs=PROGRAMS).network
    assert network.segments == {
        "home": ("alice", "u1", "u2"),
        "internet": ("bob", "server"),
        "far": ("u3",),
        "x": (),
    }
    nat, own, core = network.routers.values()
    assert nat == Router("nat", ("home", "internet"), Nat(INDEPENDENT, BY_PORT, 30.0), nat.span)
    assert own == Router("own", ("x", "internet"), Nat(INDEPENDENT, BY_ADDRESS, 120.0), own.span)
    assert core == Router("core", ("internet", "far", "x"), None, core.span)
    assert (nat.span.line, nat.span.column) == (9, 5)


@pytest.mark.parametrize(
    ("name", "mapping", "filtering"),
    [
        ("full-cone", INDEPENDENT, INDEPENDENT),
        ("address-restricted", INDEPENDENT, BY_ADDRESS),
        ("port-restricted", INDEPENDENT, BY_PORT),
        ("symmetric", BY_PORT, BY_PORT),
    ],
)
def test_the_old_names_of_nats_are_behaviours_of_rfc_4787(
    load: Load, name: str, mapping: NatBehaviour, filtering: NatBehaviour
) -> None:
    scenario = load(
        "title: x\nnodes: {u1: client, u2: client}\nsteps: [{u1: eof}]\n"
        "network:\n"
        "  segments: {in: u1, out: u2}\n"
        f"  routers: {{r: {{inside: in, outside: out, nat: {name}}}}}\n"
    )
    assert scenario.network.routers["r"].nat == Nat(mapping, filtering, 120.0)


def test_what_the_wire_does_from_the_start_can_be_about_routers() -> None:
    path = HERE / "scenarios" / "network" / "example.yaml"
    slow, wifi = load_scenario(path, programs=PROGRAMS).network.impairments
    assert slow.name == "slow"
    assert [(rule.effect, rule.source, rule.target) for rule in slow.rules] == [
        ("delay", ("alice", "bob"), ("alice", "bob"))
    ]
    assert {(rule.source, rule.target) for rule in wifi.rules} == {
        (("nat",), None),
        (None, ("nat",)),
    }


def test_there_can_be_a_router_between_segments_of_which_one_is_the_only_one_with_nodes(
    load: Load,
) -> None:
    scenario = load(
        "title: x\nnodes: {u1: client}\nsteps: [{u1: eof}]\n"
        "network: {segments: {a: u1, b: []}, routers: {r: {joins: [a, b, a]}}}\n"
    )
    assert scenario.network.routers["r"].segments == ("a", "b")


def test_a_scenario_can_ask_for_captures_always(load: Load) -> None:
    network = load("title: x\nnetwork: {capture: true}\nnodes: {u1: client}\nsteps: [{u1: eof}]")
    assert network.network.captures
    assert not network.scripts_network
