"""The wire on containers: what it needs, what it leaves alone, what happens when it dies."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from peerlab.backend import wire
from peerlab.backend.base import RunName
from peerlab.backend.docker import sidecar
from peerlab.backend.docker.lab import DockerBackend
from peerlab.checks.result import Result
from peerlab.evidence.journal import Event, Kind
from peerlab.play import play
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario

pytestmark = pytest.mark.docker

IMPAIRED = """
title: Impaired
network:
  segments: {home: [u1], street: [server, u2]}
  routers: {nat: {inside: home, outside: street, nat: full-cone}}
nodes: {server: server, u1: client, u2: client}
steps:
  - u[1-2]: login
  - wire: {delay: 1ms}
  - u[1-2]: quit
"""
PLAIN = """
title: Plain
nodes: {server: server, u1: client}
steps:
  - u1: login
  - u1: quit
"""


@pytest.fixture
def client() -> Iterator[docker.APIClient]:
    with closing(docker.APIClient()) as connected:
        yield connected


@pytest.fixture
def backend() -> Iterator[DockerBackend]:
    with closing(DockerBackend(say=print)) as made:
        yield made


def load(text: str, folder: Path) -> Scenario:
    path = folder / "scenario.yaml"
    path.write_text(text)
    return load_scenario(path, programs=known_programs())


def containers(client: docker.APIClient, run: str) -> dict[str, dict[str, object]]:
    """What the engine says of the containers of a run, by their service."""
    filters = {"label": f"peerlab.run={run}"}
    found = [
        client.inspect_container(each) for each in client.containers(filters=filters, all=True)
    ]
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}


def test_a_node_gets_no_capability_and_its_part_of_the_wire_two(
    client: docker.APIClient, backend: DockerBackend, tmp_path: Path
) -> None:
    run = RunName("impaired", "20261127T120000Z-0badcafe")
    with backend.deploy(load(IMPAIRED, tmp_path), run):
        there = containers(client, run.run_id)
    nodes = {"server", "u1", "u2"}
    assert set(there) == nodes | {f"{name}-wire" for name in (*nodes, "nat")}
    for name, found in there.items():
        host = found["HostConfig"]
        assert isinstance(host, dict)
        assert host["CapDrop"] == ["ALL"]
        # Newer engines spell them with a prefix.
        added = [capability.removeprefix("CAP_") for capability in host["CapAdd"] or []]
        assert added == ([] if name in nodes else ["NET_ADMIN", "NET_RAW"])
        assert host["ReadonlyRootfs"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert not host["Privileged"]
        assert not host["Binds"]


def test_a_scenario_that_leaves_its_network_alone_starts_nothing_beside_its_nodes(
    client: docker.APIClient, backend: DockerBackend, tmp_path: Path
) -> None:
    run = RunName("plain", "20261127T120000Z-0badbeef")
    with backend.deploy(load(PLAIN, tmp_path), run) as lab:
        there = containers(client, run.run_id)
        assert lab.wire is None
    assert set(there) == {"server", "u1"}


def play_and_kill(
    client: docker.APIClient, backend: DockerBackend, scenario: Scenario, folder: Path, victim: str
) -> Result:
    """Play it, and kill one part of the wire when the network is first changed."""
    killed: list[str] = []

    def kill(_scenario: Scenario, event: Event) -> None:
        if event.kind is Kind.STEP and event.node is None and not killed:
            killed.append(victim)
            run = next(iter((folder / "runs" / "scenario").glob("2*"))).name
            client.kill(str(containers(client, run)[victim]["Id"]))

    result = play(scenario, backend, folder / "runs", observer=kill)
    assert killed
    return result


@pytest.mark.parametrize("victim", ["u1-wire", "nat-wire"])
def test_a_part_of_the_wire_that_dies_gives_no_verdict_and_is_named(
    client: docker.APIClient, backend: DockerBackend, tmp_path: Path, victim: str
) -> None:
    result = play_and_kill(client, backend, load(IMPAIRED, tmp_path), tmp_path, victim)
    assert result.verdict.outcome == "unknown"
    name = victim.removesuffix("-wire")
    messages = [finding.message for finding in result.verdict.findings]
    assert any(f"the wire of {name}" in message for message in messages), messages
    assert containers(client, result.evidence.name) == {}


def play_and_freeze(
    client: docker.APIClient,
    backend: DockerBackend,
    scenario: Scenario,
    folder: Path,
    seconds: float,
) -> Result:
    """Play it, and let u1's part of the wire stand still when the network is first changed."""
    frozen: list[threading.Timer] = []

    def freeze(_scenario: Scenario, event: Event) -> None:
        if event.kind is Kind.STEP and event.node is None and not frozen:
            run = next(iter((folder / "runs" / "scenario").glob("2*"))).name
            victim = str(containers(client, run)["u1-wire"]["Id"])
            client.pause(victim)
            frozen.append(threading.Timer(seconds, client.unpause, [victim]))
            frozen[0].start()

    result = play(scenario, backend, folder / "runs", observer=freeze)
    frozen[0].cancel()
    return result


def test_a_part_of_the_wire_that_stood_still_gives_no_verdict(
    client: docker.APIClient, backend: DockerBackend, tmp_path: Path
) -> None:
    result = play_and_freeze(client, backend, load(IMPAIRED, tmp_path), tmp_path, 1.5)
    assert result.verdict.outcome == "unknown"
    messages = [finding.message for finding in result.verdict.findings]
    assert any("the wire stood still for" in message for message in messages), messages


def test_a_step_that_fails_on_a_wire_that_stands_still_is_no_failure_of_the_program(
    client: docker.APIClient,
    backend: DockerBackend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "_WITHIN", 5.0)
    monkeypatch.setattr(sidecar, "_ENDS_WITHIN", 2.0)
    stuck = IMPAIRED.replace("wire: {delay: 1ms}", "wire: {delay: 1ms}\n  - u1: {expect: never}")
    result = play_and_freeze(client, backend, load(stuck, tmp_path), tmp_path, 60)
    assert result.verdict.outcome == "unknown"
    messages = [finding.message for finding in result.verdict.findings]
    assert any("the wire of u1 says nothing" in message for message in messages), messages
    assert containers(client, result.evidence.name) == {}
