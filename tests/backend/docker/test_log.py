"""Every run on Docker is held against the engine's own log; here that this can fail."""

from contextlib import closing
from pathlib import Path

import docker
import pytest

from peerlab.backend.base import RunName, Sink, Stream
from peerlab.backend.docker.attached import AttachedNode
from peerlab.backend.docker.lab import DockerBackend
from peerlab.checks.verdict import Outcome
from peerlab.play import play
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario

pytestmark = pytest.mark.docker

PROMPT = "Enter your username: "


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "title: Short\nnodes: {server: server, u1: client}\nsteps: [{u1: login}, {u1: quit}]\n"
    )
    return load_scenario(path, programs=known_programs())


class Loses:
    """Passes on what a reader tells, without the last byte of what is longer than a prompt."""

    def __init__(self, sink: Sink) -> None:
        self.exited, self.lost = sink.exited, sink.lost
        self._sink = sink

    def printed(self, stream: Stream, data: bytes) -> None:
        """Lose a byte."""
        self._sink.printed(stream, data[:-1] if len(data) > len(PROMPT) else data)


def test_a_reader_that_loses_a_byte_is_found_out(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = AttachedNode.start
    monkeypatch.setattr(AttachedNode, "start", lambda node, sink: start(node, Loses(sink)))
    with closing(DockerBackend(say=print)) as backend:
        result = play(scenario, backend, tmp_path / "runs")
    assert result.verdict.outcome is Outcome.UNKNOWN
    assert "is not what the engine logged" in str(result.error)


def test_the_engines_log_of_a_node_is_bounded(scenario: Scenario) -> None:
    run = RunName("bounded", "20261127T120000Z-0badf00d")
    with (
        closing(docker.APIClient()) as client,
        closing(DockerBackend(say=print)) as backend,
        backend.deploy(scenario, run) as lab,
    ):
        for node in lab.nodes.values():
            found = client.inspect_container(node.container)["HostConfig"]["LogConfig"]
            assert found["Type"] == "local"
            assert found["Config"]["max-size"] == "64m"
            assert found["Config"]["max-file"] == "1"
