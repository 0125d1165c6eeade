"""Playing until there is a verdict: on a busy machine the network may not be the one asked for."""

from functools import partial
from pathlib import Path
from typing import Final

from peerlab.backend.base import Backend
from peerlab.checks import wire
from peerlab.checks.result import Result
from peerlab.play import play
from peerlab.scenario.model import Scenario

LATE: Final = "this machine is too busy"
"""What is said where the wire was late in the run."""
_BUSY: Final = ("the wire stood still", "the wire does not do what", LATE)
"""The same, and where it did not come along at all, in the run or when it was tried before it."""


def play_until_judged(  # noqa: PLR0913 - what is asked of the run, and of its verdict
    scenario: Scenario,
    backend: Backend,
    out: Path,
    *,
    captures: bool = False,
    seed: int | None = None,
    late_matters: bool = True,
    tries: int = 3,
) -> Result:
    """Play a scenario, and again if the machine was too busy for a verdict.

    Where being late does not matter it is no reason to play again. What else is wrong with the
    wire is a verdict on the lab, and not played away.
    """
    once = partial(play, scenario, backend, out, captures=captures, seed=seed)
    for _ in range(tries - 1):
        result = once()
        wrong = [
            each.message
            for each in result.verdict.findings
            if each.check == wire.NAME and (late_matters or LATE not in each.message)
        ]
        if not wrong or not all(any(sign in each for sign in _BUSY) for each in wrong):
            return result
        print(f"played again, since {wrong[0]}")  # noqa: T201 - shown with a failure
    return once()
