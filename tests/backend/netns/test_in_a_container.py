"""Labs of namespaces inside one ordinary container, by the commands of docs/netns.md."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs/netns.md").read_text(encoding="utf-8").replace("\\\n", "")
COMMANDS = re.findall(r"^ {4}(docker run .*)$", DOCUMENT, re.MULTILINE)
SECONDS = 300

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    build = ["docker", "build", "--quiet", "--target", "lab", "--tag", "peerlab/lab", str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_the_document_has_a_command_for_root_and_one_for_an_ordinary_user() -> None:
    assert len(COMMANDS) == 2


@pytest.mark.parametrize("command", COMMANDS, ids=["root", "ordinary-user"])
def test_the_demo_passes_in_a_container(command: str) -> None:
    done = run(*shlex.split(command))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("passed   demo  netns")


@pytest.mark.parametrize(
    ("user", "remedy"),
    [
        ("root", "--cap-add SYS_ADMIN --cap-add NET_ADMIN"),
        ("1000", "--security-opt seccomp=unconfined"),
    ],
)
def test_a_container_without_the_rights_is_told_which_it_lacks(user: str, remedy: str) -> None:
    container = ["docker", "run", "--rm", "--user", user, "--network", "none", "peerlab/lab"]
    done = run(*container, "run", "--backend", "netns", "--out", "/tmp/runs", "scenarios/demo.yaml")
    assert done.returncode == 4
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_says_that_an_engine_is_not_needed_there() -> None:
    command = "docker run --rm --user 1000 --security-opt seccomp=unconfined peerlab/lab doctor"
    done = run(*shlex.split(command))
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("labs run here with the backend: netns\n")
