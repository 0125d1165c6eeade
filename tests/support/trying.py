"""Playing until there is a verdict: on a busy machine the network may not be the one asked for."""

from functools import partial
from pathlib import Path
from typing import Final

from peerlab.backend.base import Backend
from peerlab.checks.result import Result
from peerlab.play import Observer, play
from peerlab.scenario.model import Scenario

_TRIES: Final = 3


def play_until_judged(
    scenario: Scenario,
    backend: Backend,
    out: Path,
    *,
    observer: Observer | None = None,
    captures: bool = False,
    seed: int | None = None,
) -> Result:
    """Play a scenario, and again if what came of it says nothing about the programs."""
    once = partial(play, scenario, backend, out, observer=observer, captures=captures, seed=seed)
    for _ in range(_TRIES - 1):
        result = once()
        if result.verdict.trusted:
            return result
    return once()
