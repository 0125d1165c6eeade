import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import ReferenceType, ref

import pytest

from peerlab.checks.result import Result
from peerlab.errors import LabError, MachineUnfit
from peerlab.evidence.journal import Event, Kind
from peerlab.play import Stop, play
from peerlab.scenario.model import Scenario
from peerlab.session import Interrupted, PlayOne, play_all
from tests.support.bench import Bench
from tests.support.fake import FakeBackend, FakeNode, Running
from tests.support.journals import verdict

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
) -> None:
    backend = bench.backend()
    try:
        play_all(scenarios, player(backend, bench, observer), jobs=jobs, done=done)
    finally:
        assert backend.left == 0


def player(
    backend: FakeBackend, bench: Bench, observer: Callable[[Scenario, Event], None] | None = None
) -> PlayOne:
    return lambda scenario, stop: play(scenario, backend, bench.out, observer=observer, stop=stop)


def test_every_result_is_told_once(bench: Bench) -> None:
    scenarios = [bench.load(LOGIN, name) for name in ("a", "b", "c")]
    told: list[Result] = []
    play_them(bench, scenarios, told.append, jobs=2)
    assert sorted(result.scenario.name for result in told) == ["a", "b", "c"]
    assert {result.verdict.outcome.value for result in told} == {"passed"}


def test_no_result_and_no_scenario_is_kept_by_those_who_play(bench: Bench) -> None:
    scenario = bench.load(LOGIN)
    alive: list[ReferenceType[LabError]] = []
    most = begun = 0

    def coming() -> Iterator[Scenario]:
        nonlocal begun
        for _ in range(50):
            begun += 1
            yield scenario

    def play_one(scenario: Scenario, _stop: Stop) -> Result:
        error = LabError("stands for all that a result has")
        alive.append(ref(error))
        return Result(scenario, "fake", verdict(), bench.out, 0.0, error)

    def done(result: Result) -> None:
        nonlocal most
        del result
        gc.collect()
        most = max(most, sum(each() is not None for each in alive))
        assert begun - len(told) <= 4
        told.append(None)

    told: list[None] = []
    play_all(coming(), play_one, jobs=2, done=done)
    assert len(told) == 50
    assert most <= 5


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
    told: list[Result] = []
    play_them(bench, scenarios, told.append, jobs=2)
    assert [result.verdict.outcome.value for result in told] == ["passed", "passed"]


def test_the_same_scenario_can_be_played_several_times_at_once(bench: Bench) -> None:
    scenario = bench.load(LOGIN)
    told: list[Result] = []
    play_them(bench, [scenario] * 4, told.append, jobs=4)
    assert len({result.evidence for result in told}) == 4


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
