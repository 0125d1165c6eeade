"""Many runs are counted: what is wrong in all of them is told from what is in some."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from weakref import ReferenceType, ref

import pytest

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict
from peerlab.compare.repeats import MAX_SEEDS, Repeats, Steadiness, Tally
from peerlab.errors import LabError
from peerlab.play import play
from peerlab.report.repeats import as_json, conclusion, last_line, progress_line, tally_lines
from peerlab.scenario.model import Scenario
from tests.support.bench import Bench
from tests.support.fake import FakeNode, Running
from tests.support.programs import chat

SCENARIO = """
title: Logs in
within: 50ms
nodes: {u1: chat}
steps:
  - u1: login
  - together:
      - u1: {say: "HEY", to: [u1]}
  - u1: {hears: "HEY", from: u1}
"""
PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN
Make = Callable[..., Result]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path).load(SCENARIO, "chat/login")


@pytest.fixture
def make(scenario: Scenario) -> Make:
    """A result in which that was found, as (check, outcome, place)."""
    number = 0

    def make(*found: tuple[str, Outcome, tuple[int, int] | None]) -> Result:
        nonlocal number
        number += 1
        checks = [
            Judged(name, "", (Finding(name, outcome, "x", where=where),))
            for name, outcome, where in found
        ]
        path = Path("runs") / f"{number}"
        return Result(scenario, "fake", Verdict(tuple(checks)), path, 1.0, seed=number)

    return make


LOGIN, SAY, HEARS = (6, 5), (8, 9), (9, 5)


def tallied(results: Sequence[Result]) -> Tally:
    tally = Tally(results[0].scenario)
    for result in results:
        tally.take(result)
    return tally


def test_what_fails_in_every_run_in_the_same_way_is_wrong(make: Make) -> None:
    tally = tallied([make(("steps", FAILED, HEARS)) for _ in range(3)])
    assert tally.steadiness is Steadiness.WRONG
    assert not tally.varied
    assert list(tally_lines(tally)) == [
        "chat/login: passed 0 of 3, failed 3",
        '   always fails at step 3 (u1: {hears: "HEY", from: u1}): wrong',
        '   step 3 (u1: {hears: "HEY", from: u1}) did not pass in 3 of 3',
    ]


def test_what_fails_in_every_run_but_not_in_one_way_is_wrong_as_well(make: Make) -> None:
    tally = tallied([make(("steps", FAILED, SAY)), make(("delivery", FAILED, None))])
    assert tally.steadiness is Steadiness.WRONG_SOMEHOW
    assert tally.causes == {'step 2 (u1: {say: "HEY", to: [u1]})': 1, "the check delivery": 1}


def test_what_fails_in_some_runs_is_unlucky(make: Make) -> None:
    passed = make(("steps", PASSED, None))
    tally = tallied([passed, make(("steps", FAILED, LOGIN)), make(("steps", PASSED, None))])
    assert tally.steadiness is Steadiness.UNLUCKY
    assert tally.varied
    assert tally.pair is not None
    assert [sample.evidence for sample in tally.pair] == [Path("runs/1"), Path("runs/2")]


def test_what_was_never_judged_says_nothing_about_programs(make: Make) -> None:
    broken = make(("steps", UNKNOWN, None))
    assert tallied([broken, broken]).steadiness is Steadiness.UNJUDGED
    some = tallied([broken, make(("steps", PASSED, None))])
    assert some.steadiness is Steadiness.UNSTEADY
    assert some.varied


def test_a_run_that_was_interrupted_counts_for_nothing(make: Make) -> None:
    cut = replace(make(("steps", UNKNOWN, None)), interrupted=True)
    tally = tallied([make(("steps", PASSED, None)), cut])
    assert (tally.runs, tally.varied, tally.steadiness) == (1, False, Steadiness.PASSES)
    # It is told all the same.
    assert tally.result is cut
    repeats = Repeats([cut.scenario])
    repeats.take(cut)
    assert (repeats.tallies, repeats.results) == ([], [cut])


def test_evidence_that_is_gone_costs_nothing_but_the_comparison(make: Make) -> None:
    tally = tallied([make(("steps", PASSED, None)), make(("steps", FAILED, SAY))])
    assert list(tally_lines(tally))[-1].startswith(
        "   cannot be compared any more: runs/1 is not the evidence of a run: "
    )
    (told,) = as_json([tally])
    assert (told["divergence"], told["b"]) == (None, "runs/2")


def test_the_worst_result_speaks_for_all(make: Make) -> None:
    passed, failed = make(("steps", PASSED, None)), make(("steps", FAILED, None))
    unknown = make(("steps", UNKNOWN, None))
    broken = replace(unknown, error=LabError("no disk"))
    assert tallied([passed, passed]).result is passed
    assert tallied([passed, unknown, broken, unknown]).result is broken
    assert tallied([broken, failed, make(("steps", FAILED, None)), passed]).result is failed


def test_a_way_to_fail_is_new_once(make: Make, scenario: Scenario) -> None:
    repeats = Repeats([scenario])
    found = [("steps", PASSED, None), ("steps", FAILED, SAY), ("steps", FAILED, HEARS)]
    assert [repeats.take(make(each)) for each in [*found, *found]] == [True] * 3 + [False] * 3


def test_nothing_is_kept_of_a_run_that_tells_nothing_new(make: Make, scenario: Scenario) -> None:
    repeats = Repeats([scenario])

    def take() -> ReferenceType[LabError]:
        error = LabError("stands for all that a result has")
        result = replace(make(("steps", FAILED, SAY)), error=error)
        repeats.take(result)
        assert repeats.needs(result) == (result.seed == 1)
        return ref(error)

    alive = [take() for _ in range(30)]
    gc.collect()
    assert [each() is not None for each in alive] == [True] + [False] * 29
    (tally,) = repeats.tallies
    assert tally.seeds == list(range(1, MAX_SEEDS + 1))


def test_several_scenarios_are_told_in_their_order_and_summed_up(
    make: Make, scenario: Scenario
) -> None:
    other, unplayed = replace(scenario, name="other"), replace(scenario, name="unplayed")
    repeats = Repeats([other, scenario, unplayed])
    passed = make(("steps", PASSED, None))
    for _ in range(1000):
        repeats.take(passed)
        repeats.take(replace(passed, scenario=other))
    assert progress_line(repeats.outcomes, 82_000) == "2,000 of 82,000 runs: 2,000 passed"
    assert list(conclusion(repeats.tallies)) == [
        "other: passed 1,000 of 1,000",
        "chat/login: passed 1,000 of 1,000",
        "2,000 runs of 2 scenarios: 0 verdicts varied",
    ]
    (_, tally) = repeats.tallies
    assert last_line([tallied([passed])]) == "1 run of 1 scenario: 0 verdicts varied"
    repeats.take(make(("steps", UNKNOWN, None)))
    assert last_line([tally]) == "1,001 runs of 1 scenario: 1 verdict varied"


def test_the_seeds_of_the_runs_that_failed_are_told_where_the_network_draws(
    make: Make,
) -> None:
    results = [make(("steps", FAILED, SAY)) for _ in range(MAX_SEEDS + 2)]
    assert not any("seed" in line for line in tally_lines(tallied(results)))
    bench = Bench(Path("with-wire"))
    lossy = bench.load(f"{SCENARIO}  - wire: {{from: u1, drop: 1}}\n")
    results = [replace(result, scenario=lossy) for result in results]
    assert "   seeds of the runs that did not pass: 1, 2, 3" in list(
        tally_lines(tallied(results[:3]))
    )
    assert list(tally_lines(tallied(results)))[-1].endswith(" 19, 20, and 2 more")
    same = [replace(result, seed=7) for result in results]
    assert list(tally_lines(tallied(same)))[-1] == "   the seed was 7 in all of them"


def test_a_run_that_passed_and_one_that_failed_are_compared(
    tmp_path: Path, scenario: Scenario
) -> None:
    bench = Bench(tmp_path / "bench")
    begun: list[FakeNode] = []

    def moody(node: FakeNode) -> Running:
        begun.append(node)
        if len(begun) == 2:
            node.show("Go away!\n")
            return 1
        return (yield from chat(node))

    bench.programs["chat"] = moody
    tally = tallied([play(scenario, bench.backend(), Path("runs")) for _ in range(3)])
    told = list(tally_lines(tally))
    assert told[:2] == [
        "chat/login: passed 2 of 3, failed 1",
        "   fails sometimes: look at the first divergence",
    ]
    assert "   step 1 (u1: login) did not pass in 1 of 3" in told
    place = next(index for index, line in enumerate(told) if line.startswith("   A: runs/chat/"))
    assert told[place + 1].startswith("   B: runs/chat/login/")
    assert told[place + 2] == "   first divergence: u1, before the first step"
    assert told[-2].endswith(' s  printed "Name: "')
    assert told[-1].endswith(r' s  printed "Go away!\n"')

    (told_as_json,) = as_json([tally])
    divergence = told_as_json.pop("divergence")
    assert (divergence["node"], divergence["b"]["text"]) == ("u1", "Go away!\n")
    assert tally.pair is not None
    assert told_as_json == {
        "name": "chat/login",
        "runs": 3,
        "passed": 2,
        "failed": 1,
        "unknown": 0,
        "varied": True,
        "says": "unlucky",
        "causes": [
            {"what": "step 1 (u1: login)", "runs": 1},
        ],
        "seeds": [tally.pair[1].seed],
        "a": str(tally.pair[0].evidence),
        "b": str(tally.pair[1].evidence),
    }
