"""Tools that others made see on the network what the scenario asked for, on all backends.

The tools are ping, iperf3 and tshark. On namespaces they are this machine's; on containers ping and
iperf3 are those of an image. In CI a tool that is missing is a failure.
"""

import json
import shutil
from pathlib import Path

import pytest

from peerlab.backend.base import Backend
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.reading import Evidence
from tests.conftest import REQUIRED
from tests.contracts.conftest import Bench, backend
from tests.support.trying import LATE, play_until_judged

__all__ = ["backend"]

HERE = Path(__file__).resolve().parent
SEED = 6

_PACKAGES = {"ping": "iputils-ping", "iperf3": "iperf3", "tshark": "tshark"}
_TRIES = 4

SHELL = f"""\
about: A shell in which tools are called
image: peerlab/oracles
build: {{context: {json.dumps(str(HERE))}}}
command: [sh]
without-image: {{command: [sh]}}
"""


class OracleBench(Bench):
    """Plays scenarios with a `shell` on nodes, captures all frames, and always has one seed."""

    def __init__(self, backend: Backend, directory: Path) -> None:
        super().__init__(backend, directory)
        path = directory / "shell.program.yaml"
        path.write_text(SHELL)
        self.programs["shell"] = path

    def passes(self, text: str, *, seed: int | None = SEED, captures: bool = True) -> Evidence:
        """Play a scenario that must pass, be it later than it should, and give its evidence.

        Where the network was too slow on trial already, or stood still, it is played again:
        a machine may be busy, and what is really wrong is so each time.
        """
        result = play_until_judged(
            self._written(text),
            self.backend,
            self._runs,
            captures=captures,
            seed=seed,
            late_matters=False,
            tries=_TRIES,
        )
        assert not [each for each in result.verdict.findings if not _is_right(each)]
        return Evidence(result.evidence)


def _is_right(finding: Finding) -> bool:
    return finding.outcome is Outcome.PASSED or LATE in finding.message


def _need(tool: str) -> None:
    """Skip the test where this machine lacks a tool; in CI that is a failure."""
    if shutil.which(tool) is None:
        reason = f"this machine has no {tool} (in Debian: the package {_PACKAGES[tool]})"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def bench(backend: Backend, tmp_path: Path) -> OracleBench:
    """Plays scenarios with tools on the backend."""
    return OracleBench(backend, tmp_path)


@pytest.fixture
def ping(backend: Backend) -> None:
    """Ask for ping; on containers it comes with the image."""
    if backend.name == "netns":
        _need("ping")


@pytest.fixture
def iperf3(backend: Backend) -> None:
    """Ask for iperf3; on containers it comes with the image."""
    if backend.name == "netns":
        _need("iperf3")


@pytest.fixture
def tshark() -> None:
    """Ask for tshark, which reads captures on this machine whatever the backend is."""
    _need("tshark")
