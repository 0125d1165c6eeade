"""Results as one JSON object, for programs. `docs/results.schema.json` says what is in it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome, worst
from peerlab.compare.repeats import Tally
from peerlab.errors import PeerlabError
from peerlab.report import repeats
from peerlab.report.escape import MARK

SCHEMA: Final = 1
"""Goes up when a key goes away or means something else."""
_STEERING: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""DEL, C1, separators and bidirectional controls: JSON itself escapes the other controls alone."""


def as_json(
    results: Sequence[Result],
    error: PeerlabError | None = None,
    *,
    tallies: Sequence[Tally] = (),
) -> str:
    """All runs as one object, what kept others from being played, and what varied of many."""
    told: dict[str, Any] = {"schema": SCHEMA}
    if error is not None:
        told["error"] = str(error)
    told["outcome"] = overall(results, error).value
    told["scenarios"] = [_of_run(result) for result in results]
    if tallies:
        told["repeats"] = repeats.as_json(tallies)
    return json_text(told)


def overall(results: Sequence[Result], error: PeerlabError | None) -> Outcome:
    """The outcome of all runs; never passed where others could not be played."""
    outcomes = [result.verdict.outcome for result in results]
    return worst([*outcomes, Outcome.UNKNOWN] if error is not None else outcomes)


def json_text(told: Mapping[str, Any]) -> str:
    """An object in one line, readable in any language; what steers a terminal is escaped."""
    text = json.dumps(told, ensure_ascii=False, allow_nan=False)
    return _STEERING.sub(_escaped, MARK.sub(r"\\u0023", text)) + "\n"


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _of_run(result: Result) -> dict[str, Any]:
    return {
        "name": result.scenario.name,
        "title": result.scenario.title,
        "backend": result.backend,
        "began": None if result.began is None else result.began.isoformat(),
        "seconds": round(result.seconds, 3),
        "seed": result.seed,
        "evidence": str(result.evidence),
        "submission": result.submission,
        "error": None if result.error is None else str(result.error),
        "interrupted": result.interrupted,
        **result.verdict.as_dict(),
    }
