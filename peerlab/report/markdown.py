"""Results as Markdown, for a job's summary: a table of the runs, then what did not pass.

Foreign text stands in code alone, where neither GitHub nor CommonMark takes anything in it for a
link, an image, a mention or HTML (https://spec.commonmark.org/0.31.2/#code-spans).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome
from peerlab.errors import PeerlabError
from peerlab.report.account import (
    account,
    account_of_error,
    outcome_of,
    points_shown,
    run_name,
    sentence,
)
from peerlab.report.results import overall
from peerlab.report.text import shown_path

MOST_BYTES: Final = 900_000
"""Where no more is told of single runs: GitHub takes 1 MiB for a step."""


def as_markdown(results: Sequence[Result], error: PeerlabError | None = None) -> str:
    """A table of all runs, and what was found where a run did not pass."""
    text = f"## peerlab: {overall(results, error).value}\n"
    if error is not None:
        text += f"\nNot everything was played:\n\n{_block(account_of_error(error))}\n"
    if results:
        rows = "".join(_row(result) for result in results)
        text += f"\n| scenario | outcome | points | seconds |\n|---|---|---|---:|\n{rows}"
    wrong = [result for result in results if result.verdict.outcome is not Outcome.PASSED]
    size = len(text.encode())
    for number, result in enumerate(wrong):
        section = "".join(f"\n{part}\n" for part in _section(result))
        size += len(section.encode())
        if size > MOST_BYTES:
            return f"{text}\nOf {len(wrong) - number} more, see the evidence.\n"
        text += section
    return text


def _row(result: Result) -> str:
    # A bar would end the cell, even in code.
    name = _code(run_name(result).replace("|", r"\x7c"))
    outcome = result.verdict.outcome.value
    points = points_shown(result.verdict.points, result.verdict.earned)
    return f"| {name} | {outcome} | {points} | {result.seconds:.1f} |\n"


def _section(result: Result) -> Iterator[str]:
    yield f"### {result.verdict.outcome.value}: {_code(run_name(result))}"
    for check in result.verdict.checks:
        outcome = outcome_of(result.verdict, check)
        if outcome is not Outcome.PASSED:
            yield f"{outcome.value}: {_code(sentence(check.shown))}"
            yield _block(account(result.verdict, check))
    if result.error is not None:
        yield "The lab broke:"
        yield _block(account_of_error(result.error))
    yield f"evidence: {_code(shown_path(result.evidence))}, seed {result.seed}"


def _code(line: str) -> str:
    """A line of foreign text as code. One blank at each end goes away again when it is shown."""
    fence = "`" * (_longest_run(line) + 1)
    return f"{fence} {line} {fence}"


def _block(text: str) -> str:
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
