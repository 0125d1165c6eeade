"""Results as Gradescope's `results.json`.

The form is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format.
`score` at the top goes before the scores of the tests, so that a check that is worth nothing may be
shown without one. What could not be judged counts nothing, and says so for a person to look at it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from peerlab.checks.result import Result
from peerlab.checks.verdict import Judged, Outcome
from peerlab.errors import PeerlabError, UsageError
from peerlab.report.account import account, account_of_error, earned_of, outcome_of, sentence
from peerlab.report.results import json_text
from peerlab.report.worst import worst_run

NOT_JUDGED: Final = (
    "This could not be judged, so it counts nothing for now. A person must look at it."
)
FORFEITED: Final = "This was not judged, since a step before it failed: it earns nothing."


def as_gradescope(results: Sequence[Result], error: PeerlabError | None = None) -> str:
    """One test for each check of each run.

    Raises:
        UsageError: the runs are those of several submissions.
    """
    submissions = {result.submission for result in results if result.submission is not None}
    if len(submissions) > 1:
        raise UsageError(
            f"gradescope takes the runs of one submission, got those of {len(submissions)}",
            hint="write csv for a class",
        )
    names = dict.fromkeys(result.scenario.name for result in results)
    results = [
        worst_run([result for result in results if result.scenario.name == name]) for name in names
    ]
    tests = [test for number, result in enumerate(results, 1) for test in _tests(number, result)]
    told = "\n".join(_warnings(results, error))
    return json_text(
        {
            "score": round(sum(test.get("score", 0.0) for test in tests), 2),
            "execution_time": round(sum(result.seconds for result in results), 3),
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "stdout_visibility": "hidden",
            "tests": tests,
        }
        | ({"output": told} if told else {})
    )


def _tests(run: int, result: Result) -> Iterator[dict[str, Any]]:
    for number, check in enumerate(result.verdict.checks, start=1):
        outcome = outcome_of(result.verdict, check)
        text = account(result.verdict, check)
        if outcome is Outcome.UNKNOWN:
            text = f"{FORFEITED if _is_decided(result, check) else NOT_JUDGED}\n{text}"
        yield {
            **_score(result, check),
            "status": "passed" if outcome is Outcome.PASSED else "failed",
            "name": sentence(f"{result.scenario.name}: {check.shown}"),
            "name_format": "text",
            "number": f"{run}.{number}",
            "output": text,
            "output_format": "text",
            "visibility": check.visibility.value,
        }


def _is_decided(result: Result, check: Judged) -> bool:
    """Whether it is known what an unknown check earns: nothing."""
    return check.forfeited and result.verdict.trusted


def _score(result: Result, check: Judged) -> dict[str, float]:
    if check.points is None:
        return {}
    return {"score": earned_of(result.verdict, check) or 0.0, "max_score": check.points}


def _warnings(results: Sequence[Result], error: PeerlabError | None) -> Iterator[str]:
    """What is wrong with the whole; names no check, since it may be hidden."""
    if error is not None:
        yield f"Not everything was played. A person must look at it: {account_of_error(error)}"
    for result in results:
        undecided = [
            check
            for check in result.verdict.checks
            if outcome_of(result.verdict, check) is Outcome.UNKNOWN
            and not _is_decided(result, check)
        ]
        if undecided or not result.verdict.checks:
            yield f"{sentence(result.scenario.name)}: {NOT_JUDGED}"
    if not any(result.verdict.points for result in results):
        known = results and error is None
        yield "No check is worth points." if known else "It is not known what there is to earn."
