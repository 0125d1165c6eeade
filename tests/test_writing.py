"""`--write` of the commands run and check: results for machines, beside what people read."""

import csv
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest

from peerlab.checks.result import Result
from peerlab.cli import judging, playing
from peerlab.errors import MachineUnfit
from peerlab.recorded import judge_recorded
from peerlab.report.formats import FORMATS
from tests.support.bench import Bench
from tests.support.command import Command
from tests.support.fake import FakeNode, Running
from tests.support.nasty import NASTY

PASSES = "title: Logs in\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"
FAILS = "title: Waits\nnodes: {u1: chat}\nsteps: [{u1: {expect: never, within: 50ms}}]\n"
GRADED = f"{PASSES}checks: [{{steps: , points: 2}}]\n"
EVERYTHING = [f"--write={name}=out/{name}" for name in FORMATS]


@pytest.fixture
def peerlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    command = Command(bench, bench.backend())
    monkeypatch.setattr(playing, "Backends", command.backends)
    ends = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield command
    for number, handler in ends.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("text", "status"), [(PASSES, 0), (FAILS, 1)])
def test_writing_changes_neither_the_exit_status_nor_what_people_read(
    peerlab: Command, text: str, status: int
) -> None:
    path = peerlab.bench.write(text)
    plain, writing = peerlab.run(path), peerlab.run(path, *EVERYTHING)
    assert (plain.exit_code, writing.exit_code) == (status, status)
    assert plain.stdout.split()[:3] == writing.stdout.split()[:3]
    assert len(plain.stdout.splitlines()) == len(writing.stdout.splitlines())
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(FORMATS)
    assert ET.parse("out/junit").getroot().get("failures") == str(status)


def test_json_is_the_same_as_writing_json(peerlab: Command) -> None:
    path = peerlab.bench.write(PASSES)
    told = [json.loads(peerlab.run(path, *how).stdout) for how in (["--json"], ["--write=json=-"])]
    for one in told:
        for key in ("began", "seconds", "seed", "evidence"):
            del one["scenarios"][0][key]
    assert told[0] == told[1]


def test_annotations_stand_among_what_people_read(peerlab: Command) -> None:
    result = peerlab.run(peerlab.bench.write(FAILS, "waits"), "--write", "github=-")
    first, *_, last = result.stdout.splitlines()
    assert first.startswith("failed   waits  fake  ")
    assert last.startswith("::error file=scenarios/waits.yaml,line=3,col=9,title=waits%3A steps::")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("xml=x", "peerlab: got --write 'xml=x', expected FORMAT=FILE"),
        ("json=scenarios", "peerlab: cannot write 'scenarios': Is a directory"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_played(
    peerlab: Command, option: str, message: str
) -> None:
    path = peerlab.bench.write(PASSES)
    for command in (["run", *peerlab.programs(), path], ["check", "runs/scenario/latest"]):
        result = peerlab(*command, "--write", option)
        assert result.exit_code == 2
        assert result.stderr.splitlines()[0] == message
        assert result.stderr.splitlines()[1].startswith("   hint: ")
    assert peerlab.backend.labs == []


def test_what_keeps_scenarios_from_being_played_is_written(peerlab: Command) -> None:
    peerlab.backend.refuses = MachineUnfit("no engine answers")
    result = peerlab.run(*EVERYTHING, peerlab.bench.write(PASSES))
    assert result.exit_code == 4
    for name in FORMATS:
        assert "no engine answers" in Path("out", name).read_text(), name
    assert json.loads(Path("out/json").read_text())["outcome"] == "unknown"


def test_after_ctrl_c_what_there_is_is_written_and_nothing_has_passed(peerlab: Command) -> None:
    def interrupts(node: FakeNode) -> Running:
        node.show("Name: ")
        signal.raise_signal(signal.SIGINT)
        yield
        return 0

    peerlab.bench.program("interrupts", interrupts)
    waits = "title: T\nnodes: {u1: interrupts}\nsteps: [{u1: {expect: never, within: 60s}}]\n"
    paths = [peerlab.bench.write(text, name) for name, text in {"a": PASSES, "b": waits}.items()]
    result = peerlab.run(*EVERYTHING, *paths)
    assert result.exit_code == 130
    told = json.loads(Path("out/json").read_text())
    assert [(run["name"], run["outcome"]) for run in told["scenarios"]] == [
        ("a", "passed"),
        ("b", "unknown"),
    ]
    assert (told["outcome"], told["scenarios"][1]["interrupted"]) == ("unknown", True)
    for name in FORMATS:
        assert "interrupted: not everything was played to its end" in Path("out", name).read_text()


def test_after_ctrl_c_what_was_judged_is_written_and_nothing_has_passed(
    peerlab: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        peerlab.run(peerlab.bench.write(PASSES, name))

    def interrupts(folder: Path) -> Result:
        if folder.parent.name == "b":
            signal.raise_signal(signal.SIGINT)
        return judge_recorded(folder)

    monkeypatch.setattr(judging, "judge_recorded", interrupts)
    assert peerlab("check", "runs", *EVERYTHING).exit_code == 130
    told = json.loads(Path("out/json").read_text())
    assert [(run["name"], run["outcome"]) for run in told["scenarios"]] == [("a", "passed")]
    assert told["outcome"] == "unknown"
    for name in FORMATS:
        assert "interrupted: not everything was" in Path("out", name).read_text(), name


def test_when_nobody_reads_any_more_files_are_written_all_the_same(
    peerlab: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_reads(*_: object, **__: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(click, "echo", nobody_reads)
    result = peerlab.run(*EVERYTHING, peerlab.bench.write(PASSES))
    assert result.exit_code == 141
    told = json.loads(Path("out/json").read_text())
    assert [run["outcome"] for run in told["scenarios"]] == ["passed"]
    assert (told["outcome"], told["error"]) == ("unknown", "nobody reads what is printed any more")


def test_a_class_becomes_a_table(peerlab: Command) -> None:
    path = peerlab.bench.write(GRADED, "lab")
    for name in ("alice", "=bob"):
        assert peerlab.run(path, "--submission", name, "--out", f"graded/{name}").exit_code == 0
    folders = [f"graded/{name}/lab/latest" for name in ("alice", "=bob")]
    result = peerlab("check", *folders, "--write", "csv=class.csv")
    assert result.exit_code == 0
    rows = list(csv.reader(Path("class.csv").read_text().splitlines()))
    assert rows == [
        ["submission", "lab points", "lab outcome", "total", "max", "outcome", "error"],
        ["alice", "2", "passed", "2", "2", "passed", ""],
        ["'=bob", "2", "passed", "2", "2", "passed", ""],
    ]


def test_who_could_not_be_played_has_a_row_and_the_others_their_totals(peerlab: Command) -> None:
    path = peerlab.bench.write(GRADED, "lab")
    assert peerlab.run(path, "--submission", "alice", "--out", "graded/alice").exit_code == 0
    bad = Path("bad.yaml")
    bad.write_text("about: 5\n")
    for name in ("bob", "carol"):
        result = peerlab(
            "run", f"--program=chat={bad}", path, "--submission", name, "--out", f"graded/{name}"
        )
        assert result.exit_code == 2
    assert peerlab.run(path, "--submission", "carol", "--out", "graded/carol").exit_code == 0
    for paths in (["graded"], ["graded/alice", "graded/bob", "graded/carol", "nowhere"]):
        result = peerlab("check", *paths, "--write", "csv=class.csv")
        table = csv.DictReader(Path("class.csv").read_text().splitlines())
        rows = {row["submission"]: row for row in table}
        assert [rows[name]["total"] for name in ("alice", "bob", "carol")] == ["2", "", "2"]
        assert (rows["bob"]["lab outcome"], rows["bob"]["outcome"]) == ("", "unknown")
        assert "'image'" in rows["bob"]["error"]
        assert "bob was not judged" in result.stderr
        assert result.exit_code == 3
        assert rows.keys() - {"alice", "bob", "carol"} == set(paths[3:])


@pytest.mark.parametrize(
    "torn",
    ["", '{"submission": "bert", "rea', '{"submission": "bert"}', "[]", '{"reason": 5}', "pipe"],
)
def test_a_note_of_who_could_not_be_played_is_never_passed_over(
    peerlab: Command, torn: str
) -> None:
    path = peerlab.bench.write(GRADED, "lab")
    assert peerlab.run(path, "--submission", "anna", "--out", "graded/anna").exit_code == 0
    note = Path("graded/bert/not-played-01234567.json")
    note.parent.mkdir()
    if torn == "pipe":
        os.mkfifo(note)
    else:
        note.write_text(torn)
    for named, others in (("graded", ["anna"]), ("graded/bert", [])):
        result = peerlab("check", named, "--write", "csv=class.csv")
        assert result.exit_code == 2
        assert f"{note} does not tell who could not be played" in result.stderr
        rows = [*csv.DictReader(Path("class.csv").read_text().splitlines())]
        assert [row["submission"] for row in rows] == [*others, str(note)]
        assert (rows[-1]["total"], rows[-1]["outcome"]) == ("", "unknown")


def test_a_run_that_cannot_be_played_writes_the_row_of_its_submission(peerlab: Command) -> None:
    path = peerlab.bench.write("title: No", "lab")
    result = peerlab.run(path, "--submission", "bob", "--write", "csv=bob.csv")
    assert result.exit_code == 2
    (row,) = csv.DictReader(Path("bob.csv").read_text().splitlines())
    assert (row["submission"], row["outcome"]) == ("bob", "unknown")
    assert "nodes" in row["error"]


@pytest.mark.parametrize("submission", [[], ["--submission=bob"]])
def test_what_a_run_that_cannot_be_played_is_worth_is_not_known(
    peerlab: Command, submission: list[str]
) -> None:
    path = peerlab.bench.write(GRADED, "lab")
    Path("bad.yaml").write_text("about: 5\n")
    formats = ("csv", "gradescope")
    targets = [f"--write={name}=out/{name}" for name in formats]
    for command in (["run", "--program=chat=bad.yaml", path, *submission], ["check", "nowhere"]):
        assert peerlab(*command, *targets).exit_code == 2
        (row,) = csv.DictReader(Path("out/csv").read_text().splitlines())
        assert (row["total"], row["max"], row["outcome"]) == ("", "", "unknown")
        told = json.loads(Path("out/gradescope").read_text())
        assert told["score"] == 0
        assert "A person must look at it" in told["output"]
        assert told["output"].endswith("It is not known what there is to earn.")


def test_evidence_that_is_none_keeps_nothing_else_from_being_written(peerlab: Command) -> None:
    peerlab.run(peerlab.bench.write(GRADED, "lab"), "--submission", "alice")
    shutil.copytree(Path("runs/lab/latest"), "alice")
    result = peerlab("check", "nowhere", "alice", "--write", "json=out.json")
    assert result.exit_code == 2
    told = json.loads(Path("out.json").read_text())
    assert [run["submission"] for run in told["scenarios"]] == ["alice"]
    assert told["outcome"] == "unknown"
    assert "there is no nowhere" in told["error"]
    assert "there is no nowhere" in result.stderr


@pytest.mark.parametrize("left", [0, 1])
def test_broken_evidence_has_a_row_and_keeps_no_other_of_its_class_from_one(
    peerlab: Command, left: int
) -> None:
    path = peerlab.bench.write(GRADED, "lab")
    for name in ("anna", "bert", "zoe"):
        assert peerlab.run(path, "--submission", name, "--out", f"graded/{name}").exit_code == 0
    (journal,) = Path("graded/bert/lab").glob("*Z-*/journal.jsonl")
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([*lines[:left], "{}\n"][: left * 2]))  # none, or one and a bad one
    bert = "bert" if left else str(journal.parent)
    formats = [name for name in FORMATS if name != "gradescope"]  # which takes no class
    result = peerlab("check", "graded", *(f"--write={name}=out/{name}" for name in formats))
    assert result.exit_code == 2
    table = csv.DictReader(Path("out/csv").read_text().splitlines())
    rows = {row["submission"]: (row["total"], row["max"], row["outcome"]) for row in table}
    assert rows == {
        "anna": ("2", "2", "passed"),
        "zoe": ("2", "2", "passed"),
        bert: ("", "2", "unknown"),
    }
    told = json.loads(Path("out/json").read_text())
    assert [run["submission"] for run in told["scenarios"]] == ["anna", "zoe"]
    assert told["outcome"] == "unknown"
    assert [line.split()[:2] for line in result.stdout.splitlines()[:2]] == [["passed", "lab"]] * 2
    for text in (result.stderr, *(Path("out", name).read_text() for name in formats)):
        assert "is not the evidence of a run" in text


def test_broken_evidence_of_a_submission_keeps_its_other_runs(peerlab: Command) -> None:
    for name in ("one", "two", "three"):
        peerlab.run(peerlab.bench.write(GRADED, name), "--submission", "bert", "--out", "graded")
        if name != "one":
            (scenario,) = Path("graded", name).glob("*Z-*/scenario.yaml")
            scenario.write_text(f"title: {name}")
    formats = ("csv", "json", "gradescope")
    result = peerlab("check", "graded", *(f"--write={name}={name}" for name in formats))
    assert result.exit_code == 2
    (row,) = csv.DictReader(Path("csv").read_text().splitlines())
    assert (row["submission"], row["one points"], row["total"]) == ("bert", "2", "")
    assert row["outcome"] == "unknown"
    error = json.loads(Path("json").read_text())["error"]
    assert all(f"{name}/" in error for name in ("graded/two", "graded/three"))
    graded = json.loads(Path("gradescope").read_text())
    assert graded["score"] == 2
    assert "Not everything was played. A person must look at it" in graded["output"]


@pytest.mark.parametrize("lines", [0, 1])
def test_when_nobody_reads_any_more_every_run_is_judged_for_the_files(
    peerlab: Command, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    for name in ("anna", "bert", "zoe"):
        peerlab.run(peerlab.bench.write(GRADED, "lab"), "--submission", name)
    told: list[str] = []
    echo = click.echo

    def head(message: str, **options: object) -> None:
        if len(told) >= lines:
            raise BrokenPipeError(32, "Broken pipe")
        told.append(message)
        echo(message, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(click, "echo", head)
    result = peerlab("check", "runs", *EVERYTHING[2:3], "--write=csv=out/csv")
    assert result.exit_code == 141
    assert len(told) == lines
    rows = [*csv.DictReader(Path("out/csv").read_text().splitlines())]
    assert {(row["submission"], row["total"], row["error"]) for row in rows} == {
        (name, "2", "") for name in ("anna", "bert", "zoe")
    }
    assert json.loads(Path("out/json").read_text())["outcome"] == "passed"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "\udcff"])
def test_a_submission_has_a_name_that_can_be_printed(peerlab: Command, name: str) -> None:
    result = peerlab.run(peerlab.bench.write(PASSES), f"--submission={name}")
    assert result.exit_code == 2
    assert "expected a name that can be printed" in result.stderr
    assert peerlab.backend.labs == []


NOT_FOR_LINES = {"a long line", "many lines", "lone surrogates"}


@pytest.mark.parametrize("how", [[], ["--follow"], ["--json"], ["--write=csv=-"]])
def test_no_line_of_a_program_is_a_command_to_a_ci_system(peerlab: Command, how: list[str]) -> None:
    lines = [text for name, text in NASTY.items() if name not in NOT_FOR_LINES]

    def prints(node: FakeNode) -> Running:
        for text in ("::error::x\n", "\r::error::x\n", "##[error]x\n", *lines):
            node.show(text)
        yield
        return 0

    peerlab.bench.program("prints", prints)
    text = (
        "title: '::error::x'\nnodes: {u1: prints}\nsteps: [{u1: {expect: never, within: 50ms}}]\n"
    )
    path = peerlab.bench.write(text, "::error::x ##[error]x")
    result = peerlab.run(*how, path)
    assert result.exit_code == 1
    shown = result.stdout + result.stderr
    assert "error]x" in shown or "csv=-" in how[0]
    assert re.search(r"##\w*\[", shown) is None
    assert not [line for line in re.split("[\r\n]", shown) if line.lstrip().startswith("::")]
    listed = peerlab("list", *peerlab.programs(), path)
    assert listed.stdout.startswith(r"\x3a:error::x \x23#[error]x ")
