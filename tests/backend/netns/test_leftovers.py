"""Whatever ends a run, nothing of it stays on the machine: proven by listing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.backend.netns import remains

pytestmark = pytest.mark.netns

KILLS: Final = int(os.environ.get("PEERLAB_TEST_KILLS", "12"))
SEED: Final = 3
LONGEST: Final = 0.9
"""Seconds of a run within which it is killed."""

CODE = """\
import os, signal
if os.fork() == 0:
    os.setsid()
    while True:
        signal.pause()
print("here")
input()
"""
PROGRAM = """\
about: Waits, and has left a process that waits, too
command: [python3, -c, {code}]
environment: {{{mark}: {value}}}
"""
ENDLESS = """\
title: A run that waits until somebody ends it
within: 2m
nodes: {{"u[1-3]": {{program: waiter}}}}
steps:
  - u[1-3]: {{expect: here}}
  - u1: {{expect: this never comes}}
"""


class Run:
    """A run of its own process, and what was on the machine before it."""

    def __init__(self, directory: Path) -> None:
        self.mark = remains.new_mark()
        self.before = remains.on_this_machine()
        self.directory = directory
        self._output = ""
        self.temporary = directory / "temporary"
        self.temporary.mkdir(parents=True)
        program = directory / "waiter.yaml"
        program.write_text(
            PROGRAM.format(code=json.dumps(CODE), mark=remains.MARK, value=self.mark)
        )
        (directory / "endless.yaml").write_text(ENDLESS.format())
        options = ["--backend=netns", f"--program=waiter={program}", "--out=runs"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "peerlab", "run", *options, "endless.yaml"],
            cwd=directory,
            env={**os.environ, remains.MARK: self.mark, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_until_waiting(self) -> None:
        """Wait until the run is in its endless step."""
        journals = self.directory / "runs/endless"

        def waits() -> bool:
            found = list(journals.glob("*/journal.jsonl"))
            return any("this never comes" in path.read_text() for path in found)

        assert remains.holds_within(60, waits), "the run never came to its endless step"

    def output(self) -> str:
        """What the runner printed; it has ended then."""
        if not self._output:
            self._output = self.process.communicate(timeout=60)[0]
        return self._output

    def verdict(self) -> dict[str, object]:
        """The verdict in the evidence."""
        path = self.directory / "runs/endless/latest/verdict.json"
        verdict: dict[str, object] = json.loads(path.read_text())
        return verdict

    def leaves_nothing(self) -> None:
        """All of the run goes, and goes soon."""
        left = remains.on_this_machine() - self.before
        assert remains.gone(self.mark, self.before), (remains.marked(self.mark), left)
        assert list(self.temporary.iterdir()) == []


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run that waits for its end."""
    made = Run(tmp_path)
    made.wait_until_waiting()
    yield made
    made.process.kill()
    made.output()


def test_a_runner_that_is_killed_leaves_no_process_and_no_namespace(run: Run) -> None:
    there = remains.marked(run.mark)
    # The runner, the launcher, the lab's first process, the wire; of each node three.
    assert len(there) == 4 + 3 * 3
    with remains.held_namespaces(run.mark) as namespaces:
        kinds = [name.partition(":")[0] for name in namespaces]
        assert (kinds.count("net"), kinds.count("pid")) == (4, 4)
        assert sorted(remains.processes_in(namespaces)) == sorted(set(there) - {run.process.pid})
        run.process.kill()
        run.output()
        run.leaves_nothing()
        assert remains.processes_in(namespaces) == []


def test_a_runner_that_is_killed_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    chance = Random(SEED)
    for number in range(KILLS):
        run = Run(tmp_path / str(number))
        try:
            run.process.wait(chance.uniform(0, LONGEST))
        except subprocess.TimeoutExpired:
            run.process.kill()
        run.output()
        run.leaves_nothing()


def end_by_ctrl_c(run: Run) -> None:
    os.killpg(run.process.pid, signal.SIGINT)


def end_by_sigterm(run: Run) -> None:
    run.process.terminate()


@pytest.mark.parametrize("end", [end_by_ctrl_c, end_by_sigterm])
def test_ctrl_c_and_sigterm_end_a_run_with_130_keep_the_evidence_and_leave_nothing(
    run: Run, end: Callable[[Run], None]
) -> None:
    end(run)
    output = run.output()
    assert run.process.returncode == 130, output
    assert "Traceback" not in output
    assert run.verdict()["outcome"] == "unknown"
    assert (run.directory / "runs/endless/latest/nodes/u1.log").read_text() == "here\n"
    run.leaves_nothing()


@pytest.mark.parametrize(
    ("find", "cause"),
    [
        (remains.lab_init, "its process ended without a word"),
        (remains.launcher, "its process ended without a word"),
        (remains.wire, "the wire ended"),
    ],
    ids=["first", "launcher", "wire"],
)
def test_when_a_process_of_the_lab_is_killed_the_outcome_is_unknown_and_nothing_is_left(
    run: Run, find: Callable[[str], int], cause: str
) -> None:
    os.kill(find(run.mark), signal.SIGKILL)
    output = run.output()
    assert run.process.returncode == 5, output
    assert cause in output
    assert "Traceback" not in output
    assert run.verdict()["outcome"] == "unknown"
    run.leaves_nothing()


def test_a_node_whose_first_process_is_killed_is_one_that_was_killed(run: Run) -> None:
    # Which of them is u1's cannot be seen from here: nodes start in no order.
    for pid in [pid for pid, ids in remains.marked(run.mark).items() if ids[2:] == [1]]:
        with suppress(ProcessLookupError):  # the run ends with u1
            os.kill(pid, signal.SIGKILL)
    output = run.output()
    assert run.process.returncode == 1, output
    assert "u1 ended with status 137" in output
    run.leaves_nothing()
