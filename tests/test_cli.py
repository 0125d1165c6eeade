import json
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from peerlab import __version__
from peerlab.cli import playing
from peerlab.errors import ExitStatus, LabError, MachineUnfit
from tests.support.bench import Bench
from tests.support.command import Command
from tests.support.fake import FakeNode, Running
from tests.support.programs import cut_off

PASSES = "title: Logs in\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"
FAILS = "title: Waits\nnodes: {u1: chat}\nsteps: [{u1: {expect: never, within: 50ms}}]\n"
UNKNOWN = "title: Types\nnodes: {u1: chat}\nsteps: [{u1: {type: Mzi}}]\n"
BREAKS = "title: Breaks\nnodes: {u1: cut-off}\nsteps: [{u1: {type: x}}, {u1: {expect: y}}]\n"
WRONG = "title: Wrong\nnodes: {u1: chat}\nsteps: [{u1: {expct: never}}]\n"


@pytest.fixture
def peerlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    bench.program("cut-off", cut_off)
    command = Command(bench, bench.backend())
    monkeypatch.setattr(playing, "Backends", command.backends)
    ends = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield command
    for number, handler in ends.items():
        signal.signal(number, handler)


# run


def test_a_secret_comes_from_a_file_or_nothing_starts(peerlab: Command) -> None:
    path = peerlab.bench.write(
        "title: x\nsecrets: [word]\nnodes: {u1: chat}\nsteps:\n"
        '  - u1: {type: "{secret.word}", secret: true}\n  - u1: {expect: Hello}\n'
    )
    (peerlab.bench.directory / "word").write_text("geheim\n")
    missing = peerlab.run(path)
    assert (missing.exit_code, "PEERLAB_SECRET_WORD" in missing.output) == (2, True)
    assert not peerlab.bench.out.exists()
    assert peerlab.run(path, f"--secret=word={peerlab.bench.directory / 'word'}").exit_code == 0


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        ([PASSES], ExitStatus.PASSED),
        ([PASSES, FAILS], ExitStatus.FAILED),
        ([PASSES, UNKNOWN], ExitStatus.UNKNOWN),
        ([PASSES, BREAKS], ExitStatus.LAB_BROKE),
        ([FAILS, BREAKS], ExitStatus.FAILED),
        ([PASSES, WRONG], ExitStatus.USAGE),
    ],
    ids=["passed", "failed", "unknown", "broke", "failed and broke", "wrong"],
)
def test_the_exit_status_tells_the_outcome(
    peerlab: Command, texts: list[str], status: ExitStatus
) -> None:
    paths = [peerlab.bench.write(text, f"s{number}") for number, text in enumerate(texts)]
    assert peerlab.run(*paths).exit_code == status
    assert peerlab.backend.left == 0


def test_a_run_that_passed_is_told_in_one_line(peerlab: Command) -> None:
    result = peerlab.run(peerlab.bench.write(PASSES, "login/once"))
    assert result.exit_code == 0
    assert re.fullmatch(
        r"passed   login/once  fake  \d+\.\d s  runs/login/once/\S+\n", result.stdout
    )
    assert result.stderr == ""
    assert peerlab.asked == [("auto", False, False)]
    assert peerlab.backend.closed


def test_a_run_that_failed_is_explained(peerlab: Command) -> None:
    result = peerlab.run(peerlab.bench.write(FAILS, "waits"))
    assert result.exit_code == 1
    first, why, *rest, last = result.stdout.splitlines()
    assert first.startswith("failed   waits  fake  ")
    assert re.fullmatch(
        r"   scenarios/waits\.yaml:3:9: failed: u1 never showed 'never' within [\d.]+ s; "
        r"u1 is still running \[steps\]",
        why,
    )
    assert rest == [
        "      since the last match it showed:",
        "      | Name: ",
        "   u1, last lines of its transcript:",
        "      | Name: ",
    ]
    assert last.startswith("   evidence: runs/waits/")


def test_several_runs_are_summed_up(peerlab: Command) -> None:
    for name, text in {"a": PASSES, "b": FAILS, "c/d": PASSES}.items():
        peerlab.bench.write(text, name)
    result = peerlab.run()
    assert re.fullmatch(r"2 passed, 1 failed in \d+\.\d s", result.stdout.splitlines()[-1])
    assert [line.split()[1] for line in result.stdout.splitlines() if " fake " in line] == [
        "a",
        "b",
        "c/d",
    ]


def test_repeat_plays_each_so_many_times(peerlab: Command) -> None:
    result = peerlab.run("--repeat", "3", "--jobs", "2", peerlab.bench.write(PASSES, "again"))
    assert result.exit_code == 0
    assert result.stdout == ("again: passed 3 of 3\n3 runs of 1 scenario: 0 verdicts varied\n")
    assert len(peerlab.backend.labs) == 3
    runs = [path for path in Path("runs/again").iterdir() if not path.is_symlink()]
    assert len(runs) == 3


def test_jobs_are_runs_at_the_same_time(peerlab: Command) -> None:
    together = threading.Barrier(2, timeout=20)

    def meets(node: FakeNode) -> Running:
        together.wait()
        node.show("met")
        yield
        return 0

    peerlab.bench.program("meets", meets)
    text = "title: Meet\nnodes: {u1: meets}\nsteps: [{u1: {expect: met}}]\n"
    paths = [peerlab.bench.write(text, name) for name in ("a", "b")]
    assert peerlab.run("--jobs", "2", *paths).exit_code == 0


def test_json_is_one_object_and_nothing_else(peerlab: Command) -> None:
    paths = [peerlab.bench.write(text, name) for name, text in (("a", PASSES), ("b", FAILS))]
    result = peerlab.run("--json", *paths)
    assert result.exit_code == 1
    told: dict[str, Any] = json.loads(result.stdout)
    assert set(told) == {"schema", "outcome", "scenarios"}
    assert told["outcome"] == "failed"
    assert [(run["name"], run["outcome"], run["backend"]) for run in told["scenarios"]] == [
        ("a", "passed", "fake"),
        ("b", "failed", "fake"),
    ]
    for run in told["scenarios"]:
        assert (Path(run["evidence"]) / "journal.jsonl").exists()


def test_json_is_in_the_order_of_the_scenarios_whatever_ends_first(peerlab: Command) -> None:
    ended = threading.Event()

    def later(node: FakeNode) -> Running:
        assert ended.wait(20)
        node.show("met")
        yield
        return 0

    def first(node: FakeNode) -> Running:
        node.show("met")
        try:
            yield
        finally:
            ended.set()
        return 0

    for name, program in {"later": later, "first": first}.items():
        peerlab.bench.program(name, program)
    paths = [
        peerlab.bench.write(
            f"title: T\nnodes: {{u1: {name}}}\nsteps: [{{u1: {{expect: met}}}}]\n", name
        )
        for name in ("later", "first")
    ]
    told = json.loads(peerlab.run("--json", "--jobs", "2", *paths).stdout)
    assert [run["name"] for run in told["scenarios"]] == ["later", "first"]


def test_follow_shows_the_transcripts(peerlab: Command) -> None:
    result = peerlab.run("--follow", peerlab.bench.write(PASSES, "login"))
    assert result.stdout.splitlines()[:3] == ["Logs in", "u1 | Name: u1", "u1 | Hello u1!"]


def test_evidence_goes_where_it_is_told_to(peerlab: Command, tmp_path: Path) -> None:
    path = peerlab.bench.write(PASSES, "login")
    assert peerlab.run("--out", tmp_path / "elsewhere", path).exit_code == 0
    assert (tmp_path / "elsewhere" / "login" / "latest" / "verdict.json").exists()
    (tmp_path / "file").touch()
    result = peerlab.run("--out", tmp_path / "file", path)
    assert result.exit_code == 2
    assert "hint: name a directory that you may write to with --out" in result.stderr


def test_options_reach_the_backend(peerlab: Command) -> None:
    path = peerlab.bench.write(PASSES, "login")
    peerlab.run("--backend", "docker", "--keep", path)
    assert peerlab.asked == [("docker", True, False)]


@pytest.mark.parametrize(
    "options", [["--jobs", "0"], ["--repeat", "0"], ["--backend", "carrier-pigeon"], ["--what"]]
)
def test_bad_options_are_bad_usage(peerlab: Command, options: list[str]) -> None:
    assert peerlab.run(*options, peerlab.bench.write(PASSES)).exit_code == 2
    assert peerlab.backend.labs == []


def test_a_backend_that_sees_no_network_has_no_native_wire(peerlab: Command) -> None:
    result = peerlab.run("--wire", "native", peerlab.bench.write(PASSES))
    assert result.exit_code == 2
    assert "the backend fake has no wire that could be native" in result.stderr
    assert peerlab.backend.labs == []


def test_a_machine_that_cannot_run_it_is_told_with_what_helps(peerlab: Command) -> None:
    peerlab.backend.refuses = MachineUnfit("no engine answers", hint="`peerlab doctor`")
    result = peerlab.run(peerlab.bench.write(PASSES))
    assert result.exit_code == 4
    assert result.stderr == "peerlab: no engine answers\n   hint: `peerlab doctor`\n"
    assert peerlab.backend.closed


def test_json_is_one_object_whatever_keeps_the_scenarios_from_being_played(
    peerlab: Command,
) -> None:
    peerlab.backend.refuses = MachineUnfit("no engine answers", hint="`peerlab doctor`")
    for path in (peerlab.bench.write(PASSES), peerlab.bench.out / "nowhere.yaml"):
        result = peerlab.run("--json", path)
        assert result.exit_code in {2, 4}
        told = json.loads(result.stdout)
        assert told["outcome"] == "unknown"
        assert told["scenarios"] == []
        assert told["error"] in result.stderr


def test_a_lab_that_broke_is_told_with_what_helps(peerlab: Command) -> None:
    peerlab.backend.refuses = LabError("no address is left", hint="`peerlab clean`")
    result = peerlab.run(peerlab.bench.write(PASSES))
    assert result.exit_code == 5
    assert "unknown: no address is left [steps]" in result.stdout
    assert "   hint: `peerlab clean`\n" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_its_like_end_the_runs_and_tell_what_they_left(
    peerlab: Command, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    echo, told = click.echo, threading.Event()

    def echo_and_tell(line: str) -> None:
        echo(line)
        told.set()

    monkeypatch.setattr(click, "echo", echo_and_tell)

    def interrupts(node: FakeNode) -> Running:
        node.show("Name: ")
        assert told.wait(20)
        signal.pthread_kill(threading.main_thread().ident or 0, number)
        yield
        return 0

    peerlab.bench.program("interrupts", interrupts)
    waits = "title: T\nnodes: {u1: interrupts}\nsteps: [{u1: {expect: never, within: 60s}}]\n"
    paths = [
        peerlab.bench.write(text, name)
        for name, text in {"a": PASSES, "b": waits, "c": PASSES}.items()
    ]
    result = peerlab.run(*paths)
    assert result.exit_code == 130
    first, second, why, *_, last = result.stdout.splitlines()
    assert first.startswith("passed   a  fake  ")
    assert second.startswith("unknown  b  fake  ")
    assert why.endswith("unknown: the run was interrupted [steps]")
    assert last.startswith("1 passed, 1 unknown in ")
    assert not Path("runs/c").exists()
    assert peerlab.backend.left == 0
    assert peerlab.backend.closed


# What is wrong is told before anything starts.


def test_problems_of_several_scenarios_are_told_at_once_and_nothing_starts(
    peerlab: Command,
) -> None:
    paths = [
        peerlab.bench.write(text, name)
        for name, text in {"a": WRONG, "b": PASSES, "c": "title: [\n"}.items()
    ]
    result = peerlab.run(*paths)
    assert result.exit_code == 2
    assert result.stdout == ""
    errors = [line for line in result.stderr.splitlines() if ": error: " in line]
    assert [line.split(":")[0] for line in errors] == [str(paths[0]), str(paths[2])]
    assert errors[0].endswith("unknown step 'expct' [unknown-step]")
    assert "hint: did you mean 'expect'?" in result.stderr
    assert peerlab.asked == []
    assert not Path("runs").exists()


@pytest.mark.parametrize("command", ["run", "validate", "list"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "peerlab: cannot read 'nowhere': No such file or directory"),
        (["--program", "chat", "scenarios"], "peerlab: got --program 'chat', expected NAME=FILE"),
        (["--program", "=x", "scenarios"], "peerlab: got --program '=x', expected NAME=FILE"),
        (
            ["--program", "chat=nowhere", "scenarios"],
            "peerlab: no program file 'nowhere' for the program 'chat'",
        ),
        (["empty"], "peerlab: found no scenario in 'empty'"),
        (["no\x1b[31mwhere"], r"peerlab: cannot read 'no\x1b[31mwhere': No such file or directory"),
    ],
    ids=["no path", "no file", "no name", "no such file", "nothing there", "odd path"],
)
def test_a_call_that_cannot_be_meant_is_told(
    peerlab: Command, command: str, arguments: list[str], message: str
) -> None:
    Path("empty").mkdir()
    result = peerlab(command, *arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == message
    assert result.stdout == ""


# validate, list and the command itself


def test_valid_scenarios_are_valid(peerlab: Command) -> None:
    path = peerlab.bench.write(PASSES, "a")
    result = peerlab("validate", *peerlab.programs(), path)
    assert (result.exit_code, result.stdout) == (0, "valid\n")
    peerlab.bench.write(FAILS, "b")
    result = peerlab("validate", *peerlab.programs())
    assert (result.exit_code, result.stdout) == (0, "2 scenarios are valid\n")
    assert peerlab.backend.labs == []


def test_scenarios_that_are_not_valid_are_told(peerlab: Command) -> None:
    path = peerlab.bench.write(WRONG)
    for command in ("validate", "list"):
        result = peerlab(command, *peerlab.programs(), path)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith(f"{path}:3:15: error: unknown step 'expct' [unknown-step]")


def test_scenarios_are_listed_with_their_titles(peerlab: Command) -> None:
    peerlab.bench.write(PASSES, "login/once")
    peerlab.bench.write(FAILS.replace("u1: chat", '"u[1-12]": chat'), "many")
    result = peerlab("list", *peerlab.programs())
    assert (result.exit_code, result.stdout) == (
        0,
        "login/once    1 nodes  Logs in\nmany         12 nodes  Waits\n",
    )


def test_no_name_of_a_file_can_command_the_terminal(peerlab: Command) -> None:
    path = peerlab.bench.write(FAILS, "odd\x1b[31m\u202e")
    for result in (
        peerlab("list", *peerlab.programs(), path),
        peerlab.run(path),
        peerlab.run("--follow", path),
    ):
        assert set(result.output).isdisjoint("\x1b\u202e")


def test_the_version_and_help_are_told(peerlab: Command) -> None:
    assert __version__ in peerlab("--version").stdout
    assert "130 Ctrl-C" in " ".join(peerlab("-h").stdout.split())
