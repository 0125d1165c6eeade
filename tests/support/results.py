"""Made-up results of runs that never were."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict
from peerlab.errors import PeerlabError
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.support.programs import CHAT_FILE

PASSED, FAILED, UNKNOWN = Outcome


def check(
    outcome: Outcome = PASSED,
    *,
    name: str = "exits",
    message: str = "it is so",
    points: float | None = None,
    where: tuple[int, int] | None = (7, 5),
    **more: object,
) -> Judged:
    """A check with one finding."""
    finding = Finding(name, outcome, message, "u1", where)
    return replace(Judged(name, f"{name}: {{u1: 0}}", (finding,), where, None, points), **more)  # type: ignore[arg-type]


def hostile(text: str, outcome: Outcome = FAILED) -> Judged:
    """A check in which everything is this text."""
    finding = Finding("log", outcome, text, text, (7, 5), text, (text, text))
    return Judged("log", text, (finding,), (7, 5), text, 2.0)


class Results:
    """Makes results in a directory, which has to be the current one."""

    def __init__(self, directory: Path) -> None:
        program = directory / "chat.yaml"
        program.write_text(CHAT_FILE)
        path = directory / "scenarios" / "login.yaml"
        path.parent.mkdir()
        path.write_text("title: Login\nnodes: {u1: chat}\nsteps: [{u1: login}]\n")
        self.scenario: Scenario = load_scenario(path, programs={"chat": program})

    def made(
        self,
        *checks: Judged,
        name: str = "login",
        submission: str | None = None,
        evidence: str = "runs/login/run-1",
        error: PeerlabError | None = None,
        trusted: bool = True,
    ) -> Result:
        """A result with these checks."""
        return Result(
            replace(self.scenario, name=name),
            "fake",
            Verdict(checks, trusted=trusted),
            Path(evidence),
            1.25,
            error,
            seed=42,
            submission=submission,
            began=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        )

    def of(self, outcomes: Sequence[Outcome]) -> Result:
        """A result with a check of each outcome."""
        return self.made(*(check(outcome) for outcome in outcomes))
