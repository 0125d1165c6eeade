"""Commands about evidence: check."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from peerlab.checks.result import Result
from peerlab.cli.common import (
    WRITE,
    about,
    evidence_folders,
    reports_errors,
    status_of,
    targets_of,
    tell,
)
from peerlab.errors import ExitStatus, NotJudged, PeerlabError
from peerlab.evidence.folder import find_runs
from peerlab.evidence.unplayed import find_unplayed
from peerlab.recorded import judge_recorded
from peerlab.report import text

EVIDENCE = click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EVIDENCE..."
)


@click.command()
@EVIDENCE
@WRITE
@reports_errors
def check(*, paths: Sequence[Path], targets: Sequence[str]) -> ExitStatus:
    """Judge runs again, from the evidence that they left: folders below runs/, or packed ones."""
    written = targets_of(targets)
    began = time.monotonic()
    results: list[Result] = []
    reasons: dict[str, str] = {}
    errors: list[PeerlabError] = []
    for path in paths:
        unplayed = find_unplayed(path)
        if unplayed:
            reasons |= unplayed
            errors.append(NotJudged(unplayed))
            tell(errors[-1])
            if not find_runs(path):
                continue
        try:
            results += _judged(path, say=not written.quiet)
        except PeerlabError as error:  # whatever one of a class handed in, the others are judged
            tell(error)
            reasons[str(path)] = str(error)
            errors.append(error)
    written.write(results, NotJudged(reasons) if reasons else None)
    if len(results) > 1 and not written.quiet:
        click.echo(text.summary(results, time.monotonic() - began))
    return errors[0].exit_status if errors else status_of(results)


def _judged(path: Path, *, say: bool) -> Iterator[Result]:
    """Judge every run that a path names, and tell it; what is packed goes by the packed file."""
    with evidence_folders([path]) as found:
        for run in found:
            with about(run):
                result = judge_recorded(run.folder)
            if say:
                why = text.explanation(result, run.origin)
                click.echo("\n".join([text.run_line(result, run.origin), *why]))
            yield replace(result, evidence=run.origin)
