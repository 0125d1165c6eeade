"""What `peerlab run` tells and keeps of its runs: of many runs little of each, and what varied."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from typing import Final

import click

from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome
from peerlab.compare.repeats import Repeats, Tally
from peerlab.evidence.folder import remove_run
from peerlab.report import repeats as report
from peerlab.report import text
from peerlab.scenario.model import Scenario

EVERY: Final = 30.0
"""Seconds after which it is told again how far a session of many runs has come."""


class Telling:
    """Takes in the results of a session as they come, and tells people about them."""

    def __init__(
        self,
        times: int,
        *,
        quiet: bool,
        discard_passed: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Tell of scenarios that are played so many times each.

        Args:
            times: how often each scenario is played.
            quiet: whether nothing is told to people.
            discard_passed: whether the evidence of runs that passed is removed, but for the first
                of each scenario: others may have to be compared with it.
            clock: gives seconds.
        """
        self._times = times
        self._quiet = quiet
        self._discard_passed = discard_passed
        self._clock = clock
        self._began = self._last = clock()
        self._say: Callable[[str], None] = click.echo
        self._total = 0
        self._repeats = Repeats()

    def begin(
        self, scenarios: Sequence[Scenario], say: Callable[[str], None]
    ) -> Iterator[Scenario]:
        """All runs to be played, round by round; `say` prints while they are under way."""
        self._repeats = Repeats(scenarios)
        self._total = self._times * len(scenarios)
        self._say = say
        return chain.from_iterable(repeat(scenarios, self._times))

    def done(self, result: Result) -> None:
        """Take in a result; nothing is kept of it that is not needed later."""
        is_new = self._repeats.take(result)
        if not self._quiet:
            self._tell(result, is_new=is_new)
        passed = result.verdict.outcome is Outcome.PASSED
        if self._discard_passed and passed and not self._repeats.needs(result):
            remove_run(result.evidence)

    @property
    def results(self) -> list[Result]:
        """One result for each scenario that was played: the first of the worst."""
        return self._repeats.results

    @property
    def tallies(self) -> Sequence[Tally]:
        """What came of each scenario, where each was played several times."""
        return self._repeats.tallies if self._times > 1 else ()

    def conclude(self) -> None:
        """Tell what came of all of them together."""
        if self._times > 1:
            click.echo("\n".join(report.conclusion(self._repeats.tallies)))
        elif len(self.results) > 1:
            click.echo(text.summary(self.results, self._clock() - self._began))

    def _tell(self, result: Result, *, is_new: bool) -> None:
        """Tell a result; of many only those that did not pass, each way to fail explained once."""
        if self._times == 1 or result.verdict.outcome is not Outcome.PASSED:
            why = text.explanation(result) if is_new else ()
            self._say("\n".join([text.run_line(result), *why]))
        now = self._clock()
        if self._times > 1 and now - self._last >= EVERY:
            self._last = now
            self._say(report.progress_line(self._repeats.outcomes, self._total))
