"""Scenarios played as a user plays them: by the `peerlab` command, in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import seconds
from peerlab.errors import ExitStatus, LabError, MachineUnfit
from peerlab.evidence.reading import Evidence

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(__file__).resolve().parent / "programs"


@dataclass(frozen=True, slots=True)
class Played:
    """One run: seconds of the whole process, seconds that the run says it took, its evidence."""

    process: float
    run: float
    evidence: Evidence


def command(scenario: Path, backend: str, out: Path) -> list[str]:
    """The command that plays a scenario."""
    peerlab = [sys.executable, "-m", "peerlab", "run", "--json"]
    return [*peerlab, "--backend", backend, "--out", str(out), str(scenario)]


def play(scenario: Path, backend: str, out: Path) -> Played:
    """Play a scenario that must pass.

    Raises:
        MachineUnfit: this machine cannot run it.
        LabError: it did not pass.
    """
    done: list[subprocess.CompletedProcess[str]] = []

    def run() -> None:
        asked = command(scenario, backend, out)
        done.append(subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False))

    wall = seconds(run)
    if done[0].returncode:
        unfit = done[0].returncode == ExitStatus.MACHINE_UNFIT
        told = f"{scenario.name}: exit status {done[0].returncode}: {done[0].stderr.strip()}"
        raise MachineUnfit(told) if unfit else LabError(f"{told}\n{done[0].stdout.strip()}")
    [told_of] = json.loads(done[0].stdout)["scenarios"]
    return Played(wall, told_of["seconds"], Evidence(ROOT / told_of["evidence"]))


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for scenarios and evidence that nobody needs later."""
    with tempfile.TemporaryDirectory(prefix="peerlab-benchmark-") as directory:
        yield Path(directory)
