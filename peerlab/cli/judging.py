"""Commands about evidence: check."""

from collections.abc import Sequence
from pathlib import Path

import click

from peerlab.checks.result import Result
from peerlab.cli.common import WRITE, reports_errors, status_of, targets_of
from peerlab.errors import ExitStatus, PeerlabError
from peerlab.recorded import judge_recorded
from peerlab.report import text

EVIDENCE = click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EVIDENCE..."
)


@click.command()
@EVIDENCE
@WRITE
@reports_errors
def check(*, folders: Sequence[Path], targets: Sequence[str]) -> ExitStatus:
    """Judge runs again, from the evidence that they left: folders below runs/."""
    written = targets_of(targets)
    results: list[Result] = []
    try:
        for folder in folders:
            results.append(judge_recorded(folder))
            if not written.quiet:
                click.echo("\n".join([text.run_line(results[-1]), *text.explanation(results[-1])]))
    except PeerlabError as error:
        written.write(results, error)
        raise
    written.write(results, None)
    return status_of(results)
