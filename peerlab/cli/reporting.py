"""Commands that write pages: report."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from peerlab.checks.result import Result
from peerlab.cli.common import FoundRun, Voice, about, evidence_folders, reports_errors
from peerlab.cli.judging import EVIDENCE
from peerlab.errors import ExitStatus, PeerlabError, UsageError
from peerlab.evidence.reading import Evidence
from peerlab.recorded import judge_evidence
from peerlab.report.text import shown_path


@click.command()
@EVIDENCE
@click.option("--out", type=click.Path(path_type=Path), help="Where the page of one run goes.")
@click.option("--index", type=click.Path(path_type=Path), help="Where the page of all runs goes.")
@reports_errors
def report(*, paths: Sequence[Path], out: Path | None, index: Path | None) -> ExitStatus:
    """Write a page to look at for each run, and one of all runs where there are several.

    EVIDENCE is the folder of a run, a file made by `peerlab pack`, or a directory with such folders
    somewhere below it. Each page is the file report.html in the folder of its run, or stands beside
    the packed file; that of all is index.html above them.
    """
    from peerlab.report.html import INDEX, write_index  # noqa: PLC0415 - needs templates

    voice = Voice()
    pages: list[tuple[Result, Path]] = []
    errors: list[PeerlabError] = []
    with evidence_folders(paths) as runs:
        if out is not None and len(runs) > 1:
            raise UsageError(
                f"--out is for the page of one run, and there are {len(runs)}",
                hint="leave it out: each page goes to its run; --index names that of all",
            )
        for run in runs:
            page = out or _page_of(run)
            try:
                pages.append((_reported(run, page), page))
                voice.say(shown_path(page))
            except PeerlabError as error:  # one that is broken, or of another time
                errors.append(error)
    if pages and (len(runs) > 1 or index is not None):
        file = index or _common([run.origin for run in runs]) / INDEX
        write_index(pages, file)
        voice.say(shown_path(file))
    if len(runs) == 1 and errors:
        raise errors[0]
    if errors:
        told = "\n".join(str(error) for error in errors)
        raise UsageError(f"{len(errors)} of {len(runs)} runs have no page:\n{told}")
    if voice.unheard is not None:
        raise voice.unheard
    return ExitStatus.PASSED


def write_pages(results: Sequence[Result], out: Path) -> None:
    """Write the page of each run that was just played, and that of all if there are several."""
    from peerlab.report.html import INDEX, REPORT, write_index, write_report  # noqa: PLC0415

    pages = [(result, result.evidence / REPORT) for result in results]
    for result, page in pages:
        write_report(result, page)
        click.echo(shown_path(page), err=True)
    if len(pages) > 1:
        write_index(pages, out / INDEX)
        click.echo(shown_path(out / INDEX), err=True)


def _reported(run: FoundRun, page: Path) -> Result:
    """Judge a run and write its page."""
    from peerlab.report.html import write_report  # noqa: PLC0415 - needs templates

    with about(run):
        if os.path.lexists(page) and page.parent == run.folder and not _is_plain(page):
            raise UsageError(f"{page} is not a regular file", hint="write the page with --out")
        evidence = Evidence(run.folder)  # read once, for both
        result = judge_evidence(evidence)
        write_report(result, page, evidence)
    return replace(result, evidence=run.origin)


def _page_of(run: FoundRun) -> Path:
    from peerlab.report.html import REPORT  # noqa: PLC0415 - needs templates

    is_packed = run.origin != run.folder
    return run.origin.with_suffix(".html") if is_packed else run.folder / REPORT


def _is_plain(page: Path) -> bool:
    """Whether a page can be replaced: a pipe would be waited for, a link lead out of the folder."""
    return page.is_file() and not page.is_symlink()


def _common(origins: Sequence[Path]) -> Path:
    """The directory above all the runs."""
    return Path(os.path.commonpath([origin.resolve().parent for origin in origins]))
