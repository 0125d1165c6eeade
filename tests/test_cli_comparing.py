"""`peerlab diff`, `pack`, `check` of packed runs, and `run --repeat`."""

import json
import re
import shutil
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from signal import SIGHUP, SIGTERM, getsignal, signal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from peerlab.cli import main, playing, telling
from peerlab.cli.telling import Telling
from peerlab.compare.repeats import Steadiness
from peerlab.errors import ExitStatus
from peerlab.evidence.pack import MAX_ENTRIES, MAX_SIZE
from peerlab.programs import SERVICES
from tests.support.bench import Bench
from tests.support.command import Command
from tests.support.fake import FakeNode, Program, Running
from tests.support.programs import chat

TALK = """
title: Two talk
within: 50ms
nodes: {"u[1-2]": chat}
steps:
  - u[1-2]: login
  - u1: {say: "HEY", to: [u2]}
  - u2: {hears: "HEY", from: u1}
"""
FAILS = "title: Waits\nnodes: {u1: chat}\nsteps: [{u1: {expect: never, within: 50ms}}]\n"
DOCUMENT = (SERVICES.parent / "docs" / "comparing.md").read_text(encoding="utf-8")


@pytest.fixture
def peerlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    command = Command(bench, bench.backend())
    monkeypatch.setattr(playing, "Backends", command.backends)
    ends = {number: getsignal(number) for number in (SIGTERM, SIGHUP)}
    yield command
    for number, handler in ends.items():
        signal(number, handler)


def played(peerlab: Command, text: str = TALK, program: Program = chat, name: str = "talk") -> Path:
    """The folder of a run."""
    peerlab.bench.programs["chat"] = program
    peerlab.run(peerlab.bench.write(text, name))
    return Path("runs", name, "latest").resolve().relative_to(Path.cwd().resolve())


def rude(node: FakeNode) -> Running:
    node.show("Get lost\n")
    return (yield from chat(node))


def moody(*bad: int) -> Program:
    """The chat, which is rude in the runs of these numbers."""
    begun: list[str] = []

    def program(node: FakeNode) -> Running:
        begun.append(node.name)
        if begun.count(node.name) in bad and node.name == "u1":
            node.show("Get lost\n")
            return 1
        return (yield from chat(node))

    return program


# diff


def test_runs_that_are_the_same_are_told_so(peerlab: Command) -> None:
    one, other = played(peerlab), played(peerlab)
    result = peerlab("diff", one, other)
    assert (result.exit_code, result.stdout) == (0, f"A: {one}\nB: {other}\nthe same\n")


def test_where_runs_went_apart_is_told(peerlab: Command) -> None:
    one, other = played(peerlab, program=rude), played(peerlab)
    result = peerlab("diff", one, other)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"A: {one}", f"B: {other}"]
    # Both are rude, and nothing says who is first to be.
    assert re.fullmatch("first divergence: u[12], before the first step", lines[2])
    assert lines[3] == "   until then both did the same, in the end:"
    assert re.fullmatch(r'   A:   \d\.\d{3} s  printed "Get lost\\n"', lines[-2])
    assert re.fullmatch(r'   B:   \d\.\d{3} s  printed "Name: "', lines[-1])


def test_runs_that_were_not_asked_the_same_cannot_be_compared(peerlab: Command) -> None:
    one = played(peerlab)
    other = played(peerlab, TALK.replace("HEY", "HO"))
    result = peerlab("diff", one, other)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("peerlab: the steps differ from step 2 on: `u1: {say")
    told = json.loads(peerlab("diff", "--json", one, other).stdout)
    assert told["outcome"] == "not comparable"
    assert "from step 2 on" in told["error"]


def test_a_divergence_is_one_object_for_programs(peerlab: Command) -> None:
    one, other = played(peerlab, program=rude), played(peerlab)
    told = json.loads(peerlab("diff", "--json", one, other).stdout)
    assert (told["outcome"], told["a"], told["b"]) == ("different", str(one), str(other))
    assert told["divergence"]["node"] in {"u1", "u2"}
    same = peerlab("diff", "--json", one, one)
    assert same.exit_code == 0
    assert json.loads(same.stdout) == {
        "outcome": "same",
        "a": str(one),
        "b": str(one),
        "divergence": None,
    }


def test_one_of_several_runs_has_to_be_named(peerlab: Command) -> None:
    one, other = sorted([played(peerlab), played(peerlab)])
    result = peerlab("diff", "runs", one)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "peerlab: there are 2 runs in runs",
        f"   hint: name one of them, such as {other}",
    ]


def test_a_journal_that_somebody_has_changed_is_told(peerlab: Command) -> None:
    one, other = played(peerlab), played(peerlab)
    journal = one / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"stream": "stdout"', '"stream": 0, "x": 0'))
    assert peerlab("diff", one, other).exit_code == 1
    journal.write_text(journal.read_text().replace('"stream"', '"streams"'))
    result = peerlab("diff", one, other)
    assert result.exit_code == 2
    assert result.stderr.startswith("peerlab: a journal has an event that tells less than it must")


# pack


def test_a_packed_run_stands_for_its_folder_everywhere(peerlab: Command) -> None:
    folder = played(peerlab)
    result = peerlab("pack", folder)
    assert (result.exit_code, result.stdout) == (0, f"{folder.name}.zip\n")
    failed = played(peerlab, FAILS, name="waits")
    assert peerlab("pack", failed, "--out", "failed.zip").stdout == "failed.zip\n"
    kept = played(peerlab)
    shutil.rmtree(folder)

    assert peerlab("diff", f"{folder.name}.zip", kept).exit_code == 0
    checked = peerlab("check", "failed.zip")
    assert checked.exit_code == 1
    first, *_, last = checked.stdout.splitlines()
    assert re.fullmatch(r"failed   waits  fake  \d\.\d s  failed\.zip", first)
    assert last == "   evidence: failed.zip"


def test_what_is_left_out_of_a_packed_run_is_told(peerlab: Command) -> None:
    folder = played(peerlab)
    (folder / "link").symlink_to("/etc/hostname")
    result = peerlab("pack", "runs/talk/latest", "--out", "x.zip")
    assert result.exit_code == 0
    assert result.stderr == f"left out, since it is no file: {folder / 'link'}\n"


# check


def test_all_runs_below_a_directory_are_judged_once_and_summed_up(peerlab: Command) -> None:
    played(peerlab)
    played(peerlab)
    played(peerlab, FAILS, name="deep/waits")
    last = played(peerlab)
    peerlab("pack", last, "--out", "x.zip")
    shutil.copytree(last, last / "copy")  # belongs to that run
    result = peerlab("check", "runs", "x.zip")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines if "  fake  " in line] == [
        "deep/waits",
        *["talk"] * 4,
    ]
    assert re.fullmatch(r"4 passed, 1 failed in \d\.\d s", lines[-1])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "there is no nowhere"),
        ("empty", "found no evidence of a run in empty"),
        ("file", "file is no packed run"),
        ("two.zip", "two.zip holds 2 runs"),
    ],
)
def test_what_holds_no_run_is_told_with_what_helps(
    peerlab: Command, path: str, message: str
) -> None:
    Path("empty").mkdir()
    Path("file").write_text("no zip")
    played(peerlab)
    played(peerlab)
    shutil.make_archive("two", "zip", "runs/talk")
    for command in (["check"], ["diff", path]):
        result = peerlab(*command, path)
        assert result.exit_code == 2
        first, hint = result.stderr.splitlines()
        assert first == f"peerlab: {message}"
        assert hint.startswith("   hint: ")


# run --repeat


def repeated(peerlab: Command, program: Program, *options: str) -> tuple[int, list[str]]:
    peerlab.bench.programs["chat"] = program
    result = peerlab.run(*options, peerlab.bench.write(TALK, "talk"))
    return result.exit_code, result.stdout.splitlines()


def test_of_many_runs_only_those_that_did_not_pass_are_told_and_why_once(
    peerlab: Command,
) -> None:
    status, lines = repeated(peerlab, moody(2, 4), "--repeat", "5")
    assert status == ExitStatus.FAILED
    assert [line.split()[0] for line in lines if "  fake  " in line] == ["failed", "failed"]
    assert sum("u1, last lines of its transcript" in line for line in lines) == 1
    begin = lines.index("talk: passed 3 of 5, failed 2")
    assert lines[begin + 1 : begin + 3] == [
        "   fails sometimes: look at the first divergence",
        "   step 1 (u[1-2]: login) did not pass in 2 of 5",
    ]
    assert "   first divergence: u1, before the first step" in lines[begin:]
    assert lines[-1] == "5 runs of 1 scenario: 1 verdict varied"


def test_what_is_always_wrong_is_said_to_be(peerlab: Command) -> None:
    status, lines = repeated(peerlab, moody(1, 2, 3), "--repeat", "3", "--jobs", "2")
    assert status == ExitStatus.FAILED
    assert "   always fails at step 1 (u[1-2]: login): wrong" in lines
    assert lines[-1] == "3 runs of 1 scenario: 0 verdicts varied"


def test_the_evidence_of_runs_that_passed_is_removed_but_for_the_first(peerlab: Command) -> None:
    _, lines = repeated(peerlab, moody(2, 4), "--repeat", "5", "--discard-passed")
    runs = {path.name for path in Path("runs/talk").iterdir()}
    verdicts = [
        json.loads(path.read_text())["outcome"] for path in Path("runs").rglob("verdict.json")
    ]
    assert sorted(verdicts) == ["failed", "failed", "passed"]
    assert len(runs) == 3  # the link to the latest is gone with it
    assert any(line.startswith("   first divergence: ") for line in lines)


def test_the_link_to_the_latest_run_stays_if_that_stays(peerlab: Command) -> None:
    repeated(peerlab, moody(3), "--repeat", "3", "--discard-passed")
    assert json.loads(Path("runs/talk/latest/verdict.json").read_text())["outcome"] == "failed"


def test_repeats_are_told_to_programs_with_one_run_for_each_scenario(peerlab: Command) -> None:
    peerlab.bench.programs["chat"] = moody(2)
    path = peerlab.bench.write(TALK, "talk")
    result = peerlab.run("--repeat", "3", "--seed", "7", "--json", path)
    assert result.exit_code == 1
    told: dict[str, Any] = json.loads(result.stdout)
    assert [(run["name"], run["outcome"]) for run in told["scenarios"]] == [("talk", "failed")]
    schema = Path(__file__).parent.parent / "docs" / "results.schema.json"
    Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(told)
    (repeat,) = told["repeats"]
    assert (repeat["runs"], repeat["passed"], repeat["failed"]) == (3, 2, 1)
    assert (repeat["says"], repeat["seeds"]) == ("unlucky", [7])
    assert repeat["b"] == told["scenarios"][0]["evidence"]
    once = json.loads(peerlab.run("--json", path).stdout)
    assert "repeats" not in once


def test_how_far_a_long_session_has_come_is_told_now_and_then(
    peerlab: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = map(float, count(0, 11))
    slow = partial(Telling, clock=lambda: next(moments))
    monkeypatch.setattr(telling, "Telling", slow)
    _, lines = repeated(peerlab, chat, "--repeat", "7")
    assert lines == [
        "3 of 7 runs: 3 passed",
        "6 of 7 runs: 6 passed",
        "talk: passed 7 of 7",
        "7 runs of 1 scenario: 0 verdicts varied",
    ]


# the document


def test_every_command_of_the_document_parses() -> None:
    lines = re.findall(r"^    peerlab (.*)$", DOCUMENT, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        name, *arguments = line.split()
        main.commands[name].make_context(name, arguments)


def test_the_document_says_what_is_said() -> None:
    for steadiness in Steadiness:
        saying = steadiness.value.split(":")[0]
        assert saying in DOCUMENT or steadiness in {Steadiness.PASSES, Steadiness.WRONG}
    assert f"{MAX_ENTRIES:,} entries" in DOCUMENT
    assert f"{MAX_SIZE >> 30} GiB" in DOCUMENT
    assert f"every {telling.EVERY:.0f} seconds" in DOCUMENT.replace("\n", " ")
