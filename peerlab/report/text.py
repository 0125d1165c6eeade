"""The plain report: one line a run, then what was found where a run did not pass."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Outcome, Verdict
from peerlab.evidence.reading import Evidence
from peerlab.report.escape import escape, escape_line

TAIL = 6
"""Last lines of each node's transcript shown with a run that did not pass."""


def run_line(result: Result, evidence: Path | None = None) -> str:
    """One run in one line; `evidence` is what people call it if that is another path."""
    parts = [
        f"{result.verdict.outcome.value:7}",
        escape_line(result.scenario.name),
        result.backend,
        f"{result.seconds:.1f} s",
        *([] if result.verdict.points is None else [points(result.verdict)]),
        shown_path(evidence or result.evidence),
    ]
    return "  ".join(parts)


def points(verdict: Verdict) -> str:
    """What was earned of what could be, in words; a question mark where nobody can say."""
    earned = "?" if verdict.earned is None else f"{verdict.earned:g}"
    return f"{earned} of {verdict.points or 0:g} points"


def explanation(result: Result, evidence: Path | None = None) -> Iterator[str]:
    """Why a run did not pass, line by line: findings with their proof, then each node's end.

    `evidence` is what people call its evidence if that is another path.
    """
    if result.verdict.outcome is Outcome.PASSED:
        return
    for check in result.verdict.checks:
        for finding in check.findings:
            if finding.outcome is not Outcome.PASSED:
                yield from _finding(result, finding)
        if check.points is not None:
            earned = "?" if check.earned is None else f"{check.earned:g}"
            yield f"   {earned} of {check.points:g} points: {escape_line(check.shown)}"
    if result.error is not None and result.error.hint is not None:
        yield f"   hint: {escape_line(result.error.hint)}"
    for node in Evidence(result.evidence).nodes.values():
        yield f"   {node.name}, last lines of its transcript:"
        yield from (f"      | {escape(line)}" for line in node.tail(TAIL).splitlines())
    if result.scenario.scripts_network:
        yield f"   `--seed {result.seed}` lets the network decide the same again"
    yield f"   evidence: {shown_path(evidence or result.evidence)}"


def _finding(result: Result, finding: Finding) -> Iterator[str]:
    where = shown_path(result.scenario.path)
    if finding.where is not None:
        where += f":{finding.where[0]}:{finding.where[1]}"
    message = escape_line(finding.message)
    yield f"   {where}: {finding.outcome.value}: {message} [{finding.check}]"
    yield from (f"      {escape_line(sentence)}" for sentence in finding.why)
    if finding.proof:
        said = "since the last match it showed" if finding.check == "steps" else "proof"
        yield f"      {said}:"
        yield from (f"      | {escape(line)}" for line in finding.proof.splitlines())


def summary(results: Sequence[Result], seconds: float) -> str:
    """All runs in one line."""
    return f"{counted(Counter(result.verdict.outcome for result in results))} in {seconds:.1f} s"


def counted(outcomes: Mapping[Outcome, int]) -> str:
    """How many runs had each outcome."""
    counts = [f"{outcomes[each]:,} {each.value}" for each in Outcome if outcomes.get(each)]
    return ", ".join(counts) or "nothing was played"


def shown_path(path: Path) -> str:
    """A path as a person would type it from here."""
    relative = os.path.relpath(path)
    return escape_line(str(path) if relative.startswith("..") else relative)
