from dataclasses import replace
from pathlib import Path

import pytest

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict
from peerlab.errors import LabError
from peerlab.evidence.journal import Event, Kind
from peerlab.report.text import explanation, run_line, shown_path, summary
from peerlab.scenario.model import Scenario
from tests.support.bench import Bench
from tests.support.journals import event, evidence, printed, verdict


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.chdir(tmp_path)
    text = "title: Login\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"
    return Bench(tmp_path).load(text, "chat/login")


JOURNAL = [
    printed("u1", "one\ntwo\nthree\nfour\nfive\nName: "),
    event(Kind.TYPED, "u1", "Mzi"),
    printed("u1", "\x1b[31mNo.\x1b[0m\n"),
    printed("u2", "> "),
]
FINDINGS = (
    Finding(
        "steps",
        Outcome.FAILED,
        "u1 never showed 'Hello\x1b[0m' within 2 s; u1 is still running",
        "u1",
        (3, 9),
        "\n\x1b[31mNo.\x1b[0m\n",
    ),
    Finding("no-traceback", Outcome.PASSED, "no node printed a traceback"),
    Finding("exits", Outcome.UNKNOWN, "u2 was never seen to end", "u2", (5, 5)),
    Finding("log", Outcome.FAILED, "u2 printed 'x', which it must not", "u2", (6, 5), "an x"),
)


def made(
    scenario: Scenario,
    *findings: Finding,
    journal: list[Event] | None = None,
    error: LabError | None = None,
) -> Result:
    folder = Path.cwd() / "runs" / "chat" / "login" / "run-1"
    evidence(folder, JOURNAL if journal is None else journal)
    return Result(scenario, "fake", verdict(*findings), folder, 1.26, error)


def test_a_run_that_passed_is_one_line(scenario: Scenario) -> None:
    result = made(scenario, FINDINGS[1])
    assert run_line(result) == "passed   chat/login  fake  1.3 s  runs/chat/login/run-1"
    assert list(explanation(result)) == []


def test_a_run_that_failed_is_explained(scenario: Scenario) -> None:
    result = made(scenario, *FINDINGS)
    assert run_line(result) == "failed   chat/login  fake  1.3 s  runs/chat/login/run-1"
    assert "\n".join(explanation(result)) == (
        "   scenarios/chat/login.yaml:3:9: failed: "
        r"u1 never showed 'Hello\x1b[0m' within 2 s; u1 is still running [steps]"
        "\n"
        "      since the last match it showed:\n"
        "      | \n"
        r"      | \x1b[31mNo.\x1b[0m"
        "\n"
        "   scenarios/chat/login.yaml:5:5: unknown: u2 was never seen to end [exits]\n"
        "   scenarios/chat/login.yaml:6:5: failed: u2 printed 'x', which it must not [log]\n"
        "      proof:\n"
        "      | an x\n"
        "   u1, last lines of its transcript:\n"
        "      | two\n"
        "      | three\n"
        "      | four\n"
        "      | five\n"
        "      | Name: Mzi\n"
        r"      | \x1b[31mNo.\x1b[0m"
        "\n"
        "   u2, last lines of its transcript:\n"
        "      | > \n"
        "   evidence: runs/chat/login/run-1"
    )


def test_a_lab_that_broke_is_explained_with_what_helps(scenario: Scenario) -> None:
    error = LabError("no address is left", hint="`peerlab clean`")
    broke = Finding("steps", Outcome.UNKNOWN, "no address is left")
    assert list(explanation(made(scenario, broke, journal=[], error=error))) == [
        "   scenarios/chat/login.yaml: unknown: no address is left [steps]",
        "   hint: `peerlab clean`",
        "   evidence: runs/chat/login/run-1",
    ]


def test_no_line_of_a_report_can_command_a_terminal(scenario: Scenario) -> None:
    nasty = "\x1b]0;title\x07\x9b2J\u202e\r"
    finding = Finding("log", Outcome.FAILED, nasty, "u1", (1, 1), nasty)
    error = LabError(nasty, hint=nasty)
    result = made(scenario, finding, journal=[printed("u1", nasty)], error=error)
    shown = "\n".join([run_line(result), *explanation(result)])
    assert set(shown).isdisjoint("\x1b\x07\x9b\u202e\r")


def test_no_name_of_a_file_can_command_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "title: Login\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"
    result = made(Bench(tmp_path).load(text, "odd\x1b[31m"), *FINDINGS)
    assert "\x1b" not in "\n".join([run_line(result), *explanation(result)])
    assert r"scenarios/odd\x1b[31m.yaml:3:9: " in "\n".join(explanation(result))


def test_points_are_told_with_the_run_and_with_each_check(scenario: Scenario) -> None:
    failed = Finding("exits", Outcome.FAILED, "u1 ended with status 1, expected 0", share=0.5)
    unknown = Finding("log", Outcome.UNKNOWN, "the check log crashed, so it says nothing")
    result = made(scenario)
    half = Judged("exits", "exits: {u1: 0}", (failed,), points=3, partial=True)
    verdict_ = Verdict((half, Judged("log", "log: ...", (unknown,), title="Quiet", points=1)))
    told = replace(result, verdict=verdict_)
    assert "  1.3 s  ? of 4 points  runs/" in run_line(told)
    lines = list(explanation(told))
    assert "   1.5 of 3 points: exits: {u1: 0}" in lines
    assert "   ? of 1 points: Quiet" in lines
    assert "  1.3 s  1.5 of 3 points  runs/" in run_line(replace(result, verdict=Verdict((half,))))


def test_no_check_has_earned_points_where_the_network_was_not_as_asked(scenario: Scenario) -> None:
    found = Finding("exits", Outcome.PASSED, "ended with status: u1 0")
    check = Judged("exits", "exits: {u1: 0}", (found,), points=3)
    result = replace(made(scenario), verdict=Verdict((check,), trusted=False))
    assert "  1.3 s  ? of 3 points  runs/" in run_line(result)
    assert "   ? of 3 points: exits: {u1: 0}" in list(explanation(result))


def test_why_it_came_to_that_is_told_sentence_by_sentence(scenario: Scenario) -> None:
    why = ("'HEY', to u2: typed at 1.0 s; dropped", "nearest to it is 'x\x1b'")
    failed = Finding("steps", Outcome.FAILED, "u2 never showed it", why=why)
    assert list(explanation(made(scenario, failed)))[1:3] == [
        "      'HEY', to u2: typed at 1.0 s; dropped",
        r"      nearest to it is 'x\x1b'",
    ]


def test_runs_are_summed_up(scenario: Scenario) -> None:
    passed = made(scenario, FINDINGS[1])
    assert (
        summary([passed, made(scenario, *FINDINGS), passed], 3.14) == "2 passed, 1 failed in 3.1 s"
    )
    assert summary([made(scenario)], 0.5) == "1 unknown in 0.5 s"
    assert summary([], 0.0) == "nothing was played in 0.0 s"


def test_paths_are_shown_as_a_person_would_type_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert shown_path(tmp_path / "here" / "a.yaml") == "a.yaml"
    assert shown_path(Path("b/a.yaml")) == "b/a.yaml"
    assert shown_path(tmp_path / "a.yaml") == str(tmp_path / "a.yaml")
