"""Which of several runs of a scenario counts: the worst one."""

from collections.abc import Sequence
from typing import Final

from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome

_ORDER: Final = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED)


def worst_run(runs: Sequence[Result]) -> Result:
    """The first of the worst: one that nobody can judge, then one that earned least."""
    return min(runs, key=_rank)


def _rank(result: Result) -> tuple[bool, float, int]:
    """Lower is worse: what nobody can say, then the points, then the outcome."""
    earned = result.verdict.earned
    undecided = earned is None and result.verdict.points is not None
    return not undecided, earned or 0.0, _ORDER.index(result.verdict.outcome)
