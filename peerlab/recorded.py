"""Judges a run again from what it left behind: on any machine, without an engine or a network."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from peerlab.checks.judge import judge
from peerlab.checks.result import Result
from peerlab.errors import UsageError
from peerlab.evidence.folder import JOURNAL, PROGRAMS, SCENARIO
from peerlab.evidence.journal import Event, Kind, read_journal
from peerlab.evidence.reading import Evidence
from peerlab.scenario.load import load_recorded
from peerlab.scenario.model import Scenario


def judge_recorded(folder: Path) -> Result:
    """Judge the run that left this folder, as `judge_evidence` does."""
    return judge_evidence(Evidence(folder))


def judge_evidence(evidence: Evidence) -> Result:
    """Judge the run that left this evidence.

    Raises:
        UsageError: its folder is not that of a run, or lacks what its verdict needs.
        ScenarioError: the scenario in it is not one, or of another time.
    """
    folder = evidence.path
    about = evidence.journal[0] if evidence.journal else None
    if about is None or about.kind is not Kind.RUN:
        raise UsageError(f"{folder} is not the evidence of a run: its journal does not begin")
    return Result(
        scenario := recorded_scenario(evidence),
        str(about.detail["backend"]),
        judge(evidence, scenario),
        folder,
        evidence.journal[-1].at,
        seed=int(about.detail.get("seed", 0)),
        submission=_submission(about),
        began=_moment(str(about.detail.get("began"))),
    )


def submission_of(folder: Path) -> str | None:
    """Whose program was played in a run that cannot be judged, if its journal still tells that."""
    try:
        first = next(read_journal(folder / JOURNAL), None)
    except (OSError, ValueError):
        return None
    return None if first is None else _submission(first)


def recorded_scenario(evidence: Evidence) -> Scenario:
    """The scenario that was played, as the folder has it, under the name that it had.

    Raises:
        ScenarioError: the scenario in the folder is not one, or of another time.
    """
    programs = {path.stem: path for path in sorted((evidence.path / PROGRAMS).glob("*.yaml"))}
    about = evidence.journal[0].detail
    scenario = load_recorded(evidence.path / SCENARIO, programs=programs)
    name = str(about["scenario"])
    return replace(scenario, name=name, path=Path(about.get("file", f"{name}.yaml")))


def _submission(about: Event) -> str | None:
    submission = about.detail.get("submission")
    return None if submission is None else str(submission)


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None
