"""Whatever ends a run, nothing of it stays on the engine: proven by listing."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from peerlab.backend.docker.engine import connect
from peerlab.backend.docker.sweep import LABEL_OWNER, LABEL_RUN, find

pytestmark = pytest.mark.docker

ENDLESS = """\
title: A run that waits until somebody ends it
within: 2m
nodes: {server: server, u1: client}
steps:
  - u1: login
  - u1: {expect: this never comes}
"""


@pytest.fixture
def client() -> Iterator[docker.APIClient]:
    made = connect()
    yield made
    made.close()


def start(directory: Path, *options: str) -> subprocess.Popen[str]:
    (directory / "endless.yaml").write_text(ENDLESS)
    return subprocess.Popen(
        [sys.executable, "-m", "peerlab", "run", "--out", "runs", *options, "endless.yaml"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def owned_by(client: docker.APIClient, pid: int) -> list[str]:
    """What the process has on the engine now."""
    return [
        str(found)
        for found in find(client, LABEL_RUN)
        if found.labels[LABEL_OWNER].split(":")[1] == str(pid)
    ]


def wait_until_waiting(directory: Path) -> None:
    """Wait until the run is in its endless step."""

    def waits() -> bool:
        journals = list(directory.glob("runs/endless/*/journal.jsonl"))
        return any("this never comes" in path.read_text() for path in journals)

    assert holds_within(60, waits), "the run never came to its endless step"


def holds_within(seconds: float, condition: object) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    pause = selectors.DefaultSelector()  # nothing signals what an engine or a file will hold
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.select(0.1)
    return True


def processes_of(session: int) -> list[int]:
    """The processes of a session, as /proc lists them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_a_runner_that_is_killed_leaves_nothing(client: docker.APIClient, tmp_path: Path) -> None:
    runner = start(tmp_path)
    wait_until_waiting(tmp_path)
    assert len(owned_by(client, runner.pid)) == 3
    os.killpg(runner.pid, signal.SIGKILL)
    runner.communicate()
    assert holds_within(30, lambda: not owned_by(client, runner.pid))
    assert processes_of(runner.pid) == []


def test_ctrl_c_ends_a_run_with_130_keeps_the_evidence_and_leaves_nothing(
    client: docker.APIClient, tmp_path: Path
) -> None:
    runner = start(tmp_path)
    wait_until_waiting(tmp_path)
    os.killpg(runner.pid, signal.SIGINT)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 130, output
    assert "Traceback" not in output
    assert owned_by(client, runner.pid) == []
    verdict = json.loads((tmp_path / "runs/endless/latest/verdict.json").read_text())
    assert verdict["outcome"] == "unknown"
    assert "LIST AVAILABLE" in (tmp_path / "runs/endless/latest/nodes/u1.log").read_text()


def test_sigterm_ends_a_run_like_ctrl_c(client: docker.APIClient, tmp_path: Path) -> None:
    runner = start(tmp_path)
    wait_until_waiting(tmp_path)
    runner.terminate()
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 130, output
    assert "Traceback" not in output
    assert owned_by(client, runner.pid) == []


def test_kept_nodes_stay_until_clean_and_compose_knows_them(
    client: docker.APIClient, tmp_path: Path
) -> None:
    (tmp_path / "short.yaml").write_text(
        "title: Kept\nnodes: {server: server, u1: client}\nsteps: [{u1: login}]\n"
    )
    command = [sys.executable, "-m", "peerlab"]
    done = subprocess.run(
        [*command, "run", "--keep", "--json", "short.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout)["outcome"] == "passed"
    projects = {
        found.labels["com.docker.compose.project"]
        for found in find(client, "peerlab.kept")
        if found.kind == "container"
    }
    project = next(name for name in projects if name.startswith("peerlab-short-"))
    listed = subprocess.run(
        ["docker", "compose", "-p", project, "ps", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    services = {json.loads(line)["Service"] for line in listed.splitlines()}
    assert services == {"server", "u1"}
    projects_listed = subprocess.run(
        ["docker", "compose", "ls", "--quiet"], capture_output=True, text=True, check=True
    ).stdout
    assert project in projects_listed.split()
    cleaned = subprocess.run([*command, "clean"], capture_output=True, text=True, check=True)
    assert f"removed container {project}-u1-1" in cleaned.stdout
    left = [found for found in find(client, LABEL_RUN) if project in found.name]
    assert left == []


def test_clean_leaves_runs_under_way_alone(client: docker.APIClient, tmp_path: Path) -> None:
    runner = start(tmp_path)
    wait_until_waiting(tmp_path)
    subprocess.run([sys.executable, "-m", "peerlab", "clean"], check=True, capture_output=True)
    assert len(owned_by(client, runner.pid)) == 3
    os.killpg(runner.pid, signal.SIGINT)
    runner.communicate(timeout=60)


def test_two_runs_at_once_share_neither_names_nor_addresses(
    client: docker.APIClient, tmp_path: Path
) -> None:
    runners = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        runners.append(start(tmp_path / name))
    for name in ("first", "second"):
        wait_until_waiting(tmp_path / name)
    nodes = [set(owned_by(client, runner.pid)) for runner in runners]
    assert [len(names) for names in nodes] == [3, 3]
    assert not nodes[0] & nodes[1]
    for runner in runners:
        os.killpg(runner.pid, signal.SIGINT)
    for runner in runners:
        runner.communicate(timeout=60)
    assert [owned_by(client, runner.pid) for runner in runners] == [[], []]


def test_ctrl_c_during_the_removal_in_pytest_leaves_the_rest_to_the_watchdog(
    client: docker.APIClient, tmp_path: Path
) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/endless.yaml").write_text(ENDLESS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(
        "import peerlab.backend.docker.lab as lab\n"
        "def interrupted(client, label):\n"
        "    raise KeyboardInterrupt\n"
        "lab.sweep = interrupted\n"
    )
    runner = subprocess.Popen(
        [sys.executable, "-m", "pytest", "scenarios"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_until_waiting(tmp_path)
    os.killpg(runner.pid, signal.SIGINT)
    runner.communicate(timeout=60)
    assert holds_within(30, lambda: not owned_by(client, runner.pid))
