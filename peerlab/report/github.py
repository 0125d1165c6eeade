"""Results as commands of GitHub's workflows: notes at the lines of the scenarios.

The form and its escapes are those of actions/toolkit, packages/core/src/command.ts. GitHub
shows ten errors and ten warnings of a step (docs/problem-matchers.md there), the first ones.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Judged, Outcome
from peerlab.errors import PeerlabError
from peerlab.report.account import (
    UNTRUSTED,
    account_of_error,
    account_of_finding,
    run_name,
    sentence,
)
from peerlab.report.text import shown_path

MOST_SHOWN: Final = 10
"""Errors of a step that GitHub shows, and as many warnings."""

_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = _DATA | {":": "%3A", ",": "%2C"}

_Note = tuple[dict[str, str], str]
"""Where a note belongs and what is its title, and its message."""


def as_github(results: Sequence[Result], error: PeerlabError | None = None) -> str:
    """An error for each finding that failed, a warning for each of which nobody can say."""
    notes: dict[Outcome, list[_Note]] = {Outcome.FAILED: [], Outcome.UNKNOWN: []}
    if error is not None:
        notes[Outcome.FAILED].append(({"title": "peerlab"}, account_of_error(error)))
    for result in results:
        for outcome, note in _of_run(result):
            notes[outcome].append(note)
    lines = [
        *_commands("error", notes[Outcome.FAILED]),
        *_commands("warning", notes[Outcome.UNKNOWN]),
    ]
    return "".join(f"{line}\n" for line in lines)


def _of_run(result: Result) -> Iterator[tuple[Outcome, _Note]]:
    trusted = result.verdict.trusted
    for check in result.verdict.checks:
        for finding in check.findings:
            if finding.outcome is Outcome.PASSED:
                continue
            outcome = finding.outcome if trusted else Outcome.UNKNOWN
            text = account_of_finding(finding)
            told = text if trusted else f"{UNTRUSTED}; {text}"
            yield outcome, (_place(result, check, finding), told)


def _place(result: Result, check: Judged, finding: Finding) -> dict[str, str]:
    place = {"file": shown_path(result.scenario.path)}
    where = finding.where or check.where
    if where is not None:
        place |= {"line": str(where[0]), "col": str(where[1])}
    return place | {"title": f"{run_name(result)}: {sentence(check.shown)}"}


def _commands(name: str, notes: Sequence[_Note]) -> Iterator[str]:
    shown = notes[:MOST_SHOWN]
    for number, (place, message) in enumerate(shown, start=1):
        left = len(notes) - number if number == len(shown) else 0
        told = f"{message}\n(and {left} more that GitHub does not show)" if left else message
        told = "".join(_DATA.get(char, char) for char in told)
        properties = ",".join(
            f"{key}={''.join(_PROPERTY.get(char, char) for char in value)}"
            for key, value in place.items()
        )
        yield f"::{name} {properties}::{told}"
