"""What every backend must do, tried with small programs. The same tests run on all backends."""

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peerlab.backend.base import Backend
from peerlab.backend.docker.lab import DockerBackend
from peerlab.backend.netns.lab import NetnsBackend
from peerlab.checks.result import Result
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.programs import SERVICES
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.support.logged import not_compared
from tests.support.trying import play_until_judged

BACKENDS: dict[str, Callable[[], Backend]] = {
    "docker": lambda: DockerBackend(say=print),
    "netns": NetnsBackend,
}

PROGRAM = """\
about: A program of a test
image: peerlab/client
build: {{context: {context}, target: client}}
command: [python3, -u, -c, {code}]
terminal: {terminal}
{more}
"""


class Bench:
    """Plays scenarios made of small programs."""

    def __init__(self, backend: Backend, directory: Path) -> None:
        self.backend = backend
        self._directory = directory
        self._runs = directory / "runs"
        self.programs: dict[str, Path] = {}

    def program(self, name: str, code: str, *, terminal: str = "pipe", more: str = "") -> None:
        """Make a program from Python code; `more` is further text of its program file."""
        path = self._directory / f"{name}.program.yaml"
        quoted = json.dumps(textwrap.dedent(code).strip())  # also a string of YAML
        context = SERVICES.parent
        path.write_text(PROGRAM.format(context=context, code=quoted, terminal=terminal, more=more))
        self.programs[name] = path

    def play(self, text: str) -> Result:
        """Play a scenario and give what came of it.

        On Docker every node of every run is held against the engine's own log.
        """
        return self._compared(play(self._written(text), self.backend, self._runs))

    def passes(self, text: str, *, seed: int | None = None, captures: bool = False) -> Evidence:
        """Play a scenario that must pass where it is judged at all, and give its evidence."""
        result = self._compared(
            play_until_judged(
                self._written(text), self.backend, self._runs, seed=seed, captures=captures
            )
        )
        assert result.verdict.outcome == "passed", result.verdict.findings
        return Evidence(result.evidence)

    def _written(self, text: str) -> Scenario:
        path = self._directory / "scenario.yaml"
        path.write_text(textwrap.dedent(text))
        return load_scenario(path, programs=self.programs)

    def _compared(self, result: Result) -> Result:
        if self.backend.name == "docker":
            assert not not_compared(Evidence(result.evidence))
        return result


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in BACKENDS],
)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Each backend in turn."""
    made = BACKENDS[request.param]()
    yield made
    made.close()


@pytest.fixture
def bench(backend: Backend, tmp_path: Path) -> Bench:
    """Plays scenarios on the backend."""
    return Bench(backend, tmp_path)
