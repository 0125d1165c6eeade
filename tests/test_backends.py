"""Which backend plays: what `--backend auto` chooses and says, and what cannot be asked for."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn

import pytest

from peerlab.backend.base import RunName
from peerlab.backend.docker import lab as docker_lab
from peerlab.backends import Backends
from peerlab.errors import MachineUnfit, UsageError
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Program, Scenario

FILES: Final = {
    "both": "image: test/both\ncommand: [sleep, '1']\n",
    "contained": "image: test/contained\n",
}


class FakeDocker:
    """A container engine that answers or does not."""

    name: Final = "docker"
    missing: MachineUnfit | None = None
    made = 0
    closed = 0
    wired: bool | None = None

    def __init__(self, say: Callable[[str], None], *, keep: bool = False) -> None:
        del say, keep
        type(self).made += 1

    def prepare(self, programs: Iterable[Program], *, wired: bool) -> None:
        """Have the images."""
        assert [program.name for program in programs]
        type(self).wired = wired
        if self.missing is not None:
            raise self.missing

    def close(self) -> None:
        """Note it."""
        type(self).closed += 1


class Choosing:
    """Backends on a machine whose engine is made up, and what they say."""

    def __init__(self, directory: Path, docker: type[FakeDocker]) -> None:
        self.docker = docker
        self.said: list[str] = []
        self._directory = directory

    def backends(self, name: str, *, keep: bool = False, captures: bool = False) -> Backends:
        """As the command makes them."""
        return Backends(name, self.said.append, keep=keep, captures=captures)

    def scenario(self, program: str, steps: str = "[{u1: {exits: 0}}]") -> Scenario:
        """A scenario with a node of one program."""
        for name, text in FILES.items():
            (self._directory / f"{name}.yaml").write_text(f"about: x\n{text}")
        path = self._directory / "scenario.yaml"
        path.write_text(f"title: x\nnodes: {{u1: {program}}}\nsteps: {steps}\n")
        files = {name: self._directory / f"{name}.yaml" for name in FILES}
        return load_scenario(path, programs=files)


@pytest.fixture
def choosing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Choosing:
    """A machine with a container engine, until a test says otherwise."""

    class Docker(FakeDocker):
        pass

    monkeypatch.setattr(docker_lab, "DockerBackend", Docker)
    return Choosing(tmp_path, Docker)


def test_auto_takes_docker_where_an_engine_has_the_images(choosing: Choosing) -> None:
    backend = choosing.backends("auto").choose([choosing.scenario("both")])
    assert backend.name == "docker"
    assert choosing.said == ["backend docker: a container engine answers and has the images"]


def test_auto_takes_netns_where_no_engine_answers_and_says_why_in_one_line(
    choosing: Choosing,
) -> None:
    choosing.docker.missing = MachineUnfit("no engine answers:\n  gone", hint="start it")
    backend = choosing.backends("auto").choose([choosing.scenario("both")])
    assert backend.name == "netns"
    assert choosing.said == ["backend netns: no engine answers"]


def test_an_engine_that_does_not_answer_is_asked_once_for_all_scenarios(
    choosing: Choosing, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def ask(say: Callable[[str], None], *, keep: bool) -> NoReturn:
        del say
        asked.append(keep)
        raise MachineUnfit("no engine answers")

    monkeypatch.setattr(
        choosing.docker, "__init__", lambda _self, say, *, keep: ask(say, keep=keep)
    )
    backends = choosing.backends("auto")
    for _ in range(2):
        assert backends.choose([choosing.scenario("both")]).name == "netns"
    assert asked == [False]


@pytest.mark.parametrize(("program", "keep"), [("contained", False), ("both", True)])
def test_where_netns_could_not_do_it_the_want_of_an_engine_is_the_error(
    choosing: Choosing, program: str, *, keep: bool
) -> None:
    choosing.docker.missing = MachineUnfit("no engine answers")
    with pytest.raises(MachineUnfit, match="no engine answers"):
        choosing.backends("auto", keep=keep).choose([choosing.scenario(program)])
    assert choosing.said == []


@pytest.mark.parametrize("captures", [True, False])
def test_the_image_of_the_wire_is_needed_by_who_captures(
    choosing: Choosing, *, captures: bool
) -> None:
    choosing.backends("auto", captures=captures).choose([choosing.scenario("both")])
    assert choosing.docker.wired is captures


def test_the_image_of_the_wire_is_needed_by_a_scenario_that_changes_the_network(
    choosing: Choosing,
) -> None:
    choosing.backends("auto").choose([choosing.scenario("both", "[{u1: unplug}]")])
    assert choosing.docker.wired is True


@pytest.mark.parametrize("name", ["netns", "sockets"])
def test_keep_is_refused_where_there_are_no_containers(choosing: Choosing, name: str) -> None:
    with pytest.raises(UsageError, match=f"--keep leaves containers running, and {name} has none"):
        choosing.backends(name, keep=True)


@pytest.mark.parametrize("check", ["traffic", "capture: {lacks: x}"])
def test_the_image_of_the_wire_is_needed_by_a_check_that_looks_into_captures(
    choosing: Choosing, check: str
) -> None:
    steps = f"[{{u1: {{exits: 0}}}}]\nchecks:\n- {check}"
    choosing.backends("auto").choose([choosing.scenario("both", steps)])
    assert choosing.docker.wired is True


def test_keep_and_captures_exclude_each_other(choosing: Choosing) -> None:
    with pytest.raises(UsageError) as raised:
        choosing.backends("auto", keep=True, captures=True)
    assert raised.value.hint == "leave out --keep or --capture"


@pytest.mark.parametrize("name", ["docker", "netns"])
def test_a_backend_that_was_asked_for_is_taken_without_a_word(
    choosing: Choosing, name: str
) -> None:
    choosing.docker.missing = MachineUnfit("no engine answers")
    backends = choosing.backends(name)
    backend = backends.choose([choosing.scenario("both")])
    assert backend.name == name
    assert backends.choose([choosing.scenario("both")]) is backend
    assert choosing.said == []


def test_each_choice_is_said_once_and_the_same_backend_serves_all(choosing: Choosing) -> None:
    backends = choosing.backends("auto")
    scenario = choosing.scenario("both")
    first = backends.choose([scenario])
    assert backends.choose([scenario, scenario]) is first
    choosing.docker.missing = MachineUnfit("an image cannot be built")
    assert backends.choose([scenario]).name == "netns"
    assert backends.choose([scenario]).name == "netns"
    assert choosing.said == [
        "backend docker: a container engine answers and has the images",
        "backend netns: an image cannot be built",
    ]
    assert choosing.docker.made == 1
    backends.close()
    assert choosing.docker.closed == 1


def test_a_program_that_can_only_be_run_from_its_image_is_refused_on_netns(
    choosing: Choosing,
) -> None:
    scenario = choosing.scenario("contained")
    backend = choosing.backends("netns").choose([scenario])
    with (
        pytest.raises(UsageError, match=r"contained .* can only be run from its image") as raised,
        backend.deploy(scenario, RunName("test", "20260101T000000Z-00000000")),
    ):
        pass
    assert "without-image" in (raised.value.hint or "")
