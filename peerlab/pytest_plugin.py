"""pytest plugin: scenarios are tests, and tests written in Python can replay scenarios.

`pytest scenarios/` collects every scenario file below the directories of the ini option
`peerlab_scenarios` (default: `scenarios`), and any that is named on the command line. The fixture
`replay` plays one and gives its evidence.
"""

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from peerlab.backends import CHOICES, WIRES, Backends
from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome
from peerlab.errors import PeerlabError
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.programs import known_programs, overriding
from peerlab.report.text import explanation
from peerlab.scenario.load import load_scenario
from peerlab.secret_values import find_secrets

_SUFFIXES = {".yaml", ".yml"}
_BACKENDS = pytest.StashKey[Backends]()

Replay = Callable[[str | Path], Evidence]


class ScenarioFailed(Exception):  # noqa: N818 - a test's outcome
    """Raised in a scenario's test when the run did not pass."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.scenario.name)
        self.result = result

    def __str__(self) -> str:
        outcome = self.result.verdict.outcome.value
        return "\n".join([f"{self.result.scenario.name}: {outcome}", *explanation(self.result)])


class ScenarioFile(pytest.File):
    """A scenario file, with one test in it."""

    def collect(self) -> Iterable[pytest.Item]:
        """The one test of the file."""
        yield ScenarioItem.from_parent(self, name=self.path.stem)


class ScenarioItem(pytest.Item):
    """A scenario as a test: it passes if the verdict is `passed`."""

    def runtest(self) -> None:
        """Play the scenario."""
        result = _play(self.config, self.path)
        if result.verdict.outcome is not Outcome.PASSED:
            raise ScenarioFailed(result)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: str | None = None,  # noqa: ARG002 - pytest's signature
    ) -> str:
        """The finding and the evidence, not a stack of the runner."""
        if isinstance(excinfo.value, ScenarioFailed | PeerlabError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test is, for pytest's reports."""
        return self.path, 0, f"scenario {self.path.name}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("peerlab", "scenarios of peerlab")
    group.addoption(
        "--peerlab-out", metavar="DIR", default="runs", help="where the evidence goes (runs)"
    )
    group.addoption(
        "--peerlab-backend",
        choices=CHOICES,
        default="auto",
        help="what nodes are made of: docker, netns, or auto (docker where an engine answers)",
    )
    group.addoption(
        "--peerlab-seed",
        type=int,
        metavar="N",
        help="let the network decide as in the run that had this seed",
    )
    group.addoption(
        "--peerlab-wire",
        choices=WIRES,
        default="userspace",
        help="native: the kernel's netem does what it can of what is done to the network",
    )
    group.addoption(
        "--peerlab-program",
        metavar="NAME=FILE",
        action="append",
        default=[],
        help="play another implementation: use this program file for the program NAME",
    )
    parser.addini(
        "peerlab_scenarios",
        "directories whose YAML files are collected as scenarios",
        type="paths",
        default=None,
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """Collect scenario files, and leave all other YAML alone."""
    if file_path.suffix not in _SUFFIXES or file_path.name == "program.yaml":
        return None
    directories = parent.config.getini("peerlab_scenarios") or [
        parent.config.rootpath / "scenarios"
    ]
    named = {parent.config.invocation_params.dir / arg for arg in parent.config.args}
    if file_path in named or any(file_path.is_relative_to(path) for path in directories):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Dismiss the backends after the last test."""
    backends = config.stash.get(_BACKENDS, None)
    if backends is not None:
        backends.close()
        del config.stash[_BACKENDS]


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Replay:
    """Play a scenario and give its evidence.

    Use it as `evidence = replay("scenarios/demo.yaml")`. The path is relative to the root of the
    tests. A scenario that does not pass fails the test; a machine that cannot run it is an error.
    """

    def replayed(config: pytest.Config, path: str | Path) -> Evidence:
        result = _play(config, config.rootpath / path)
        if result.verdict.outcome is not Outcome.PASSED:
            pytest.fail(str(ScenarioFailed(result)), pytrace=False)
        return Evidence(result.evidence)

    return partial(replayed, request.config)


def _play(config: pytest.Config, path: Path) -> Result:
    instead = overriding(config.getoption("--peerlab-program"))
    scenario = load_scenario(path, programs=known_programs(), instead=instead)
    out = config.invocation_params.dir / config.getoption("--peerlab-out")
    seed = config.getoption("--peerlab-seed")
    native = config.getoption("--peerlab-wire") == "native"
    secrets = find_secrets([scenario], os.environ)
    backend = _backends(config).choose([scenario])
    return play(scenario, backend, out, seed=seed, native=native, secret_values=secrets)


def _backends(config: pytest.Config) -> Backends:
    """The backends of this pytest process, made when the first scenario needs one."""
    if _BACKENDS not in config.stash:
        say = config.get_terminal_writer().line
        config.stash[_BACKENDS] = Backends(config.getoption("--peerlab-backend"), say)
    return config.stash[_BACKENDS]
