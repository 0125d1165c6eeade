"""Results of a class as a table (CSV, RFC 4180), for a spreadsheet or a grade book."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome, worst
from peerlab.errors import NotJudged, PeerlabError
from peerlab.report.account import MOST_LINE, bounded
from peerlab.report.escape import escape_line
from peerlab.report.text import shown_path
from peerlab.report.worst import worst_run

_FORMULA: Final = re.compile(r"(^|[,;|])(?=\s*[=+\-@＝＋－＠]|[\t\r])")  # noqa: RUF001
"""Where a spreadsheet would begin to calculate, in a cell or in what it may make cells of.

See https://owasp.org/www-community/attacks/CSV_Injection.
"""


def as_csv(results: Sequence[Result], error: PeerlabError | None = None) -> str:
    """A row for each submission, with points and outcome of each scenario, and all together.

    Of a scenario that was played several times the worst counts. What nobody can say is left empty.
    Submissions that were not judged have rows with the reason. Any other error has a row of its
    own, and then there are no totals: something was not played.
    """
    reasons = dict(error.reasons) if isinstance(error, NotJudged) else {}
    error = None if isinstance(error, NotJudged) else error
    names = list(dict.fromkeys(result.scenario.name for result in results))
    columns = [f"{name} {what}" for name in names for what in ("points", "outcome")]
    worth = [
        max(result.verdict.points or 0.0 for result in results if result.scenario.name == name)
        for name in names
    ]
    most = f"{sum(worth):g}" if results else ""
    rows = [["submission", *columns, "total", "max", "outcome", "error"]]
    for submission, runs in _submissions(results):
        played = [[run for run in runs if run.scenario.name == name] for name in names]
        counting = [worst_run(of_one) if of_one else None for of_one in played]
        cells = [cell for run in counting for cell in _cells(run)]
        earned = [_earned(run) for run in counting]
        known = [points for points in earned if points is not None]
        broken = [str(run.error) for run in runs if run.error is not None]
        broken += [reasons.pop(submission)] if submission in reasons else []
        complete = error is None and len(known) == len(names) and not broken
        total = f"{sum(known):g}" if complete else ""
        outcomes = [Outcome.UNKNOWN if run is None else run.verdict.outcome for run in counting]
        outcome = worst(outcomes if complete else [*outcomes, Outcome.UNKNOWN])
        rows.append([submission, *cells, total, most, outcome.value, "; ".join(broken)])
    others = [*reasons.items(), *([] if error is None else [("", str(error))])]
    for name, reason in others:
        rows.append([name, *("" for _ in columns), "", most, Outcome.UNKNOWN.value, reason])
    return _written(rows)


def _submissions(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """The runs of each submission. One without a name has that of its folder, if it is clear."""
    named: dict[str, list[Result]] = {}
    others: dict[str, list[Result]] = {}
    for result in results:
        if result.submission is None:
            others.setdefault(result.evidence.name, []).append(result)
        else:
            named.setdefault(result.submission, []).append(result)
    yield from named.items()
    for folder, runs in others.items():
        if len({run.scenario.name for run in runs}) == len(runs):
            yield folder, runs
        else:
            yield from ((shown_path(run.evidence), [run]) for run in runs)


def _earned(run: Result | None) -> float | None:
    """Points earned in a scenario; None where nobody can say, 0 where none can be earned."""
    if run is None:
        return None
    return 0.0 if run.verdict.points is None else run.verdict.earned


def _cells(run: Result | None) -> tuple[str, str]:
    if run is None:
        return "", ""
    earned = run.verdict.earned
    return "" if earned is None else f"{earned:g}", run.verdict.outcome.value


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(text: str) -> str:
    """Text as a cell: no formula, whatever a program reads the table with."""
    return escape_line(_FORMULA.sub(r"\1'", bounded(text, MOST_LINE)))
