"""Runs are judged again from what they left behind."""

import json
import shutil
from pathlib import Path

import pytest

from peerlab.errors import UsageError
from peerlab.recorded import judge_recorded
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


def test_what_is_no_evidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the evidence of a run"):
        judge_recorded(tmp_path)
    (tmp_path / "journal.jsonl").write_text("")
    with pytest.raises(UsageError, match="its journal does not begin"):
        judge_recorded(tmp_path)
