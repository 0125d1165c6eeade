"""Commands that compare runs, and pack them to be compared elsewhere: diff, pack."""

import json
from pathlib import Path
from typing import Any

import click

from peerlab.cli.common import FoundRun, evidence_folders, reports_errors
from peerlab.compare.divergence import NotComparable, Played, compare
from peerlab.errors import ExitStatus, UsageError
from peerlab.evidence.journal import Kind
from peerlab.evidence.pack import pack as pack_folder
from peerlab.evidence.reading import Evidence
from peerlab.recorded import recorded_scenario
from peerlab.report.divergence import as_json, divergence_lines
from peerlab.report.text import shown_path


@click.command()
@click.argument("one", metavar="A", type=click.Path(path_type=Path))
@click.argument("other", metavar="B", type=click.Path(path_type=Path))
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object and nothing else.")
@reports_errors
def diff(*, one: Path, other: Path, as_object: bool) -> ExitStatus:
    """Show where two runs of one scenario first went apart: folders below runs/, or packed ones.

    Exit status: 0 they are the same, 1 they are not, 2 they cannot be compared.
    """
    with evidence_folders([one]) as ones, evidence_folders([other]) as others:
        runs = [_only(one, ones), _only(other, others)]
        try:
            found = compare(*(_played(run) for run in runs))
        except NotComparable as error:
            if as_object:
                click.echo(json.dumps({"outcome": "not comparable", "error": str(error)}))
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"a journal has an event that tells less than it must: {error!r}"
            raise UsageError(message, hint="compare runs as peerlab has written them") from error
    if as_object:
        told: dict[str, Any] = {
            "outcome": "same" if found is None else "different",
            "a": str(runs[0].origin),
            "b": str(runs[1].origin),
            "divergence": None if found is None else as_json(found),
        }
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for name, run in zip("AB", runs, strict=True):
            click.echo(f"{name}: {shown_path(run.origin)}")
        lines = ["the same"] if found is None else list(divergence_lines(found))
        click.echo("\n".join(lines))
    return ExitStatus.PASSED if found is None else ExitStatus.FAILED


@click.command()
@click.argument("folder", metavar="EVIDENCE", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The file to write.")
@reports_errors
def pack(*, folder: Path, out: Path | None) -> ExitStatus:
    """Pack the evidence of a run into one file, for check, report and diff elsewhere.

    The file is called after the run unless --out says otherwise.
    """
    file = Path(f"{folder.resolve().name}.zip") if out is None else out
    for path in pack_folder(folder, file):
        click.echo(f"left out, since it is no file: {shown_path(path)}", err=True)
    click.echo(shown_path(file))
    return ExitStatus.PASSED


def _only(path: Path, runs: list[FoundRun]) -> FoundRun:
    if len(runs) > 1:
        hint = f"name one of them, such as {shown_path(runs[-1].origin)}"
        raise UsageError(f"there are {len(runs)} runs in {path}", hint=hint)
    return runs[0]


def _played(run: FoundRun) -> Played:
    evidence = Evidence(run.folder)
    if not evidence.journal or evidence.journal[0].kind is not Kind.RUN:
        raise UsageError(f"{run.origin} is not the evidence of a run: its journal does not begin")
    return Played(evidence.journal, recorded_scenario(evidence))
