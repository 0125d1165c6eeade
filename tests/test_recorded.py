"""Runs are judged again from what they left behind."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from peerlab.checks.verdict import Outcome
from peerlab.errors import PeerlabError, UsageError
from peerlab.evidence.capture import read_capture
from peerlab.recorded import judge_recorded
from peerlab.report.captures import read_captures
from tests.support.bench import Bench

FAILS = """
    title: Waits in vain
    nodes: {u1: chat}
    steps:
      - u1: login
      - u1: {expect: never, within: 50ms}
    checks:
      - exits: {u1: 0}
        points: 2
      - steps:
        points: 3
    """


def test_a_run_is_judged_the_same_elsewhere_without_its_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path / "here")
    played = bench.play(FAILS)
    folder = shutil.copytree(played.evidence, tmp_path / "there")
    shutil.rmtree(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    again = judge_recorded(folder)
    assert again.verdict == played.verdict
    # exits is unknown, since the steps broke off: that is not for somebody else to decide.
    exits = again.verdict.checks[-1]
    assert (exits.name, exits.outcome, exits.earned) == ("exits", "unknown", 0)
    assert again.verdict.earned == 0
    assert (again.scenario.name, again.seed) == (played.scenario.name, played.seed)
    assert again.backend == "fake"
    assert played.began is not None
    assert again.began == played.began.replace(microsecond=played.began.microsecond // 1000 * 1000)


def test_a_run_that_does_not_say_when_it_began_is_judged_all_the_same(tmp_path: Path) -> None:
    played = Bench(tmp_path).play(FAILS)
    journal = played.evidence / "journal.jsonl"
    first, *others = journal.read_text().splitlines(keepends=True)
    for began in ("once", None, 7):
        about = json.loads(first) | {"began": began, "submission": 5}
        journal.write_text("".join([json.dumps(about) + "\n", *others]))
        again = judge_recorded(played.evidence)
        assert (again.began, again.submission) == (None, "5")


PASSES = """
    title: All is well
    nodes: {u1: chat, u2: chat}
    steps:
      - u1: login
      - u2: login
      - u1: {say: "HEY", to: [u2]}
      - u2: {hears: "HEY", from: u1}
      - u[1-2]: quit
    checks:
      - delivery: {sent: 1}
    """


@pytest.mark.parametrize("lines", [1, 2])
def test_a_journal_that_was_cut_off_never_passes(tmp_path: Path, lines: int) -> None:
    journal = Bench(tmp_path).play(PASSES).evidence / "journal.jsonl"
    assert judge_recorded(journal.parent).verdict.outcome is Outcome.PASSED
    with journal.open("a", encoding="utf-8") as file:  # what a wire tells in the end
        file.write('{"at": 9, "kind": "wire", "text": "totals", "missed": 0}\n')
    *told, closed, totals = journal.read_text().splitlines(keepends=True)
    events = json.loads(closed)["events"] + 1
    whole = [*told, totals, json.dumps(json.loads(closed) | {"events": events}) + "\n"]
    journal.write_text("".join(whole))
    assert judge_recorded(journal.parent).verdict.outcome is Outcome.PASSED
    journal.write_text("".join(whole[:-lines]))
    verdict = judge_recorded(journal.parent).verdict
    assert verdict.outcome is Outcome.UNKNOWN
    why = "the journal was cut off: its last events are missing"
    assert [finding.message for finding in verdict.findings if finding.outcome != "passed"] == [
        why,
        f"not judged: {why}",
    ]


def test_a_journal_that_lacks_an_event_never_passes(tmp_path: Path) -> None:
    journal = Bench(tmp_path).play(PASSES).evidence / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    (typed, *_) = (place for place, line in enumerate(lines) if '"kind": "typed"' in line)
    journal.write_text("".join([*lines[:typed], *lines[typed + 1 :]]))
    verdict = judge_recorded(journal.parent).verdict
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.findings[0].message == (
        f"the journal was changed: it has {len(lines) - 2} events, "
        f"and its end tells of {len(lines) - 1}"
    )


def test_a_journal_of_a_time_when_none_told_its_end_is_judged(tmp_path: Path) -> None:
    journal = Bench(tmp_path).play(PASSES).evidence / "journal.jsonl"
    first, *others, _ = journal.read_text().splitlines(keepends=True)
    about = json.loads(first)
    del about["closes"]
    journal.write_text("".join([json.dumps(about) + "\n", *others]))
    assert judge_recorded(journal.parent).verdict.outcome is Outcome.PASSED


NO_FILES: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a directory": Path.mkdir,
}


@pytest.mark.parametrize("what", NO_FILES)
@pytest.mark.parametrize("name", ["journal.jsonl", "scenario.yaml", "programs/chat.yaml"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(
    tmp_path: Path, what: str, name: str
) -> None:
    folder = Bench(tmp_path).play(PASSES).evidence
    (folder / name).unlink()
    NO_FILES[what](folder / name)
    with pytest.raises(PeerlabError, match=r"not a regular file|there is no program file"):
        judge_recorded(folder)


@pytest.mark.parametrize("what", NO_FILES)
def test_a_capture_that_is_no_regular_file_is_neither_read_nor_shown(
    tmp_path: Path, what: str
) -> None:
    folder = Bench(tmp_path).play(PASSES).evidence
    (folder / "captures").mkdir()
    capture = folder / "captures" / "u1.pcap"
    NO_FILES[what](capture)
    with pytest.raises(OSError, match="not a regular file"):
        read_capture(capture)
    assert list(read_captures(folder, tmp_path)) == []


def test_a_journal_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    folder = Bench(tmp_path).play(PASSES).evidence
    with (folder / "journal.jsonl").open("r+b") as file:
        file.truncate(1 << 40)  # takes no room: it is nearly all hole
    with pytest.raises(UsageError, match=r"has 1099511627776 bytes, expected no more than \d+"):
        judge_recorded(folder)


def test_what_is_no_evidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the evidence of a run"):
        judge_recorded(tmp_path)
    (tmp_path / "journal.jsonl").write_text("")
    with pytest.raises(UsageError, match="its journal does not begin"):
        judge_recorded(tmp_path)
