"""What cannot be played here: one clear message, the right exit status, nothing left."""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from peerlab.backend.netns.lab import NetnsBackend
from peerlab.errors import MachineUnfit
from peerlab.play import play
from peerlab.scenario.load import load_scenario
from tests.backend.netns import remains
from tests.backend.netns.conftest import NamespaceBench

SCENARIO = "title: {nodes} nodes\nnodes: {{'u[1-{nodes}]': p}}\nsteps: [{{u1: {{expect: up}}}}]\n"
SET_LIMIT = 'echo {value} > /proc/sys/user/{name} && exec "$@"'


class Refused:
    """`peerlab run`, in a process of its own, of a lab that cannot be made."""

    def __init__(self, directory: Path, before: Sequence[str] = (), *, nodes: int = 2) -> None:
        mark = remains.new_mark()
        there = remains.on_this_machine()
        (directory / "p.yaml").write_text('about: x\ncommand: [sh, -c, "echo up; read line"]\n')
        (directory / "s.yaml").write_text(SCENARIO.format(nodes=nodes))
        done = subprocess.run(
            [
                *before,
                *(sys.executable, "-m", "peerlab", "run", "--backend=netns"),
                *("--program=p=p.yaml", "--out=runs", "s.yaml"),
            ],
            cwd=directory,
            env={**os.environ, remains.MARK: mark},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        self.status = done.returncode
        self.lines = (done.stdout + done.stderr).splitlines()
        assert remains.gone(mark, there)


def with_limit(name: str, value: int) -> list[str]:
    """In a user namespace where so few namespaces may be made."""
    script = SET_LIMIT.format(name=name, value=value)
    return ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]


@pytest.mark.netns
@pytest.mark.parametrize("limit", [40, 150])
def test_a_lab_with_more_nodes_than_the_limit_of_open_files_allows_is_refused(
    tmp_path: Path, limit: int
) -> None:
    refused = Refused(tmp_path, ["prlimit", f"--nofile={limit}:{limit}"], nodes=60)
    assert refused.status == 4
    message, hint = refused.lines
    assert message.startswith("peerlab: this machine does not let a lab make its ")
    assert "open files" in message
    assert "use fewer nodes" in hint


@pytest.mark.netns
def test_the_usual_soft_limit_of_open_files_is_no_limit_for_a_lab(bench: NamespaceBench) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    bench.command("p", ["sh", "-c", "echo up; read line"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        bench.passes(SCENARIO.format(nodes=30))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.netns
def test_a_lab_that_needs_more_network_namespaces_than_allowed_is_refused(tmp_path: Path) -> None:
    refused = Refused(tmp_path, with_limit("max_net_namespaces", 3), nodes=4)
    assert refused.status == 4
    assert refused.lines == [
        "peerlab: this machine does not let a lab make its network: No space left on device",
        (
            "   hint: too many namespaces: `sysctl user` shows the limits, such as "
            "user.max_net_namespaces = 3"
        ),
    ]


@pytest.mark.netns
def test_where_user_namespaces_are_off_the_message_says_how_to_switch_them_on(
    tmp_path: Path,
) -> None:
    # Root of a user namespace that has no other user needs one more for the lab.
    refused = Refused(tmp_path, with_limit("max_user_namespaces", 0))
    assert refused.status == 4
    assert refused.lines == [
        "peerlab: this machine does not let a lab make its user namespace: No space left on device",
        "   hint: user namespaces are off: `sudo sysctl -w user.max_user_namespaces=15000`",
    ]


@pytest.mark.netns
def test_root_of_a_user_namespace_without_other_users_plays_labs_too(tmp_path: Path) -> None:
    played = Refused(tmp_path, ["unshare", "--user", "--map-root-user"])
    assert played.status == 0, played.lines


def test_on_another_system_than_linux_the_message_names_the_other_backend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MachineUnfit, match="need Linux, and this is darwin") as raised:
        NetnsBackend()
    assert "use a container engine: `--backend docker`" in (raised.value.hint or "")


@pytest.mark.netns
def test_a_program_that_cannot_be_run_ends_with_126_and_says_why(bench: NamespaceBench) -> None:
    (bench.directory / "script").write_text("echo up\n")
    (bench.directory / "script").chmod(0o755)
    for word, reason in (("./script", "Exec format error"), ("/tmp", "Permission denied")):
        bench.command("p", [word])
        result = bench.play(SCENARIO.format(nodes=1))
        assert result.verdict.outcome == "failed"
        finding = result.verdict.findings[0]
        assert "ended with status 126" in finding.message
        assert f"cannot run {word!r} in {bench.directory}: {reason}" in finding.proof


@pytest.mark.netns
def test_a_program_that_dies_at_once_fails_the_step_that_waits_for_it(
    bench: NamespaceBench,
) -> None:
    bench.command("p", ["sh", "-c", "echo going; kill -SEGV $$"])
    result = bench.play(SCENARIO.format(nodes=1))
    assert result.verdict.outcome == "failed"
    assert "u1 ended with status 139" in result.verdict.findings[0].message
    assert "going" in result.verdict.findings[0].proof


@pytest.mark.netns
def test_a_directory_that_has_gone_since_the_scenario_was_read_is_told(
    bench: NamespaceBench,
) -> None:
    (bench.directory / "short-lived").mkdir()
    bench.command("p", ["echo", "up"], more="without-image: {working_dir: short-lived}")
    path = bench.directory / "s.yaml"
    path.write_text(SCENARIO.format(nodes=1))
    scenario = load_scenario(path, programs=bench.programs)
    (bench.directory / "short-lived").rmdir()
    with pytest.raises(MachineUnfit, match=r"No such file or directory: .*/short-lived"):
        play(scenario, bench.backend, bench.directory / "runs")
