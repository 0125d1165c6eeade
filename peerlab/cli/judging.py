"""Commands about evidence: check."""

from collections.abc import Sequence
from pathlib import Path

import click

from peerlab.cli.common import reports_errors, status_of
from peerlab.errors import ExitStatus
from peerlab.recorded import judge_recorded
from peerlab.report import text

EVIDENCE = click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EVIDENCE..."
)


@click.command()
@EVIDENCE
@reports_errors
def check(*, folders: Sequence[Path]) -> ExitStatus:
    """Judge runs again, from the evidence that they left: folders below runs/."""
    results = [judge_recorded(folder) for folder in folders]
    for result in results:
        click.echo("\n".join([text.run_line(result), *text.explanation(result)]))
    return status_of(results)
