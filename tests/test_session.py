import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from peerlab.checks.result import Result
from peerlab.errors import MachineUnfit
from peerlab.evidence.journal import Event, Kind
from peerlab.play import play
from peerlab.scenario.model import Scenario
from peerlab.session import Interrupted, PlayOne, play_all
from tests.support.bench import Bench
from tests.support.fake import FakeBackend, FakeNode, Running

LOGIN = "title: Login\nnodes: {u1: chat}\nsteps: [{u1: login}]\n"
WAITS = "title: Waits\nnodes: {u1: chat}\nsteps: [{u1: {expect: never, within: 60s}}]\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def play_them(
    bench: Bench,
    scenarios: list[Scenario],
    done: Callable[[Result], None],
    *,
    jobs: int = 1,
    observer: Callable[[Scenario, Event], None] | None = None,
) -> list[Result]:
    backend = bench.backend()
    try:
        return play_all(scenarios, player(backend, bench, observer), jobs=jobs, done=done)
    finally:
        assert backend.left == 0


def player(
    backend: FakeBackend, bench: Bench, observer: Callable[[Scenario, Event], None] | None = None
) -> PlayOne:
    return lambda scenario, stop: play(scenario, backend, bench.out, observer=observer, stop=stop)


def test_results_are_told_as_they_come_and_returned_in_order(bench: Bench) -> None:
    scenarios = [bench.load(LOGIN, name) for name in ("a", "b", "c")]
    told: list[Result] = []
    results = play_them(bench, scenarios, told.append, jobs=2)
    assert [result.scenario.name for result in results] == ["a", "b", "c"]
    assert sorted(result.scenario.name for result in told) == ["a", "b", "c"]
    assert {result.verdict.outcome.value for result in results} == {"passed"}


def test_as_many_runs_as_jobs_are_under_way_at_the_same_time(bench: Bench) -> None:
    together = threading.Barrier(2, timeout=20)

    def meets(node: FakeNode) -> Running:
        together.wait()
        node.show("met")
        yield
        return 0

    bench.program("meets", meets)
    text = "title: Meet\nnodes: {u1: meets}\nsteps: [{u1: {expect: met}}]\n"
    scenarios = [bench.load(text, name) for name in ("a", "b")]
    results = play_them(bench, scenarios, lambda _result: None, jobs=2)
    assert {result.verdict.outcome.value for result in results} == {"passed"}


def test_the_same_scenario_can_be_played_several_times_at_once(bench: Bench) -> None:
    scenario = bench.load(LOGIN)
    results = play_them(bench, [scenario] * 4, lambda _result: None, jobs=4)
    assert len({result.evidence for result in results}) == 4


def test_a_machine_that_cannot_run_it_ends_the_session(bench: Bench) -> None:
    backend = FakeBackend(bench.programs, refuses=MachineUnfit("no engine"))
    scenarios = [bench.load(LOGIN, name) for name in ("a", "b")]
    told: list[Result] = []
    with pytest.raises(MachineUnfit):
        play_all(scenarios, player(backend, bench), jobs=1, done=told.append)
    assert told == []


def test_ctrl_c_ends_every_run_and_tells_the_results_of_all_that_began(bench: Bench) -> None:
    told: dict[str, bool] = {}
    waiting = threading.Event()

    def observe(scenario: Scenario, event: Event) -> None:
        if scenario.name == "b" and event.kind is Kind.STEP:
            waiting.set()

    def done(result: Result) -> None:
        told[result.scenario.name] = result.interrupted
        if result.scenario.name == "a":
            # Ctrl-C comes while the main thread waits; here it waits for the second run.
            assert waiting.wait(20)
            raise KeyboardInterrupt

    scenarios = [bench.load(LOGIN, "a"), bench.load(WAITS, "b"), bench.load(LOGIN, "c")]
    with pytest.raises(Interrupted):
        play_them(bench, scenarios, done, observer=observe)
    assert told == {"a": False, "b": True}
    assert not (bench.out / "c").exists()
