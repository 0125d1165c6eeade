"""Programs without any lab: the same commands, with pipes that are read and written directly."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from peerlab.errors import LabError
from peerlab.scenario.model import Program


class Bare:
    """A program that runs, and its pipes."""

    def __init__(self, name: str, typing: IO[bytes], printing: IO[bytes]) -> None:
        self._name = name
        self._typing = typing.fileno()
        self._printing = printing.fileno()

    def write(self, data: bytes) -> None:
        """Type."""
        os.write(self._typing, data)

    def read_until(self, end: bytes) -> bytes:
        """What the program prints, up to that end.

        Raises:
            LabError: the program ended without it.
        """
        said = b""
        while not said.endswith(end):
            data = os.read(self._printing, 1024)
            if not data:
                raise LabError(f"{self._name} ended after it had printed {said!r}")
            said += data
        return said


@contextmanager
def bare_program(program: Program, more: Mapping[str, str]) -> Iterator[Bare]:
    """Run a program with more in its environment than its file says; kill it in the end."""
    with subprocess.Popen(
        local_command(program),
        cwd=program.without_image.working_dir,
        env={**environment(program), **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            if process.stdin is not None and process.stdout is not None:
                yield Bare(program.name, process.stdin, process.stdout)
        finally:
            process.kill()


def local_command(program: Program) -> list[str]:
    """What runs the program where no engine is used.

    Raises:
        LabError: its file does not say.
    """
    if program.without_image.command is None:
        raise LabError(f"{program.path} does not say how to run the program without its image")
    return list(program.without_image.command)


def environment(program: Program) -> dict[str, str]:
    """As in a lab without an engine, whose own Python comes first."""
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    python = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": os.pathsep.join(path), **python, **program.environment}
