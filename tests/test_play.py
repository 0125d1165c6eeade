import json
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pytest

from peerlab.backend.base import RunName
from peerlab.checks import judge
from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Outcome
from peerlab.errors import LabError, MachineUnfit, UsageError
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.network import NetworkLog
from peerlab.evidence.reading import Evidence
from peerlab.play import Stop, new_run_id, play
from peerlab.scenario.model import Scenario
from tests.support.bench import Bench, told
from tests.support.fake import FakeBackend, FakeLab
from tests.support.programs import cut_off, stubborn

HELLO = """
    title: One person logs in
    nodes: {u1: chat}
    steps:
      - u1: login
      - u1: quit
    checks:
      - exits: {u1: 0}
"""
WAITING = """
    title: Waits for what never comes
    nodes: {u1: chat}
    steps:
      - u1: login
      - u1: {expect: never, within: 60s}
    checks:
      - exits: {u1: 0}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def findings(result: Result) -> list[tuple[str, Outcome, str]]:
    return [(found.check, found.outcome, found.message) for found in result.verdict.findings]


def as_written(result: Result) -> object:
    return json.loads(json.dumps(result.verdict.as_dict()))


# Whatever happens, evidence stays.


def test_a_run_that_passes_leaves_everything_in_its_folder(bench: Bench) -> None:
    scenario = bench.load(HELLO)
    result = play(scenario, bench.backend(), bench.out)
    assert findings(result) == [
        ("steps", Outcome.PASSED, "all 2 steps came true"),
        ("no-traceback", Outcome.PASSED, "no node printed a traceback"),
        ("exits", Outcome.PASSED, "ended with status: u1 0"),
    ]
    assert (result.backend, result.error, result.interrupted) == ("fake", None, False)
    folder = result.evidence
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        "journal.jsonl",
        "nodes",
        "nodes/u1.log",
        "programs",
        "programs/chat.yaml",
        "scenario.yaml",
        "verdict.json",
    ]
    assert (folder / "scenario.yaml").read_text() == scenario.text
    evidence = Evidence(folder)
    assert evidence.log("u1") == b"Name: Hello u1!\n> bye\n"
    assert evidence.verdict == as_written(result)
    assert [event.kind.value for event in evidence.journal] == [
        "run",
        "deployed",
        "started",
        "step",
        "printed",
        "typed",
        "printed",
        "step",
        "printed",
        "typed",
        "printed",
        "exited",
        "end",
        "closed",
    ]
    detail = dict(evidence.journal[0].detail)
    assert isinstance(detail.pop("seed"), int)
    assert datetime.fromisoformat(detail.pop("began")).tzinfo is not None
    assert detail == {
        "scenario": "scenario",
        "file": os.path.relpath(scenario.path),
        "submission": None,
        "given": [],
        "closes": True,
        "run": folder.name,
        "backend": "fake",
        "wire": "userspace",
    }


def test_the_latest_link_follows_the_newest_run(bench: Bench) -> None:
    link = bench.out / "scenario" / "latest"
    for _ in range(2):
        result = bench.play(HELLO)
        assert link.resolve() == result.evidence.resolve()
    assert {path.name for path in link.parent.iterdir()} > {"latest"}
    assert not [path for path in link.parent.iterdir() if path.name.startswith(".")]


def test_a_failed_step_still_leaves_evidence_and_the_checks_are_judged(bench: Bench) -> None:
    result = bench.play(WAITING.replace("60s", "50ms"))
    assert result.verdict.outcome is Outcome.FAILED
    steps, no_traceback, exits = result.verdict.findings
    assert re.fullmatch(
        r"u1 never showed 'never' within [\d.]+ s; u1 is still running", steps.message
    )
    assert (steps.node, steps.where, steps.proof) == ("u1", (6, 5), "\n> ")
    assert no_traceback.outcome is Outcome.PASSED
    assert exits == Finding(
        "exits",
        Outcome.UNKNOWN,
        "u1 was stopped by the lab, since the steps did not come to their end",
        "u1",
        (8, 5),
    )
    evidence = Evidence(result.evidence)
    assert evidence.complete
    assert evidence.log("u1") == b"Name: Hello u1!\n> "
    assert evidence.verdict == as_written(result)


def test_a_node_that_is_lost_breaks_the_lab_and_the_checks_are_not_judged(bench: Bench) -> None:
    bench.program("cut-off", cut_off)
    result = bench.play("""
        title: Cut off
        nodes: {u1: cut-off}
        steps:
          - u1: {expect: "Name: "}
          - u1: {type: Mzi}
          - u1: {expect: Hello}
        checks:
          - log: {node: u1, contains: Name}
    """)
    message = "lost the connection to u1: the engine has gone"
    assert findings(result) == [
        ("steps", Outcome.UNKNOWN, message),
        ("no-traceback", Outcome.PASSED, "no node printed a traceback"),
        ("log", Outcome.UNKNOWN, "not judged: the run did not come to its end"),
    ]
    assert isinstance(result.error, LabError)
    evidence = Evidence(result.evidence)
    assert not evidence.complete
    assert evidence.node("u1").transcript == "Name: Mzi\nHel"
    assert evidence.log("u1") == b"Name: Hel"
    assert evidence.outcome == "unknown"


def test_a_lab_that_breaks_while_it_is_removed_makes_the_verdict_unknown(bench: Bench) -> None:
    backend = FakeBackend(bench.programs, breaks="the network is still in use")
    result = play(bench.load(HELLO), backend, bench.out)
    assert findings(result) == [
        ("steps", Outcome.UNKNOWN, "the network is still in use"),
        ("no-traceback", Outcome.PASSED, "no node printed a traceback"),
        ("exits", Outcome.PASSED, "ended with status: u1 0"),
    ]
    assert result.error is not None
    assert result.error.message == "the network is still in use"


def test_a_failed_step_stays_failed_when_the_lab_breaks_after_it(bench: Bench) -> None:
    backend = FakeBackend(bench.programs, breaks="the network is still in use")
    result = play(bench.load(WAITING.replace("60s", "50ms")), backend, bench.out)
    assert result.verdict.outcome is Outcome.FAILED


def test_a_lab_that_cannot_be_made_leaves_evidence_too(bench: Bench) -> None:
    backend = FakeBackend(bench.programs, refuses=LabError("no address is left"))
    result = play(bench.load(HELLO), backend, bench.out)
    assert findings(result)[0] == ("steps", Outcome.UNKNOWN, "no address is left")
    assert result.verdict.outcome is Outcome.UNKNOWN
    assert Evidence(result.evidence).nodes == {}


def test_a_machine_that_cannot_run_it_is_told_to_the_caller(bench: Bench) -> None:
    backend = FakeBackend(bench.programs, refuses=MachineUnfit("no engine", hint="install one"))
    with pytest.raises(MachineUnfit):
        play(bench.load(HELLO), backend, bench.out)
    (latest,) = bench.out.glob("*/latest")
    assert Evidence(latest).outcome == "unknown"


def test_evidence_that_cannot_be_written_is_told_before_anything_starts(bench: Bench) -> None:
    bench.out.write_text("a file is in the way")
    backend = bench.backend()
    with pytest.raises(UsageError, match="cannot write the evidence to") as caught:
        play(bench.load(HELLO), backend, bench.out)
    assert caught.value.hint == "name a directory that you may write to with --out"
    assert backend.labs == []


def test_a_program_that_will_not_end_is_removed_and_its_last_words_are_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerlab.drive.director.STOP_WITHIN", 0.05)
    bench.program("stubborn", stubborn)
    evidence = bench.passes("""
        title: Will not go
        nodes: {u1: stubborn}
        steps:
          - u1: {expect: here}
    """)
    assert evidence.node("u1").status == 137
    assert evidence.log("u1") == b"here to stay\nnot yet\nlast words\n"
    assert evidence.node("u1").transcript == "here to stay\nnot yet\nlast words\n"


def test_nodes_that_are_not_the_labs_own_are_left_running(bench: Bench) -> None:
    backend = FakeBackend(bench.programs, owns_nodes=False)
    result = play(bench.load(WAITING.replace("60s", "50ms")), backend, bench.out)
    evidence = Evidence(result.evidence)
    assert evidence.node("u1").status is None
    assert told(evidence, Kind.EXITED) == []
    assert evidence.complete
    assert evidence.node("u1").transcript == "Name: u1\nHello u1!\n> "


# Ending early.


def interrupting(stop: Stop, wanted: Callable[[Event], bool]) -> Callable[[Scenario, Event], None]:
    def observe(_scenario: Scenario, event: Event) -> None:
        if wanted(event):
            stop.request()

    return observe


def test_an_interrupted_run_ends_at_once_cleans_up_and_leaves_evidence(bench: Bench) -> None:
    bench.program("stubborn", stubborn)
    scenario = bench.load("""
        title: Interrupted
        nodes: {u1: stubborn}
        steps:
          - u1: {expect: here}
          - u1: {expect: never, within: 60s}
        checks:
          - exits: {u1: 0}
    """)
    stop, backend = Stop(), bench.backend()
    observer = interrupting(
        stop, lambda event: event.kind is Kind.STEP and event.detail["number"] == 2
    )
    result = play(scenario, backend, bench.out, observer=observer, stop=stop)
    assert result.interrupted
    assert result.seconds < 30
    assert backend.left == 0
    assert findings(result) == [
        ("steps", Outcome.UNKNOWN, "the run was interrupted"),
        ("no-traceback", Outcome.PASSED, "no node printed a traceback"),
        ("exits", Outcome.UNKNOWN, "not judged: the run did not come to its end"),
    ]
    evidence = Evidence(result.evidence)
    assert evidence.log("u1") == b"here to stay\nlast words\n"
    assert evidence.verdict == as_written(result)


def test_a_run_that_begins_after_the_request_ends_at_once(bench: Bench) -> None:
    stop = Stop()
    stop.request()
    result = play(bench.load(WAITING), bench.backend(), bench.out, stop=stop)
    assert result.interrupted


# What the outcome rests on.


def test_where_nothing_is_expected_and_nothing_checked_the_outcome_is_unknown(
    bench: Bench,
) -> None:
    result = bench.play(
        "title: Typing\nnodes: {u1: chat}\nsteps: [{u1: {type: Mzi}}, {u1: eof}]\nchecks: []\n"
    )
    assert findings(result) == [
        ("no-traceback", Outcome.PASSED, "no node printed a traceback"),
        (
            "steps",
            Outcome.UNKNOWN,
            "nothing was checked: no step expects anything and there are no checks",
        ),
    ]
    assert result.verdict.outcome is Outcome.UNKNOWN


def test_a_check_alone_can_make_a_run_pass(bench: Bench) -> None:
    bench.passes("""
        title: Typing
        nodes: {u1: chat}
        steps: [{u1: {type: Mzi}}]
        checks: [{log: {node: u1, contains: Hello Mzi}}]
    """)


def test_a_check_that_crashes_is_unknown_and_the_others_are_judged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_arguments: object) -> NoReturn:
        raise ZeroDivisionError("by accident")

    monkeypatch.setitem(judge.CHECKS, "exits", crash)
    result = bench.play(HELLO)
    assert findings(result) == [
        ("steps", Outcome.PASSED, "all 2 steps came true"),
        ("no-traceback", Outcome.PASSED, "no node printed a traceback"),
        ("exits", Outcome.UNKNOWN, "the check exits crashed, so it says nothing"),
    ]
    assert "ZeroDivisionError: by accident" in result.verdict.findings[2].proof


@pytest.mark.parametrize("can", [True, False])
def test_what_a_check_looks_into_is_captured_unasked_where_the_backend_can(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, can: bool
) -> None:
    asked = []
    deploy = FakeBackend.deploy

    def noting(
        backend: FakeBackend, scenario: Scenario, run: RunName, network: NetworkLog | None = None
    ) -> AbstractContextManager[FakeLab]:
        assert network is not None
        asked.append(network.captures)
        return deploy(backend, scenario, run, network)

    monkeypatch.setattr(FakeBackend, "deploy", noting)
    monkeypatch.setattr(FakeBackend, "captures", can)
    bench.play(HELLO)
    result = bench.play(f"{HELLO}      - capture: {{lacks: x}}\n")
    assert asked == [False, can]
    assert findings(result)[-1][:2] == ("capture", Outcome.UNKNOWN)


def test_output_that_is_not_kept_makes_the_verdict_unknown(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerlab.drive.watch.MAX_OUTPUT", 20)
    result = bench.play(HELLO)
    assert result.verdict.outcome is Outcome.UNKNOWN
    told = "u1 printed more than the lab keeps: only the first 20 bytes are kept"
    assert findings(result)[0] == ("steps", Outcome.UNKNOWN, told)


def test_a_traceback_fails_a_run_that_did_not_ask_for_the_check(bench: Bench) -> None:
    name = "Traceback (most recent call last):"
    text = f"title: X\nnodes: {{u1: chat}}\nsteps: [{{u1: {{login: {{name: '{name}'}}}}}}]\n"
    result = bench.play(text)
    assert ("no-traceback", Outcome.FAILED, "u1 printed a traceback") in findings(result)


def test_the_observer_sees_the_journal(bench: Bench) -> None:
    seen: list[Event] = []
    scenario = bench.load(HELLO)

    def observe(observed: Scenario, event: Event) -> None:
        assert observed is scenario
        seen.append(event)

    result = play(scenario, bench.backend(), bench.out, observer=observe)
    journal = Evidence(result.evidence).journal
    assert [(event.kind, event.text) for event in seen] == [
        (event.kind, event.text) for event in journal
    ]


def test_run_ids_are_sorted_by_time_and_never_the_same() -> None:
    first, second = new_run_id(), new_run_id()
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", first)
    assert first != second
