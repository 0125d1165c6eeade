"""Who has which address, and which way packets take."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from peerlab.backend.topology import Topology, common_prefix, plan
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario

NET = [IPv4Network(f"10.201.{number}.0/28") for number in range(8)]


def topology(tmp_path: Path, network: str, nodes: str) -> Topology:
    """Plan a network as a scenario describes it; its segments have the subnets of NET in turn."""
    path = tmp_path / "scenario.yaml"
    named = ", ".join(f"{name}: server" for name in nodes.split())
    path.write_text(f"title: x\nnetwork:\n{network}\nnodes: {{{named}}}\nsteps: [{{a: exits}}]\n")
    described = load_scenario(path, programs=known_programs()).network
    return plan(described, NET[: len(described.segments)])


def routes(planned: Topology, name: str) -> dict[str, str]:
    """Where a station sends packets for which network."""
    station = {**planned.nodes, **planned.routers}[name]
    return {str(route.network): str(route.gateway) for route in station.routes}


DEFAULT = "0.0.0.0/0"


def test_nodes_of_one_segment_have_addresses_in_their_order_and_need_no_routes(
    tmp_path: Path,
) -> None:
    planned = topology(tmp_path, "  impairments: [{delay: 1ms}]", "a b c")
    assert [str(planned.nodes[name].interface.ip) for name in "abc"] == [
        "10.201.0.2",
        "10.201.0.3",
        "10.201.0.4",
    ]
    assert [routes(planned, name) for name in "abc"] == [{}, {}, {}]
    assert planned.routers == {}


CHAIN = """
  segments: {one: [a], two: [b], three: [c]}
  routers: {r: {joins: [one, two]}, s: {joins: [two, three]}}
"""


def test_packets_take_the_shortest_way_over_routers(tmp_path: Path) -> None:
    planned = topology(tmp_path, CHAIN, "a b c")
    r_one, r_two = (str(interface.ip) for interface in planned.routers["r"].interfaces)
    s_two, s_three = (str(interface.ip) for interface in planned.routers["s"].interfaces)
    assert routes(planned, "a") == {DEFAULT: r_one}
    assert routes(planned, "c") == {DEFAULT: s_three}
    # What b does not know it sends to the first router; for the other's network it knows better.
    assert routes(planned, "b") == {DEFAULT: r_two, "10.201.2.0/28": s_two}
    assert routes(planned, "r") == {"10.201.2.0/28": s_two}
    assert routes(planned, "s") == {"10.201.0.0/28": r_two}


HOMES = """
  segments: {left: [a], street: [b], right: [c]}
  routers:
    nl: {inside: left, outside: street, nat: full-cone}
    nr: {inside: right, outside: street, nat: symmetric, mapping-timeout: 30s}
"""


def test_no_route_leads_behind_a_nat(tmp_path: Path) -> None:
    planned = topology(tmp_path, HOMES, "a b c")
    assert routes(planned, "a") == {DEFAULT: str(planned.routers["nl"].interfaces[0].ip)}
    assert "10.201.0.0/28" not in routes(planned, "b")
    assert "10.201.2.0/28" not in routes(planned, "b")
    assert routes(planned, "nl") == routes(planned, "nr") == {}


def test_a_nat_behind_a_nat_has_its_way_out(tmp_path: Path) -> None:
    planned = topology(
        tmp_path,
        """
  segments: {flat: [a], house: [b], street: [c]}
  routers:
    inner: {inside: flat, outside: house, nat: full-cone}
    outer: {inside: house, outside: street, nat: full-cone}
""",
        "a b c",
    )
    outer = planned.routers["outer"]
    assert routes(planned, "inner")[DEFAULT] == str(outer.interfaces[0].ip)
    assert routes(planned, "b") == {DEFAULT: str(outer.interfaces[0].ip)}


def test_everybody_knows_whose_an_address_is(tmp_path: Path) -> None:
    planned = topology(tmp_path, HOMES, "a b c")
    assert sorted(planned.names.values()) == ["a", "b", "c", "nl", "nl", "nr", "nr"]
    # The name of a router stands for the address at which the outside knows it.
    assert ("10.201.1.3", "nl") in planned.hosts
    assert planned.as_message()["routers"][1]["nat"] == {
        "mapping": "address-and-port-dependent",
        "filtering": "address-and-port-dependent",
        "timeout": 30.0,
    }


@pytest.mark.parametrize(("nodes", "prefix"), [(12, 28), (13, 27), (29, 26)])
def test_a_segment_is_large_enough_for_its_nodes_and_routers(
    tmp_path: Path, nodes: int, prefix: int
) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"""
title: x
network:
  segments: {{many: ["n[1-{nodes}]"], few: [a]}}
  routers: {{r: {{joins: [many, few]}}}}
nodes: {{"n[1-{nodes}]": server, a: server}}
steps: [{{a: exits}}]
""")
    network = load_scenario(path, programs=known_programs()).network
    assert common_prefix(network) == prefix
