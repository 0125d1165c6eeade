"""Keeps the images of programs there and up to date.

An image carries a digest of the files that it was built from as a label. Where that differs from
the files as they are now, the image is built again, so that a run never plays an old program.
"""

import hashlib
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import docker
from docker.errors import ImageNotFound

from peerlab.backend.docker.engine import engine_errors
from peerlab.errors import MachineUnfit
from peerlab.scenario.model import Build, Program

LABEL_SOURCE: Final = "peerlab.source"
_IGNORED: Final = {"__pycache__", ".git", ".venv", "runs"}
_BUILD_TIMEOUT: Final = 900


class Images:
    """The images of one engine, each looked at once."""

    def __init__(self, client: docker.APIClient, say: Callable[[str], None]) -> None:
        self._client = client
        self._say = say
        self._ids: dict[str, str] = {}
        self._lock = threading.Lock()

    def resolve(self, program: Program) -> str:
        """The id of the program's image, built first where it is missing or old.

        Raises:
            MachineUnfit: the program names no image, or it is missing and cannot be built.
        """
        image = program.image
        if image is None:
            raise MachineUnfit(
                f"program {program.name} ({program.path}) names no image",
                hint="play it with `--backend netns`, or add `image:` to the program file",
            )
        if program.build is not None:
            return self.built(image, program.build)
        found = self._inspect(image)
        if found is None:
            raise MachineUnfit(
                f"the image {image} of program {program.name} is not there",
                hint="build it, or pull it with `docker pull`; a `build:` in "
                f"{program.path} lets peerlab build it",
            )
        return found[0]

    def built(self, image: str, build: Build) -> str:
        """The id of an image, built first where it is missing or old.

        Raises:
            MachineUnfit: it cannot be built.
        """
        with self._lock:
            key = f"{image} {build}"
            if key not in self._ids:
                self._ids[key] = self._look(image, build)
            return self._ids[key]

    def _look(self, image: str, build: Build) -> str:
        found = self._inspect(image)
        digest = source_digest(build)
        if found is None or found[1] != digest:
            why = "not there yet" if found is None else "older than its sources"
            self._say(f"building image {image} ({why})")
            # Not looked up by name: another checkout may have given the name to its own image.
            return build_image(image, build, digest)
        return found[0]

    def _inspect(self, image: str) -> tuple[str, str | None] | None:
        with engine_errors(f"inspect the image {image}"):
            try:
                found = self._client.inspect_image(image)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return None
        labels = found["Config"].get("Labels") or {}
        return found["Id"], labels.get(LABEL_SOURCE)


def source_digest(build: Build) -> str:
    """A digest of the Dockerfile and of every file that it copies into the target."""
    digest = hashlib.sha256()
    for path in [build.dockerfile, *copied_files(build)]:
        digest.update(f"{path.relative_to(build.context).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def copied_files(build: Build) -> list[Path]:
    """The files below what the COPY instructions of the target and its base stages name, sorted."""
    files: set[Path] = set()
    for source in _copied_names(build.dockerfile.read_text(encoding="utf-8"), build.target):
        path = build.context / source
        found = path.rglob("*") if path.is_dir() else [path]
        files.update(
            file
            for file in found
            if file.is_file() and _IGNORED.isdisjoint(file.relative_to(build.context).parts)
        )
    return sorted(files)


def _copied_names(dockerfile: str, target: str | None) -> set[str]:
    """What a stage copies from the context, itself or by the stages that it is made from."""
    needs: dict[str, set[str]] = {}
    copies: dict[str, set[str]] = {}
    stage = ""
    for line in dockerfile.splitlines():
        words = line.split()
        if words[:1] == ["FROM"]:
            stage = words[3] if len(words) > 3 else words[1]  # noqa: PLR2004 - FROM a AS b
            needs[stage], copies[stage] = {words[1]}, set()
        elif words[:1] == ["COPY"]:
            options = [word for word in words[1:] if word.startswith("--")]
            origin = {word.removeprefix("--from=") for word in options if "--from=" in word}
            needs[stage] |= origin
            if not origin:
                copies[stage].update(word for word in words[1:-1] if word not in options)
    names: set[str] = set()
    waiting, seen = {target or stage}, set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        names |= copies.get(name, set())
        waiting |= needs.get(name, set()) - seen
    return names


def build_image(image: str, build: Build, digest: str) -> str:
    """Build with the `docker` command, which brings the builder that Dockerfiles are written for.

    Returns:
        The id of the image.

    Raises:
        MachineUnfit: the command is missing or the build failed.
    """
    command = ["docker", "build", "--quiet", "--tag", image, "--file", str(build.dockerfile)]
    command += ["--label", f"{LABEL_SOURCE}={digest}"]
    if build.target is not None:
        command += ["--target", build.target]
    try:
        done = subprocess.run(
            [*command, str(build.context)],
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=_BUILD_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineUnfit(
            f"cannot build the image {image}: {error}", hint="run `make images`"
        ) from error
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise MachineUnfit(
            f"cannot build the image {image}:\n{last}",
            hint="run `make images`, which also makes the base image where no registry answers",
        )
    return done.stdout.split()[-1]
