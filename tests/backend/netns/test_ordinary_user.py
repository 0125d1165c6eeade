"""Labs need no rights: an ordinary user plays them, with no help from newuidmap or sudo.

Where the tests run as root, everything here is run as another user; else as whoever runs them.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from peerlab.evidence.journal import Kind, read_journal
from peerlab.evidence.reading import Evidence
from peerlab.programs import SERVICES
from tests.backend.netns import remains

pytestmark = pytest.mark.netns

ROOT: Final = SERVICES.parent
USER: Final = 20_001
"""Nobody in particular: needs no entry in /etc/passwd."""

EXPLORER = """\
about: Tells what it may do
command: [python3, -c, {code}]
environment: {{{mark}: {value}}}
"""
CODE = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
rights = {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
def readable(path):
    try:
        open(path).close()
    except OSError:
        return False
    return True
print(json.dumps([os.getuid(), any(rights.values()), readable("/proc/1/environ")]))
input()
"""
WAITS = """\
title: wait
nodes: {u1: explorer, u2: explorer}
steps:
  - u[1-2]: {expect: "]"}
  - u1: {expect: this never comes, within: 60s}
"""


class OrdinaryUser:
    """Who is not root, with a directory and a Python that has all that peerlab needs."""

    def __init__(self, directory: Path, python: str) -> None:
        self.directory = directory
        self._python = python

    def run(self, *arguments: str, mark: str) -> subprocess.Popen[str]:
        """Start `peerlab run` on namespaces."""
        options = ["--backend=netns", "--out=runs", *arguments]
        return subprocess.Popen(
            [self._python, "-m", "peerlab", "run", *options],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**environment(), remains.MARK: mark},
            **credentials(),
        )


def environment() -> dict[str, str]:
    """Where the packages of this Python are, for others of the same version."""
    places = [sysconfig.get_path("purelib"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def credentials() -> dict[str, Any]:
    """What makes a process one of an ordinary user."""
    return {} if os.getuid() else {"user": USER, "group": USER, "extra_groups": []}


@cache
def usable_python() -> str | None:
    """A Python that the ordinary user may execute, and in which peerlab works."""
    version = f"python3.{sys.version_info.minor}"
    candidates = [sys.executable, *(f"{path}/{version}" for path in ("/usr/bin", "/usr/local/bin"))]
    for candidate in candidates:
        try:
            tried = subprocess.run(
                [candidate, "-c", "import peerlab.cli, peerlab.play, docker, rich, yaml"],
                cwd="/",
                env=environment(),
                capture_output=True,
                check=False,
                **credentials(),
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return candidate
    return None


@pytest.fixture
def user() -> Iterator[OrdinaryUser]:
    """An ordinary user with a directory of his own, which the tests' one, being root's, is not."""
    python = usable_python()
    if python is None:
        pytest.skip("an ordinary user may execute no Python that has what peerlab needs")
    with tempfile.TemporaryDirectory() as name:
        if os.getuid() == 0:
            os.chown(name, USER, USER)
        yield OrdinaryUser(Path(name), python)


def test_the_demo_passes_for_an_ordinary_user_with_captures_and_leaves_nothing(
    user: OrdinaryUser,
) -> None:
    mark, before = remains.new_mark(), remains.on_this_machine()
    runner = user.run("--capture", str(ROOT / "scenarios/demo.yaml"), mark=mark)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 0, output
    evidence = Evidence(user.directory / "runs/demo/latest")
    assert evidence.outcome == "passed"
    captures = {path.stem for path in (evidence.path / "captures").iterdir()}
    assert captures == {f"{node}{end}" for node in evidence.nodes for end in ("", "-wire")}
    assert any(event.kind is Kind.DATAGRAM for event in evidence.journal)
    assert remains.gone(mark, before)


@pytest.mark.parametrize("lesson", ["unplugged", "nat/full-cone", "satellite"])
def test_an_ordinary_user_scripts_the_network_too(user: OrdinaryUser, lesson: str) -> None:
    mark, before = remains.new_mark(), remains.on_this_machine()
    runner = user.run(str(ROOT / f"scenarios/network/{lesson}.yaml"), mark=mark)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 0, output
    assert remains.gone(mark, before)


def test_programs_run_as_the_ordinary_user_without_rights_and_a_killed_runner_leaves_nothing(
    user: OrdinaryUser,
) -> None:
    mark, before = remains.new_mark(), remains.on_this_machine()
    program = user.directory / "explorer.yaml"
    program.write_text(EXPLORER.format(code=json.dumps(CODE), mark=remains.MARK, value=mark))
    (user.directory / "wait.yaml").write_text(WAITS)
    runner = user.run(f"--program=explorer={program}", "wait.yaml", mark=mark)
    try:
        journal = user.directory / "runs/wait/latest/journal.jsonl"

        def waits() -> bool:
            # What a step has seen may be written down a moment after the next step.
            text = journal.read_text() if journal.exists() else ""
            return "this never comes" in text and text.count(f'"{Kind.PRINTED}"') == 2

        assert remains.holds_within(60, waits), "the run never came to its endless step"
        # The runner, the launcher, the lab's first process, the wire; of each node two.
        assert len(remains.marked(mark)) == 4 + 2 * 2
    finally:
        runner.kill()
        runner.communicate()
    printed = [event.text for event in read_journal(journal) if event.kind is Kind.PRINTED]
    assert [json.loads(text) for text in printed] == [[os.getuid() or USER, False, False]] * 2
    assert remains.gone(mark, before)
