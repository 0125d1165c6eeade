"""What a node sees of the machine's files, and what it can change: nothing but its own."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from peerlab.errors import UsageError
from tests.backend.netns.conftest import ALONE, NamespaceBench

pytestmark = pytest.mark.netns

as_root = pytest.mark.skipif(os.getuid() != 0, reason="the runner is not root")

TRY = """
import errno, json, os, pathlib
def outcome(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""

LIST = """
import json, os
names = [name for name in os.listdir() if os.path.exists(name)]
here = {os.fsencode(name).hex(): os.path.isdir(name) or open(name).read() for name in names}
here["deep"] = open("linked directory/deep").read()
print(json.dumps(here))
"""


def test_the_machines_files_cannot_be_changed_even_where_everybody_may_write(
    bench: NamespaceBench,
) -> None:
    (bench.directory / "open").mkdir()
    (bench.directory / "open").chmod(0o777)
    (bench.directory / "file").write_text("as it was")
    (bench.directory / "file").chmod(0o666)
    told = bench.told(
        TRY
        + """
places = ["open/x", "/x", "/etc/x", "/usr/x", "/run/x", "/dev/x", "/home/x"]
results = {place: outcome(lambda: pathlib.Path(place).write_text("x")) for place in places}
results["file"] = outcome(lambda: pathlib.Path("file").write_text("x"))
results["unlink"] = outcome(lambda: os.unlink("file"))
results["chmod"] = outcome(lambda: os.chmod("open", 0o700))
print(json.dumps(results))
"""
    )
    assert set(told.values()) <= {"EROFS", "EACCES", "EPERM"}
    assert [told[name] for name in ("open/x", "file")] == ["EROFS", "EROFS"]
    assert (bench.directory / "file").read_text() == "as it was"


def test_a_node_has_16_megabytes_of_its_own_in_each_place_for_temporary_files(
    bench: NamespaceBench,
) -> None:
    told = bench.told(
        TRY
        + """
def fill(place):
    written = 0
    with open(place + "/peerlab-test-full", "wb", buffering=0) as file:
        try:
            while True:
                written += file.write(bytes(1 << 20))
        except OSError as error:
            return [written, errno.errorcode[error.errno]]
places = ["/tmp", "/var/tmp", "/dev/shm"]
before = {place: os.listdir(place) for place in ["/var/tmp", "/dev/shm"]}
print(json.dumps([before, {place: fill(place) for place in places}]))
"""
    )
    assert told == [
        {"/var/tmp": [], "/dev/shm": []},
        {place: [16 << 20, "ENOSPC"] for place in ("/tmp", "/var/tmp", "/dev/shm")},
    ]
    assert not Path("/tmp/peerlab-test-full").exists()


def test_nodes_do_not_see_each_others_temporary_files(bench: NamespaceBench) -> None:
    bench.program(
        "writer",
        """
        import os
        input()
        for place in ("/tmp", "/var/tmp", "/dev/shm"):
            open(place + "/peerlab-test-mine", "x").close()
        print("written")
        input()
        """,
    )
    bench.program(
        "reader",
        """
        import os
        input()
        for place in ("/tmp", "/var/tmp", "/dev/shm"):
            print(os.path.exists(place + "/peerlab-test-mine"))
        """,
    )
    bench.passes("""
        title: apart
        nodes: {u1: writer, u2: reader}
        steps:
          - u1: {type: ""}
          - u1: {expect: written}
          - u2: {type: ""}
          - u2: {expect: "False\\nFalse\\nFalse\\n"}
          - u2: {exits: 0}
        """)


def test_proc_shows_the_processes_of_the_node_alone(bench: NamespaceBench) -> None:
    told = bench.told(
        TRY
        + """
pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
def look(name):
    path = f"/proc/1/{name}"
    os.readlink(path) if name in ("fd/0", "root", "cwd", "exe") else open(path, "rb").close()
of_init = ["environ", "mem", "maps", "fd/0", "root", "cwd", "exe"]
tried = {name: outcome(lambda: look(name)) for name in of_init}
print(json.dumps([pids == [1, os.getpid()], tried]))
"""
    )
    only_own, of_init = told
    assert only_own
    assert set(of_init.values()) <= {"EACCES", "EPERM"}


def test_nothing_of_the_machines_run_directory_is_there(bench: NamespaceBench) -> None:
    listed = bench.told('import json, os; print(json.dumps([*os.listdir("/run")]))')
    assert [name for name in listed if not name.startswith("peerlab")] == []


def test_the_devices_that_every_program_may_expect_work(bench: NamespaceBench) -> None:
    told = bench.told(
        TRY
        + """
results = {
    "null": outcome(lambda: open("/dev/null", "w").write("x")),
    "zero": open("/dev/zero", "rb").read(2).hex(),
    "random": [len(open(f"/dev/{name}", "rb").read(8)) for name in ("random", "urandom")],
    "full": outcome(lambda: open("/dev/full", "wb", buffering=0).write(b"x")),
    "stdout": os.path.realpath("/dev/stdout") == os.path.realpath("/proc/self/fd/1"),
    "others": sorted(set(os.listdir("/dev")) - {"stdin", "stdout", "stderr"}),
}
print(json.dumps(results))
"""
    )
    assert told == {
        "null": "done",
        "zero": "0000",
        "random": [8, 8],
        "full": "ENOSPC",
        "stdout": True,
        "others": ["fd", "full", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero"],
    }


def test_a_node_on_a_pseudo_terminal_has_no_other_than_its_own(bench: NamespaceBench) -> None:
    told = bench.told(
        """
        import json, os
        opened = os.ttyname(os.openpty()[1])
        print(json.dumps([os.ttyname(0), opened, sorted(os.listdir("/dev/pts"))]))
        """,
        terminal="pty",
    )
    assert told == ["/dev/pts/0", "/dev/pts/1", ["0", "1", "ptmx"]]


def test_all_nodes_and_localhost_are_in_the_hosts_file_and_no_other_name_is_known(
    bench: NamespaceBench,
) -> None:
    bench.program(
        "resolver",
        """
        import socket
        for name in ("localhost", "u1", "u2", "u3"):
            print(name, socket.gethostbyname(name))
        try:
            print(socket.gethostbyname("peerlab.example"))
        except socket.gaierror:
            print("unknown")
        print(open("/etc/hosts").read())
        """,
    )
    evidence = bench.passes("""
        title: names
        nodes: {"u[1-3]": resolver}
        steps: [{"u[1-3]": {exits: 0}}]
        """)
    ips = [str(evidence.node(name).ip) for name in ("u1", "u2", "u3")]
    named = [f"u{number} {ip}" for number, ip in enumerate(ips, start=1)]
    listed = [f"{ip}\tu{number}" for number, ip in enumerate(ips, start=1)]
    for node in ("u1", "u2", "u3"):
        assert evidence.node(node).printed.split("\n") == [
            "localhost 127.0.0.1",
            *named,
            "unknown",
            "127.0.0.1\tlocalhost",
            *listed,
            "",
            "",
        ]


@as_root
def test_what_is_roots_alone_cannot_be_read_when_the_runner_is_root(bench: NamespaceBench) -> None:
    (bench.directory / "secret").write_text("secret")
    (bench.directory / "secret").chmod(0o600)
    with tempfile.TemporaryDirectory(dir=Path.home()) as closed:  # mode 0700
        (Path(closed) / "readable").write_text("secret")
        told = bench.told(
            TRY
            + f"""
places = ["secret", {closed!r} + "/readable", "/etc/shadow"]
print(json.dumps([outcome(lambda: open(place).read()) for place in places]))
"""
        )
    assert "done" not in told
    assert told[0] == "EACCES"


def test_a_program_may_lie_in_a_directory_that_is_closed_to_others(bench: NamespaceBench) -> None:
    closed = bench.directory / "closed"
    inside = closed / "deep" / "program"
    inside.mkdir(parents=True)
    (inside / "code.py").write_text("print('here')\n")
    (inside / "code.yaml").write_text("about: x\ncommand: [python3, code.py]\n")
    for directory in (inside, closed):
        directory.chmod(0o700)
    bench.programs["explorer"] = inside / "code.yaml"
    bench.passes("""
        title: closed
        nodes: {u1: explorer}
        steps: [{u1: {expect: here}}, {u1: {exits: 0}}]
        """)


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_whatever_lies_beside_a_program_is_there_under_its_own_name(
    bench: NamespaceBench, mode: int
) -> None:
    own = bench.directory / "own"
    own.mkdir()
    names = ["a b", "-x", "line\nbreak", "ü", "quote'\"", "back\\slash", "sub"]
    for name in names[:-1]:
        (own / name).write_text(name)
    (own / "sub").mkdir()
    (own / "sub" / "deep").write_text("deep")
    Path(os.fsdecode(os.fsencode(own) + b"/odd-\xff")).write_text("odd")
    (own / "link").symlink_to("a b")
    (own / "linked directory").symlink_to(own / "sub")
    (own / "dangling").symlink_to("nowhere")
    own.chmod(mode)
    bench.command(
        "explorer",
        ["python3", "-c", LIST],
        more="without-image: {working_dir: own}",
    )
    evidence = bench.passes("""
        title: beside
        nodes: {u1: explorer}
        steps: [{u1: {exits: 0}}]
        """)
    expected: dict[str, object] = {os.fsencode(name).hex(): name for name in names}
    expected |= {os.fsencode(name).hex(): True for name in ("sub", "linked directory")}
    expected |= {b"odd-\xff".hex(): "odd", b"link".hex(): "a b", "deep": "deep"}
    assert json.loads(evidence.log("u1")) == expected


def test_a_node_sees_its_own_network_devices_alone(bench: NamespaceBench) -> None:
    assert sorted(bench.shown("ls", "/sys/class/net").split()) == ["eth0", "lo"]


def test_a_program_on_pipes_can_open_pseudo_terminals_of_its_own(bench: NamespaceBench) -> None:
    code = "import os; outside, inside = os.openpty(); print(os.ttyname(inside))"
    assert bench.shown("python3", "-c", code) == "/dev/pts/0\n"


@pytest.mark.parametrize("place", ["/run", "/dev", "/proc", "/sys"])
def test_a_place_that_nodes_have_of_their_own_is_no_working_directory(
    bench: NamespaceBench, place: str
) -> None:
    before = sorted(Path("/run").iterdir())
    bench.command("explorer", ["pwd"], f"without-image: {{working_dir: {place}}}")
    with pytest.raises(UsageError, match=f"cannot run in {place}: nodes have one of their own"):
        bench.play(ALONE)
    assert sorted(Path("/run").iterdir()) == before


def test_neither_evidence_nor_the_keys_of_the_runner_are_shown(
    bench: NamespaceBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = bench.directory / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/key").write_text("secret")
    (home / "notes").write_text("not secret")
    monkeypatch.setenv("HOME", str(home))
    (bench.directory / "runs").mkdir()
    (bench.directory / "runs/earlier").write_text("what others typed")
    told = bench.told(
        """
        import json, os
        places = ("home", "home/.ssh", "runs")
        there = {place: os.listdir(place) if os.path.exists(place) else [] for place in places}
        print(json.dumps(there))
        """
    )
    assert {name: sorted(names) for name, names in told.items()} == {
        "home": [".ssh", "notes"],
        "home/.ssh": [],
        "runs": [],
    }
