"""What a program starts with, and what it has no right to do."""

import os
import signal
import sys
from pathlib import Path

import pexpect
import pytest

from peerlab.backend.netns.launch import FIRST_USER
from peerlab.evidence.journal import Event, Kind
from peerlab.play import play
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.backend.netns.conftest import NamespaceBench
from tests.backend.netns.remains import MARK, marked, new_mark

pytestmark = pytest.mark.netns

TRY = """
import ctypes, errno, json, os, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
def outcome(action):
    try:
        if (action() or 0) < 0:
            return errno.errorcode[ctypes.get_errno()]
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""

INTRUDE = (
    TRY
    + """
def write(path):
    open(path, "w").write("INTRUDER")
terminals = ["/dev/tty", *(f"/dev/pts/{name}" for name in os.listdir("/dev/pts") if name != "ptmx")]
print(json.dumps([outcome(lambda: write(path)) for path in terminals]))
"""
)


def status_of(bench: NamespaceBench) -> dict[str, list[str]]:
    """What /proc tells of a program that changes nothing itself."""
    lines = bench.shown("cat", "/proc/self/status").splitlines()
    return {name: text.split() for name, _, text in (line.partition(":") for line in lines)}


def test_a_program_starts_with_default_signals_umask_022_and_no_capabilities(
    bench: NamespaceBench,
) -> None:
    status = status_of(bench)
    for name in ("SigBlk", "SigPnd", "CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name][0], 16) == 0, name
    assert ignored(status) == set()
    assert status["Umask"] == ["0022"]
    assert status["NoNewPrivs"] == ["1"]
    (user,) = {int(number) for number in status["Uid"]}
    assert user == os.getuid() or (os.getuid() == 0 and user > FIRST_USER)


def ignored(status: dict[str, list[str]]) -> set[signal.Signals]:
    """The signals that the program ignores; those that the C library keeps for itself apart."""
    mask = int(status["SigIgn"][0], 16)
    return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}


def test_a_program_does_not_ignore_what_the_runner_ignores(bench: NamespaceBench) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for a job with `&`
    try:
        status = status_of(bench)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ignored(status) == set()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can leave groups")
def test_a_program_is_in_none_of_roots_groups(bench: NamespaceBench) -> None:
    status = status_of(bench)
    assert min(int(number) for number in status["Gid"]) > FIRST_USER
    assert status["Groups"] == []


@pytest.mark.parametrize("terminal", ["pipe", "pty"])
def test_a_program_has_its_standard_streams_and_no_other_descriptor(
    bench: NamespaceBench, terminal: str
) -> None:
    told = bench.told(
        TRY
        + """
print(json.dumps([fd for fd in range(1024) if outcome(lambda: os.fstat(fd) and 0) == "done"]))
""",
        terminal=terminal,
    )
    assert told == [0, 1, 2]


def test_nothing_of_the_runners_environment_reaches_a_program(
    bench: NamespaceBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "secret")
    lines = bench.shown("env").splitlines()
    assert {line.partition("=")[0] for line in lines} == {
        "HOME",
        "HOSTNAME",
        "LANG",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "TZ",
    }
    assert "HOSTNAME=u1" in lines


def test_a_programs_limits_do_not_depend_on_the_machine(bench: NamespaceBench) -> None:
    told = bench.told("""
        import json, resource as r
        limits = [r.RLIMIT_NOFILE, r.RLIMIT_CORE, r.RLIMIT_NPROC]
        print(json.dumps([r.getrlimit(limit) for limit in limits]))
        """)
    assert told[:2] == [[1024, 1024], [0, 0]]
    assert 0 < told[2][0] == told[2][1] <= 4096


def test_any_program_may_use_port_80_and_ping(bench: NamespaceBench) -> None:
    bench.program("web", 'import socket\nsocket.create_server(("", 80))\nprint("open")\ninput()\n')
    bench.program(
        "ping",
        """
        import socket
        echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        echo.settimeout(10)
        echo.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 1]) + b"hello", ("web", 0))
        print(echo.recv(100)[8:])
        """,
    )
    bench.passes("""
        title: ping
        nodes: {web: web, u1: ping}
        steps:
          - web: {expect: open}
          - u1: {expect: "b'hello'"}
        """)


def test_a_program_can_change_neither_mounts_nor_host_name_nor_network(
    bench: NamespaceBench,
) -> None:
    told = bench.told(
        TRY
        + """
MS_REMOUNT_BIND = 0x1020
results = [
    outcome(lambda: libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None)),
    outcome(lambda: libc.mount(None, b"/", None, MS_REMOUNT_BIND, None)),
    outcome(lambda: libc.umount2(b"/etc/hosts", 2)),
    outcome(lambda: socket.sethostname("other")),
    outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    outcome(lambda: open("/proc/sys/net/ipv4/ip_forward", "w")),
    outcome(lambda: os.chroot("/tmp")),
]
print(json.dumps(results))
"""
    )
    assert set(told) <= {"EPERM", "EACCES", "EROFS", "EINVAL"}


def test_a_user_namespace_of_its_own_makes_no_file_writable(bench: NamespaceBench) -> None:
    (bench.directory / "open").mkdir(mode=0o777)
    (bench.directory / "open").chmod(0o777)
    told = bench.told(
        TRY
        + """
NEWUSER_NEWNS, MS_REMOUNT_BIND = 0x10020000, 0x1020
libc.unshare(NEWUSER_NEWNS)
results = [
    outcome(lambda: libc.mount(None, b"/", None, MS_REMOUNT_BIND, None)),
    outcome(lambda: libc.umount2(b"/etc/hosts", 2)),
    outcome(lambda: open("open/x", "w")),
]
print(json.dumps(results))
"""
    )
    assert "done" not in told
    assert told[-1] == "EROFS"


def test_a_program_that_kills_all_it_can_ends_no_other_node(bench: NamespaceBench) -> None:
    bench.program(
        "killer",
        """
        import os, signal
        input()
        for target in (-1, 1, *range(2, 300)):
            if target != os.getpid():
                try:
                    os.kill(target, signal.SIGKILL)
                except OSError:
                    pass
        print("tried all")
        """,
    )
    bench.program("echo", "for line in open(0): print('got', line)")
    bench.passes("""
        title: killer
        nodes: {u1: killer, u2: echo}
        steps:
          - u2: {type: one}
          - u2: {expect: got one}
          - u1: {type: ""}
          - u1: {expect: tried all}
          - u1: {exits: 0}
          - u2: {type: two}
          - u2: {expect: got two}
        """)


def test_what_a_program_leaves_running_ends_with_it(bench: NamespaceBench) -> None:
    bench.program(
        "daemon",
        """
        import os, signal
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            while True:
                signal.pause()
        print("leaves")
        """,
    )
    bench.passes("""
        title: orphan
        nodes: {u1: daemon}
        steps: [{u1: {expect: leaves}}, {u1: {exits: 0}}]
        """)


def test_a_program_cannot_write_to_the_terminal_of_the_runner(bench: NamespaceBench) -> None:
    bench.command("intruder", ["python3", "-c", INTRUDE])
    scenario = bench.directory / "terminal.yaml"
    scenario.write_text("title: t\nnodes: {u1: intruder}\nsteps: [{u1: {exits: 0}}]\n")
    options = ["--backend=netns", "--follow", f"--program=intruder={bench.programs['intruder']}"]
    runner = pexpect.spawn(
        sys.executable,
        ["-m", "peerlab", "run", *options, str(scenario)],
        cwd=str(bench.directory),
        encoding="utf-8",
        timeout=60,
    )
    output = runner.read()
    runner.wait()
    assert runner.exitstatus == 0, output
    assert '["ENXIO"]' in output
    assert "INTRUDER" not in output


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user is always the same")
def test_the_programs_of_two_labs_of_root_are_different_users(bench: NamespaceBench) -> None:
    assert status_of(bench)["Uid"] != status_of(bench)["Uid"]


def test_a_program_cannot_pause_its_node_by_a_signal_to_the_first_process(
    bench: NamespaceBench,
) -> None:
    bench.program(
        "presser",
        """
        import os, signal
        for number in (signal.SIGUSR1, signal.SIGINT, signal.SIGTERM):
            try:
                os.kill(1, number)
            except PermissionError:
                pass
        print("still here")
        input()
        """,
    )
    bench.passes("""
        title: presser
        nodes: {u1: presser}
        steps:
          - u1: {expect: still here}
          - u1: {type: ""}
          - u1: {exits: 0}
        """)


def test_a_program_cannot_gain_rights_in_a_user_namespace_of_its_own(
    bench: NamespaceBench,
) -> None:
    if os.getuid() == 0:
        pytest.skip("root's labs have no user namespace in which that could be forbidden")
    told = bench.shown("sh", "-c", "unshare --user true 2>/dev/null; echo $?")
    assert told == "1\n"


BUSY = """
import threading
def run():
    while True:
        pass
for _ in range(4):
    threading.Thread(target=run, daemon=True).start()
print("ready")
input()
"""


def test_no_thread_of_a_paused_node_runs_any_more(bench: NamespaceBench) -> None:
    mark = new_mark()
    bench.program("busy", BUSY, more=f"ready: ready\nenvironment: {{{MARK}: {mark}}}")
    path = bench.directory / "busy.yaml"
    rounds = "  - u1: pause\n  - u1: resume\n" * 20
    path.write_text(f"title: busy\nnodes: {{u1: busy}}\nsteps:\n{rounds}  - u1: kill\n")
    seen: list[str] = []

    def look(_scenario: Scenario, event: Event) -> None:
        if event.kind is Kind.PAUSED:
            (pid,) = marked(mark)
            threads = Path(f"/proc/{pid}/task").glob("*/stat")
            seen.extend(stat.read_text().rpartition(")")[2].split()[0] for stat in threads)

    scenario = load_scenario(path, programs=bench.programs)
    play(scenario, bench.backend, bench.directory / "runs", observer=look)
    assert seen == ["T"] * 20 * 5
