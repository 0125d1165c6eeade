"""`peerlab doctor` on machines that lack one thing or another."""

import shutil
from typing import Any

import pytest
from click.testing import CliRunner, Result

from peerlab import cli, doctor
from peerlab.backend.docker import engine, sweep
from peerlab.errors import LabError, MachineUnfit


class Machine:
    """A machine as the doctor finds it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        patch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
        self.plugins(work=True)
        patch.setattr(doctor, "probe", lambda: None)
        patch.setattr(doctor, "probe_netem", lambda: None)
        patch.setattr(engine, "connect", Engine)
        patch.setattr(sweep, "count_ownerless", lambda _client: 0)

    def plugins(self, *, work: bool) -> None:
        """Whether the docker command's plugins are there."""
        self._patch.setattr(doctor, "_succeeds", lambda _command: work)

    def lacks(self, where: object, name: str, error: Exception) -> None:
        """Let something raise."""

        def raise_it() -> None:
            raise error

        self._patch.setattr(where, name, raise_it)

    def engine(self, **told: Any) -> None:  # noqa: ANN401
        """Have an engine that tells something else of itself."""
        self._patch.setattr(engine, "connect", lambda: Engine(**told))

    def left(self, count: int) -> None:
        """Have leftovers."""
        self._patch.setattr(sweep, "count_ownerless", lambda _client: count)

    def examine(self) -> Result:
        """Call the doctor."""
        result = CliRunner().invoke(cli.main, ["doctor"])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result


class Engine:
    """A container engine."""

    def __init__(self, api: str = "1.45", *, has_images: bool = True) -> None:
        self._api = api
        self._has_images = has_images

    def images(self, name: str) -> list[str]:
        """Its images of that name."""
        return [name] if self._has_images else []

    def version(self) -> dict[str, str]:
        """What it tells of itself."""
        return {"Version": "26.1", "Os": "linux", "ApiVersion": self._api}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which all is well."""
    return Machine(monkeypatch)


NO_ENGINE = MachineUnfit("no engine answers", hint="start it: `make engine`")
NO_NAMESPACES = MachineUnfit("user namespaces are off", hint="`sysctl` switches them on")


def test_where_all_is_well_both_backends_can_be_used(machine: Machine) -> None:
    result = machine.examine()
    assert result.exit_code == 0
    assert "NOT OK" not in result.output
    assert result.output.endswith("labs run here with the backend: docker or netns\n")


def test_without_an_engine_the_remedy_is_named_and_netns_is_left(machine: Machine) -> None:
    machine.lacks(engine, "connect", NO_ENGINE)
    result = machine.examine()
    assert result.exit_code == 0
    assert "NOT OK  engine: no engine answers\n        start it: `make engine`" in result.output
    assert result.output.endswith("labs run here with the backend: netns\n")


@pytest.mark.parametrize("error", [NO_NAMESPACES, LabError("user namespaces are off")])
def test_without_namespaces_the_remedy_is_named_and_docker_is_left(
    machine: Machine, error: MachineUnfit | LabError
) -> None:
    machine.lacks(doctor, "probe", error)
    result = machine.examine()
    assert result.exit_code == 0
    assert "NOT OK  namespaces: user namespaces are off\n" in result.output
    assert ("        `sysctl` switches them on" in result.output) == (error.hint is not None)
    assert result.output.endswith("labs run here with the backend: docker\n")


def test_where_no_backend_can_be_used_the_exit_status_says_so(machine: Machine) -> None:
    machine.lacks(engine, "connect", NO_ENGINE)
    machine.lacks(doctor, "probe", NO_NAMESPACES)
    result = machine.examine()
    assert result.exit_code == 4
    assert result.output.endswith("labs run here with the backend: none\n")


def test_without_netem_no_backend_is_ruled_out(machine: Machine) -> None:
    assert "ok      netem: there" in machine.examine().output
    machine.lacks(doctor, "probe_netem", MachineUnfit("the kernel has no netem"))
    result = machine.examine()
    assert "ok      netem: cannot be used: the kernel has no netem\n" in result.output
    assert result.output.endswith("labs run here with the backend: docker or netns\n")


def test_an_engine_that_is_too_old_is_no_engine(machine: Machine) -> None:
    machine.engine(api="1.40")
    result = machine.examine()
    assert "NOT OK  engine: 26.1 on linux, API 1.40" in result.output
    assert "install Docker 20.10 or later" in result.output
    assert result.output.endswith("labs run here with the backend: netns\n")


def test_what_is_missing_but_needed_for_no_lab_rules_no_backend_out(machine: Machine) -> None:
    machine.engine(has_images=False)
    machine.plugins(work=False)
    machine.left(3)
    result = machine.examine()
    assert result.exit_code == 0
    assert "not there yet: the first run builds it" in result.output
    assert "NOT OK  docker command: `docker compose` does not work" in result.output
    assert "NOT OK  leftovers: 3 of runs that are over" in result.output
    assert result.output.endswith("labs run here with the backend: docker or netns\n")
