"""Looks whether this machine can run labs, by trying, and names the remedy where it cannot."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from peerlab.backend.netns.probe import probe, probe_netem
from peerlab.errors import PeerlabError
from peerlab.programs import known_programs
from peerlab.scenario.program import load_program

OLDEST_ENGINE_API = (1, 41)
"""Engine 20.10, the oldest that the Docker SDK's features used here are tried with."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing looked at: whether it is well, what is the case, what helps.

    Attributes:
        backend: the backend that cannot be used unless it is well.
    """

    about: str
    well: bool
    message: str
    remedy: str | None = None
    backend: str | None = None


def examine() -> Iterator[Symptom]:
    """Look at everything that running labs needs, by trying it."""
    yield Symptom("python", well=True, message=f"{sys.version.split()[0]} at {sys.executable}")
    yield _namespaces()
    yield _netem()
    yield _docker_command()
    yield from _engine()


def usable_backends(symptoms: Iterable[Symptom]) -> list[str]:
    """The backends that can be used, the one that `auto` prefers first."""
    unwell = {symptom.backend for symptom in symptoms if not symptom.well}
    return [backend for backend in ("docker", "netns") if backend not in unwell]


def _namespaces() -> Symptom:
    try:
        probe()
    except PeerlabError as error:
        return Symptom(
            "namespaces", well=False, message=error.message, remedy=error.hint, backend="netns"
        )
    return Symptom(
        "namespaces", well=True, message="two nodes were made, and a datagram went between them"
    )


def _netem() -> Symptom:
    """Labs run without it."""
    try:
        probe_netem()
    except PeerlabError as error:
        return Symptom("netem", well=True, message=f"cannot be used: {error.message}")
    return Symptom("netem", well=True, message="there, for `--wire native`")


def _engine() -> Iterator[Symptom]:
    try:
        from peerlab.backend.docker.engine import connect, engine_errors  # noqa: PLC0415
        from peerlab.backend.docker.sweep import count_ownerless  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        message = f"the Python package {missing.name} is not installed"
        yield Symptom(
            "engine", well=False, message=message, remedy="`make setup`", backend="docker"
        )
        return
    try:
        client = connect()
        with engine_errors("tell its version"):
            version = client.version()
    except PeerlabError as error:
        yield Symptom(
            "engine", well=False, message=error.message, remedy=error.hint, backend="docker"
        )
        return
    api = tuple(int(part) for part in version["ApiVersion"].split("."))
    yield Symptom(
        "engine",
        well=api >= OLDEST_ENGINE_API,
        message=f"{version['Version']} on {version['Os']}, API {version['ApiVersion']}",
        remedy="install Docker 20.10 or later",
        backend="docker",
    )
    for name, path in known_programs().items():
        program = load_program(name, path)
        if program.image is not None:
            with engine_errors("list its images"):
                there = bool(client.images(name=program.image))
            message = "there" if there else "not there yet: the first run builds it"
            yield Symptom(f"image {program.image}", well=True, message=message)
    with engine_errors("list leftovers"):
        left = count_ownerless(client)
    yield Symptom(
        "leftovers",
        well=left == 0,
        message=f"{left} of runs that are over" if left else "none",
        remedy="`peerlab clean` removes them",
    )


def _docker_command() -> Symptom:
    remedy = "install the docker command: `make engine` (Debian, Ubuntu) or your system's package"
    if shutil.which("docker") is None:
        return Symptom("docker command", well=False, message="not found", remedy=remedy)
    for plugin in ("compose", "buildx"):
        if not _succeeds(["docker", plugin, "version"]):
            return Symptom(
                "docker command",
                well=False,
                message=f"`docker {plugin}` does not work",
                remedy=remedy,
            )
    return Symptom("docker command", well=True, message="with compose and buildx")


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
