"""Counts what came of many runs of the same scenarios, and keeps as little of each as it takes.

What separates wrong from unlucky: a program that is wrong fails in every run, and in the same way.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from peerlab.checks.result import Result
from peerlab.checks.steps import NAME as STEPS
from peerlab.checks.verdict import Outcome
from peerlab.compare.divergence import Divergence, Played, compare
from peerlab.evidence.reading import Evidence
from peerlab.scenario.model import Scenario, Together

MAX_SEEDS: Final = 20
"""Seeds of runs that did not pass that are kept for each scenario."""

_SEVERITY: Final = (Outcome.PASSED, Outcome.UNKNOWN, Outcome.FAILED)


class Sample(NamedTuple):
    """Where to look at a run."""

    evidence: Path
    seed: int


class Steadiness(StrEnum):
    """What many runs of one scenario say about it."""

    PASSES = "always passes"
    WRONG = "always fails in the same way: wrong"
    WRONG_SOMEHOW = "always fails, though not in the same way: wrong"
    UNLUCKY = "fails sometimes: look at the first divergence"
    UNJUDGED = "was never judged: this says nothing about the programs"
    UNSTEADY = "could not always be judged: look at the runs that are unknown"


@dataclass(slots=True)
class Tally:
    """What came of all runs of one scenario.

    Attributes:
        scenario: what was played.
        outcomes: how many runs had each outcome; those that were interrupted had none.
        causes: in how many runs each step or check did not pass.
        ways: how often what did not pass in a run was just this.
        seeds: where chance started in the first runs that did not pass.
        first: the first run with each outcome.
        result: the first of the worst results, which speaks for all of them.
    """

    scenario: Scenario
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    ways: Counter[frozenset[str]] = field(default_factory=Counter)
    seeds: list[int] = field(default_factory=list)
    first: dict[Outcome, Sample] = field(default_factory=dict)
    result: Result | None = None

    def take(self, result: Result) -> bool:
        """Count a run; False: it tells nothing that no run before it told."""
        if self.result is None or _severity(result) > _severity(self.result):
            self.result = result
        if result.interrupted:
            return True
        outcome = result.verdict.outcome
        self.outcomes[outcome] += 1
        is_new = outcome not in self.first
        self.first.setdefault(outcome, Sample(result.evidence, result.seed))
        if outcome is not Outcome.PASSED:
            way = frozenset(_causes(result))
            is_new = is_new or way not in self.ways
            self.causes.update(way)
            self.ways[way] += 1
            if len(self.seeds) < MAX_SEEDS:
                self.seeds.append(result.seed)
        return is_new

    @property
    def runs(self) -> int:
        """How many runs were counted."""
        return self.outcomes.total()

    @property
    def varied(self) -> bool:
        """Whether not all runs had the same outcome."""
        return len(self.outcomes) > 1

    @property
    def steadiness(self) -> Steadiness:
        """Whether the programs are wrong or unlucky."""
        if not self.outcomes.keys() - {Outcome.PASSED}:
            return Steadiness.PASSES
        if Outcome.FAILED not in self.outcomes:
            return Steadiness.UNSTEADY if self.varied else Steadiness.UNJUDGED
        if self.varied:
            return Steadiness.UNLUCKY
        return Steadiness.WRONG if len(self.ways) == 1 else Steadiness.WRONG_SOMEHOW

    @property
    def pair(self) -> tuple[Sample, Sample] | None:
        """A run that passed and one that did not, rather failed than unknown."""
        other = self.first.get(Outcome.FAILED) or self.first.get(Outcome.UNKNOWN)
        passed = self.first.get(Outcome.PASSED)
        return None if passed is None or other is None else (passed, other)

    def divergence(self) -> Divergence | None:
        """Where these two first went apart; None: nowhere, or there are no such two.

        Raises:
            UsageError: their evidence is gone.
        """
        if self.pair is None:
            return None
        one, other = (
            Played(Evidence(sample.evidence).journal, self.scenario) for sample in self.pair
        )
        return compare(one, other)


class Repeats:
    """What came of all runs of some scenarios."""

    def __init__(self, scenarios: Iterable[Scenario] = ()) -> None:
        self._tallies = {id(scenario): Tally(scenario) for scenario in scenarios}

    def take(self, result: Result) -> bool:
        """Count a run of one of them; False: it tells nothing that no run before it told."""
        return self._tallies[id(result.scenario)].take(result)

    def needs(self, result: Result) -> bool:
        """Whether the evidence of a run is looked at later: it was the first with its outcome."""
        first = self._tallies[id(result.scenario)].first.get(result.verdict.outcome)
        return first is not None and first.evidence == result.evidence

    @property
    def tallies(self) -> list[Tally]:
        """What came of each scenario of which a run was counted, in the order of the scenarios."""
        return [tally for tally in self._tallies.values() if tally.runs]

    @property
    def results(self) -> list[Result]:
        """One result for each scenario that was played: the first of the worst."""
        return [tally.result for tally in self._tallies.values() if tally.result is not None]

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many runs had each outcome."""
        return sum((tally.outcomes for tally in self._tallies.values()), Counter())


def _severity(result: Result) -> tuple[int, bool, bool]:
    """How bad a result is; one that was interrupted is less so, one of a lab that broke more."""
    outcome = _SEVERITY.index(result.verdict.outcome)
    return outcome, not result.interrupted, result.error is not None


def _causes(result: Result) -> Iterator[str]:
    """The steps and checks that did not pass."""
    steps = _steps_by_place(result.scenario)
    for check in result.verdict.checks:
        for found in check.findings:
            if found.outcome is not Outcome.PASSED:
                known = steps.get(found.where) if found.where is not None else None
                is_step = check.name == STEPS and known is not None
                yield known if is_step and known else f"the check {check.shown}"


def _steps_by_place(scenario: Scenario) -> Mapping[tuple[int, int], str]:
    """Each step, with its number, by the line and column where it stands."""
    return {
        (single.span.line, single.span.column): f"step {number} ({single.text})"
        for number, step in enumerate(scenario.steps, start=1)
        for single in (step.steps if isinstance(step, Together) else (step,))
    }
