"""The demo of compose.yaml: what its file says, and what an engine makes of it."""

import json
import os
import pty
import re
import secrets
import select
import subprocess
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario
from tests.services.running import ROOT

SECONDS = 240
"""Time after which an engine has failed, on a busy machine too."""

NODES = ("server", "alice", "bob", "carol")

Json = Any  # what an engine tells


class Project:
    """A Compose project of its own, with nothing of the caller's environment in it."""

    def __init__(self, *files: Path, scenario: str | None = None) -> None:
        self.name = f"peerlab-test-{secrets.token_hex(4)}"
        more = [word for file in files for word in ("--file", str(file))]
        self._command = ["docker", "compose", "--project-name", self.name]
        self._command += ["--file", str(ROOT / "compose.yaml"), *more]
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("COMPOSE_") and name != "SCENARIO"
        }
        if scenario is not None:
            self.environ["SCENARIO"] = scenario

    def compose(self, *words: str) -> list[str]:
        """The command line of a Compose command."""
        return [*self._command, *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Do a Compose command, whatever its exit status."""
        return run(self.compose(*words), self.environ)

    def does(self, *words: str) -> str:
        """Do a Compose command that must succeed, and return what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def inspect(self, service: str) -> Json:
        """What the engine tells of the container of a service."""
        container = self.does("ps", "--all", "--quiet", service).strip()
        return json.loads(docker("inspect", container))[0]

    def left(self) -> str:
        """Everything that the engine still has of this project."""
        label = f"label=com.docker.compose.project={self.name}"
        listed = [
            docker("ps", "--all", "--quiet", "--filter", label),
            docker("volume", "ls", "--quiet", "--filter", label),
            docker("network", "ls", "--quiet", "--filter", label),
        ]
        return "".join(listed)


def run(
    command: list[str], environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def docker(*words: str) -> str:
    done = run(["docker", *words])
    assert done.returncode == 0, done.stderr
    return done.stdout


class Person:
    """Somebody at a terminal of this machine, who runs a command."""

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self._terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, env=environ, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
        )
        os.close(theirs)
        self.seen = ""

    def sees(self, pattern: str) -> re.Match[str]:
        """Wait until the terminal has shown the pattern since the last match."""
        deadline = time.monotonic() + SECONDS
        while (match := re.search(pattern, self.seen)) is None:
            patience = max(0.0, deadline - time.monotonic())
            assert select.select([self._terminal], [], [], patience)[0], self.seen
            self.seen += os.read(self._terminal, 4096).decode()
        self.seen = self.seen[match.end() :]
        return match

    def types(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")

    def leaves(self) -> int:
        """Read what is left and return the exit status of the command."""
        with suppress(OSError):  # nobody has the terminal open any more
            while os.read(self._terminal, 4096):
                pass
        os.close(self._terminal)
        return self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def images() -> None:
    """The images as they are built from the files that are tested."""
    Project().does("--profile", "person", "build", "--quiet")


@pytest.fixture(scope="module")
def up(images: None) -> Iterator[Project]:  # noqa: ARG001
    """A project whose demo has been played, and that is still up."""
    project = Project()
    try:
        project.does("up", "--detach")
        project.does("wait", "lab")
        yield project
    finally:
        project.run("down", "--volumes", "--timeout", "5")


@pytest.fixture
def project(images: None, tmp_path: Path) -> Iterator[Project]:  # noqa: ARG001
    """A project in which a scenario of the test can be played: `broken.yaml` beside `extra`."""
    (tmp_path / "scenarios").mkdir()
    extra = tmp_path / "extra.yaml"
    mount = f"{tmp_path / 'scenarios'}:/scenarios:ro"
    extra.write_text(json.dumps({"services": {"lab": {"volumes": [mount]}}}))
    made = Project(extra, scenario="/scenarios/broken.yaml")
    yield made
    made.run("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="module")
def document() -> Json:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_nodes_of_the_demo_run_what_its_scenario_says(document: Json) -> None:
    scenario = load_scenario(ROOT / "scenarios/demo.yaml", programs=known_programs())
    assert set(scenario.nodes) == set(NODES)
    for node in scenario.nodes.values():
        service = document["services"][node.name]
        assert service["image"] == node.program.image
        assert service["environment"] == dict(node.program.environment)
        module = f"services.{node.program.name}"
        socket = f"/run/terminals/{node.name}.sock"
        assert service["command"] == ["--socket", socket, "--", "python3", "-m", module]


def test_no_project_is_in_the_way_of_another_and_no_image_comes_from_a_registry(
    document: Json,
) -> None:
    assert document["networks"] == {"default": {"internal": True}}
    for service in document["services"].values():
        assert service.keys().isdisjoint({"container_name", "ports", "privileged", "cap_add"})
        assert service["pull_policy"] == "build"


@pytest.mark.docker
def test_the_demo_passes_as_a_check_beside_another_one_and_shows_every_line_once(
    up: Project,
) -> None:
    project = Project()
    try:
        done = project.run("--ansi", "never", "up", "--exit-code-from", "lab")
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line.partition("| ")[2] for line in done.stdout.splitlines()]
        assert lines.count("server | Server listening on 0.0.0.0:12345") == 1
        assert lines.count("alice  | Enter message to send: Hello you two!") == 1
        heard = [line for line in lines if line.endswith("from USER 1: Hello you two!")]
        assert sorted(line.partition(" ")[0] for line in heard) == ["bob", "carol"]
        assert any(line.startswith("passed   demo  sockets") for line in lines)
        # Everybody has ended in order.
        for service in (*NODES, "lab"):
            assert project.inspect(service)["State"]["ExitCode"] == 0
    finally:
        project.run("down", "--volumes", "--timeout", "5")
    assert project.left() == ""
    assert up.inspect("server")["State"]["Health"]["Status"] == "healthy"


@pytest.mark.docker
def test_a_scenario_that_fails_is_the_exit_status(project: Project, tmp_path: Path) -> None:
    (tmp_path / "scenarios/broken.yaml").write_text(
        textwrap.dedent("""
            title: Alice waits for what nobody says
            nodes: {server: server, alice: client}
            steps:
              - alice: login
              - alice: {expect: "Nobody says this", within: 200ms}
        """)
    )
    done = project.run("--ansi", "never", "up", "--exit-code-from", "lab")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "alice never showed 'Nobody says this'" in done.stdout


@pytest.mark.docker
def test_the_evidence_can_be_copied_and_shows_addresses_of_their_own(
    up: Project, tmp_path: Path
) -> None:
    up.does("cp", "lab:/runs", str(tmp_path))
    (verdict,) = tmp_path.glob("runs/demo/*Z-*/verdict.json")
    assert json.loads(verdict.read_text())["outcome"] == "passed"
    events = map(json.loads, (verdict.parent / "journal.jsonl").read_text().splitlines())
    addresses = {event["node"]: event["ip"] for event in events if event["kind"] == "deployed"}
    networks = {
        node: up.inspect(node)["NetworkSettings"]["Networks"][f"{up.name}_default"]["IPAddress"]
        for node in NODES
    }
    assert addresses == networks
    assert len(set(addresses.values())) == len(NODES)


@pytest.mark.docker
def test_what_a_node_printed_is_in_its_log(up: Project) -> None:
    log = up.does("logs", "--no-log-prefix", "bob")
    assert "Authentication successful!\n" in log
    assert "Received message from USER 1: Hello you two!\n" in log


@pytest.mark.docker
def test_after_the_demo_a_person_can_join_the_chat(up: Project) -> None:
    name = f"{up.name}-person"
    person = Person(up.compose("run", "--rm", "--name", name, "client"), up.environ)
    person.sees("Enter your username: ")
    person.types("Dora")
    person.sees("Enter your password: ")
    person.types("CSC3@A1")
    shown = person.sees(r"(?s)(.*)LIST AVAILABLE CLIENTS: Y/N")
    assert "CSC3@A1" not in shown[1]
    person.types("Y")
    found = person.sees(r"Available clients are: \{'USER \d+': \('([\d.]+)', \d+\)\}")
    container = json.loads(docker("inspect", name))[0]
    assert found[1] == container["NetworkSettings"]["Networks"][f"{up.name}_default"]["IPAddress"]
    assert_least_privilege(container)
    person.sees("Enter number of recipients: ")
    person.types("quit")
    assert person.leaves() == 0


def assert_least_privilege(container: Json) -> None:
    host = container["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["ReadonlyRootfs"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert 0 < host["PidsLimit"] <= 64
    assert 0 < host["Memory"] == host["MemorySwap"] <= 256 * 1024 * 1024
    assert host["Init"]
    assert host["RestartPolicy"]["Name"] == "no"
    assert not host["PortBindings"]
    assert container["Config"]["User"] == "10001:10001"
    assert {mount["Type"] for mount in container["Mounts"]} <= {"volume"}


@pytest.mark.docker
@pytest.mark.parametrize("service", [*NODES, "lab"])
def test_every_container_has_least_privilege(up: Project, service: str) -> None:
    assert_least_privilege(up.inspect(service))


@pytest.mark.docker
def test_the_kernel_gives_a_node_no_capability_and_no_place_to_write_but_its_own(
    up: Project,
) -> None:
    status = up.does("exec", "-T", "alice", "cat", "/proc/self/status")
    assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd):\t(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    look = "touch /app/x /run/x /etc/x; touch /tmp/x /run/terminals/x && rm /run/terminals/x"
    done = up.run("exec", "-T", "alice", "sh", "-c", look)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Read-only file system") == 3
    (network,) = json.loads(docker("network", "inspect", f"{up.name}_default"))
    assert network["Internal"]
    assert up.inspect("lab")["HostConfig"]["NetworkMode"] == "none"
