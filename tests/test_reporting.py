"""The command `peerlab report`, and `peerlab run --report`."""

import json
import os
import re
import zipfile
from pathlib import Path

import click
import pytest

from peerlab.cli import playing
from peerlab.errors import ExitStatus
from tests.support.bench import Bench
from tests.support.command import Command

PASSES = "title: Logs in\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"
FAILS = "title: Waits\nnodes: {u1: chat}\nsteps: [{u1: {expect: never, within: 50ms}}]\n"


@pytest.fixture
def peerlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    command = Command(bench, bench.backend())
    monkeypatch.setattr(playing, "Backends", command.backends)
    return command


def run(peerlab: Command, *options: str) -> None:
    for name, text in (("one/passes", PASSES), ("two/fails", FAILS)):
        peerlab.run(*options, peerlab.bench.write(text, name))


def reports() -> list[str]:
    return sorted(str(path) for path in Path("runs").glob("*/*/*/report.html"))


def test_each_run_below_a_directory_gets_a_page_once(peerlab: Command) -> None:
    run(peerlab)
    result = peerlab("report", "runs")
    assert result.exit_code == ExitStatus.PASSED
    written = [path for path in reports() if "latest" not in path]
    assert sorted(result.output.split()) == sorted([*written, "runs/index.html"])
    index = Path("runs/index.html").read_text(encoding="utf-8")
    assert index.index("two/fails") < index.index("one/passes")
    for path in written:
        assert f'href="{os.path.relpath(path, "runs")}"' in index


def test_one_run_gets_no_index(peerlab: Command) -> None:
    run(peerlab)
    assert peerlab("report", "runs/one/passes/latest").exit_code == ExitStatus.PASSED
    assert Path("runs/one/passes/latest/report.html").exists()
    assert not list(Path().rglob("index.html"))


def test_pages_go_where_they_are_wanted(peerlab: Command) -> None:
    run(peerlab)
    folder = "runs/one/passes/latest"
    assert peerlab("report", folder, "--out", "mine.html").exit_code == ExitStatus.PASSED
    assert "Logs in" in Path("mine.html").read_text(encoding="utf-8")
    assert not Path(folder, "report.html").exists()
    assert peerlab("report", folder, "runs", "--index", "all.html").exit_code == 0
    assert "one/passes" in Path("all.html").read_text(encoding="utf-8")


def test_one_page_for_several_runs_is_refused(peerlab: Command) -> None:
    run(peerlab)
    result = peerlab("report", "runs", "--out", "mine.html")
    assert result.exit_code == ExitStatus.USAGE
    assert "--out is for the page of one run, and there are 2" in result.output
    assert not Path("mine.html").exists()


def test_what_is_no_evidence_is_refused(peerlab: Command) -> None:
    Path("empty").mkdir()
    for place, told in (
        ("empty", "found no evidence of a run in empty"),
        ("nowhere", "there is no nowhere"),
    ):
        result = peerlab("report", place)
        assert result.exit_code == ExitStatus.USAGE
        assert told in result.output


def test_one_broken_run_does_not_keep_others_from_their_pages(peerlab: Command) -> None:
    run(peerlab)
    Path("runs/broken").mkdir()
    Path("runs/broken/journal.jsonl").write_text("nothing\n", encoding="utf-8")
    result = peerlab("report", "runs")
    assert result.exit_code == ExitStatus.USAGE
    assert "1 of 3 runs have no page:" in result.output
    assert "runs/broken is not the evidence of a run" in result.output
    assert Path("runs/one/passes/latest/report.html").exists()
    assert "one/passes" in Path("runs/index.html").read_text(encoding="utf-8")
    assert peerlab("report", "runs/broken").exit_code == ExitStatus.USAGE


def test_a_run_writes_its_page_when_asked(peerlab: Command) -> None:
    run(peerlab, "--report")
    assert [path for path in reports() if "latest" not in path]
    assert not Path("runs/index.html").exists()


def test_runs_write_their_index_and_keep_their_exit_status(peerlab: Command) -> None:
    paths = [peerlab.bench.write(text, name) for name, text in (("a", PASSES), ("b", FAILS))]
    result = peerlab.run("--report", "--json", *paths)
    assert result.exit_code == ExitStatus.FAILED
    assert json.loads(result.stdout)["outcome"] == "failed"
    assert Path("runs/index.html").exists()
    assert "runs/index.html" in result.stderr


def test_runs_write_no_page_unasked(peerlab: Command) -> None:
    run(peerlab)
    assert not reports()


def test_the_page_of_a_packed_run_stands_beside_its_file(peerlab: Command) -> None:
    peerlab.run(peerlab.bench.write(PASSES, "lab"))
    peerlab("pack", "runs/lab/latest", "--out", "handed-in.zip")
    result = peerlab("report", "handed-in.zip")
    assert (result.exit_code, result.stdout) == (0, "handed-in.html\n")
    assert "Logs in" in Path("handed-in.html").read_text(encoding="utf-8")
    both = peerlab("report", "handed-in.zip", "runs/lab/latest", "--index", "all.html")
    assert both.exit_code == 0
    assert 'href="handed-in.html"' in Path("all.html").read_text(encoding="utf-8")


def test_an_error_of_a_packed_run_names_its_file(peerlab: Command) -> None:
    with zipfile.ZipFile("odd.zip", "w") as odd:
        odd.writestr("run/journal.jsonl", "[]\n")
    for command in ("check", "report"):
        told = peerlab(command, "odd.zip")
        assert told.exit_code == ExitStatus.USAGE
        assert "odd.zip is not the evidence of a run" in told.output
        assert "peerlab-" not in told.output


def test_what_was_removed_halfway_is_no_run(peerlab: Command) -> None:
    peerlab.run(peerlab.bench.write(PASSES, "lab"))
    run = Path("runs/lab/latest").resolve()
    run.rename(run.with_name(f".removed-{run.name}"))
    assert "found no evidence of a run in runs" in peerlab("check", "runs").output


@pytest.mark.parametrize(
    "at",
    ["1e308", "-1", "-1e-3", "10000001", "9" * 400, '"3.01"', "true", "null", "[]", "NaN"],
)
def test_check_and_report_refuse_a_time_that_is_none_in_the_same_words(
    peerlab: Command, at: str
) -> None:
    assert peerlab.run(peerlab.bench.write(PASSES, "lab")).exit_code == 0
    journal = Path("runs/lab/latest/journal.jsonl")
    text = journal.read_text()
    (began,) = re.findall(r'"at": ([^,]+), "kind": "started"', text)
    text = text.replace(f'"at": {began}, "kind": "started"', f'"at": {at}, "kind": "started"')
    journal.write_text(text)
    checked, reported = (peerlab(command, str(journal.parent)) for command in ("check", "report"))
    assert (checked.exit_code, reported.exit_code) == (2, 2)
    assert checked.stderr == reported.stderr
    assert "expected seconds from 0 to 10000000" in checked.stderr
    assert len(checked.stderr) < 300


@pytest.mark.parametrize("lies_there", ["a pipe", "a link", "a link that leads nowhere"])
def test_a_page_never_goes_out_of_the_folder_of_its_run(peerlab: Command, lies_there: str) -> None:
    run(peerlab)
    mine = Path("mine.txt")
    if lies_there == "a link":
        mine.write_text("mine")
    folder = Path("runs/one/passes/latest").resolve()
    if lies_there == "a pipe":
        os.mkfifo(folder / "report.html")
    else:
        (folder / "report.html").symlink_to(mine.resolve())
    result = peerlab("report", "runs")
    assert result.exit_code == ExitStatus.USAGE
    assert "report.html is not a regular file" in result.stderr
    assert len([*Path("runs/two").rglob("report.html")]) == 1
    assert not mine.exists() or mine.read_text() == "mine"
    assert peerlab("report", str(folder), "--out", "page.html").exit_code == ExitStatus.PASSED


def test_when_nobody_reads_any_more_every_page_is_written(
    peerlab: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_reads(*_: object, **__: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    run(peerlab)
    monkeypatch.setattr(click, "echo", nobody_reads)
    assert peerlab("report", "runs").exit_code == ExitStatus.UNREAD
    assert len([path for path in reports() if "latest" not in path]) == 2
    assert Path("runs/index.html").exists()


def test_check_and_report_take_the_latest_time_that_there_is(peerlab: Command) -> None:
    assert peerlab.run(peerlab.bench.write(PASSES, "lab")).exit_code == 0
    journal = Path("runs/lab/latest/journal.jsonl")
    journal.write_text(
        re.sub(r'^{"at": [^,]+', '{"at": 1e7', journal.read_text(), flags=re.MULTILINE)
    )
    for command in ("check", "report"):
        assert peerlab(command, str(journal.parent)).exit_code == 0
