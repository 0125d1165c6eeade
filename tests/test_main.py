"""`python -m peerlab` as a process of its own."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.bench import Bench

PASSES = "title: Logs in\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"


def run(
    *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env=environment,
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_an_engine_the_machine_is_unfit_and_a_hint_says_what_helps(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    path = bench.write(PASSES)
    command = [sys.executable, "-m", "peerlab", "run", f"--program=chat={bench.files['chat']}"]
    environment = {**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    result = run(*command, "--out", str(bench.out), str(path), environment=environment)
    assert result.returncode == 4
    assert result.stdout == ""
    message, hint, *_ = result.stderr.splitlines()
    assert message.startswith("peerlab: ")
    assert hint.startswith("   hint: ")
    assert "Traceback" not in result.stderr


def test_nobody_who_reads_is_no_reason_for_another_status() -> None:
    command = f"{shlex.quote(sys.executable)} -m peerlab list scenarios/demo.yaml"
    for closed in ("1>&-", "2>&-", "1>&- 2>&-"):
        done = run("sh", "-c", f"{command} {closed}")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    full = run("sh", "-c", f"{command} > /dev/full")
    assert full.returncode == 5
    assert full.stderr == "peerlab: cannot go on: [Errno 28] No space left on device\n"


def test_a_reader_who_has_enough_ends_it_quietly_and_breaks_no_lab() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "peerlab", "list", "scenarios/demo.yaml"],
            cwd=Path(__file__).parent.parent,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
