"""The plain report: one line a run, then what was found where a run did not pass."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.reading import Evidence
from peerlab.report.account import earned_of, points_of, points_shown, proof_title
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
        points_of(result.verdict),
        shown_path(evidence or result.evidence),
    ]
    return "  ".join(filter(None, parts))


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
            points = points_shown(check.points, earned_of(result.verdict, check))
            yield f"   {points} points: {escape_line(check.shown)}"
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
        yield f"      {proof_title(finding)}:"
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
