"""What came of one run: what reports tell, of a run just played as of one found on disk."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from peerlab.checks.verdict import Verdict
from peerlab.errors import PeerlabError
from peerlab.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run.

    Attributes:
        error: what broke the lab, if it broke; the verdict is unknown then, at best.
        interrupted: the run was ended early by `Stop`.
        seed: where chance started on the network.
        submission: whose program was played, where somebody's was.
        began: when it began, if that is known.
    """

    scenario: Scenario
    backend: str
    verdict: Verdict
    evidence: Path
    seconds: float
    error: PeerlabError | None = None
    interrupted: bool = False
    seed: int = 0
    submission: str | None = None
    began: datetime | None = None
