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


def command(scenario: Path, backend: str, out: Path, *options: str) -> list[str]:
    """The command that plays a scenario."""
    peerlab = [sys.executable, "-m", "peerlab", "run", "--json", *options]
    return [*peerlab, "--backend", backend, "--out", str(out), str(scenario)]


def play(scenario: Path, backend: str, out: Path) -> Played:
    """Play a scenario that must pass.

    Raises:
        MachineUnfit: this machine cannot run it.
        LabError: it did not pass.
    """
    [played] = play_repeatedly(scenario, backend, out)
    return played


def play_repeatedly(
    scenario: Path, backend: str, out: Path, *options: str, unknown: bool = False
) -> list[Played]:
    """Play a scenario, with `--repeat` as an option several times; all of it is one process.

    Every run must pass; where `unknown` is set, it may also remain unknown whether it did.

    Raises:
        MachineUnfit: this machine cannot run it.
        LabError: a run did not pass.
    """
    done: list[subprocess.CompletedProcess[str]] = []

    def run() -> None:
        asked = command(scenario, backend, out, *options)
        done.append(subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False))

    wall = seconds(run)
    [ended] = done
    told = json.loads(ended.stdout)["scenarios"] if ended.stdout else []
    if ended.returncode not in {ExitStatus.PASSED, ExitStatus.UNKNOWN if unknown else None}:
        wrong = [each["checks"] for each in told if each["outcome"] != "passed"]
        message = (
            f"{scenario.name}: exit status {ended.returncode}: {ended.stderr.strip()}"
            f"\n{wrong[0] if wrong else ''}"
        ).strip()
        unfit = ended.returncode == ExitStatus.MACHINE_UNFIT
        raise MachineUnfit(message) if unfit else LabError(message)
    return [Played(wall, each["seconds"], Evidence(ROOT / each["evidence"])) for each in told]


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for scenarios and evidence that nobody needs later."""
    with tempfile.TemporaryDirectory(prefix="peerlab-benchmark-") as directory:
        yield Path(directory)
