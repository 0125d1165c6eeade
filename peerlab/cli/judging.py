"""Commands about evidence: check."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from peerlab.checks.result import Result
from peerlab.cli.common import (
    INTERRUPTED,
    WRITE,
    FoundRun,
    Voice,
    about,
    evidence_folders,
    reports_errors,
    status_of,
    targets_of,
    tell,
)
from peerlab.errors import ExitStatus, NotJudged, PeerlabError
from peerlab.evidence.folder import find_runs
from peerlab.evidence.unplayed import find_notes, read_note
from peerlab.recorded import judge_recorded, submission_of
from peerlab.report import text
from peerlab.report.text import shown_path

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
    voice = Voice(quiet=written.quiet)
    judging = _Judging(voice)
    error: PeerlabError | None = None
    try:
        for path in paths:
            judging.take(path)
        error = NotJudged(judging.reasons) if judging.reasons else None
    except KeyboardInterrupt:
        error = INTERRUPTED
    results = judging.results
    written.write(results, error)
    if len(results) > 1:
        voice.say(text.summary(results, time.monotonic() - began))
    if voice.unheard is not None:
        raise voice.unheard
    if error is INTERRUPTED:
        return ExitStatus.INTERRUPTED
    return judging.errors[0].exit_status if judging.errors else status_of(results)


class _Judging:
    """Judges run after run: whatever one of a class handed in, the others are judged.

    Attributes:
        results: what came of those that could be judged.
        reasons: why others could not, by their submissions, or else by where their evidence is.
        errors: the same as errors, in order.
    """

    def __init__(self, voice: Voice) -> None:
        self.results: list[Result] = []
        self.reasons: dict[str, str] = {}
        self.errors: list[PeerlabError] = []
        self._voice = voice

    def take(self, path: Path) -> None:
        """Judge every run that a path names; what is packed goes by the packed file."""
        notes = find_notes(path)
        self._take_notes(notes)
        if notes and not find_runs(path):
            return
        try:
            with evidence_folders([path]) as found:
                for run in found:
                    self._judge(run)
        except PeerlabError as error:
            self._fail(error, {str(path): str(error)})

    def _take_notes(self, notes: Sequence[Path]) -> None:
        """Take in who could not be played at all."""
        unplayed = {}
        for note in notes:
            try:
                submission, reason = read_note(note)
            except PeerlabError as error:
                self._fail(error, {shown_path(note): str(error)})
            else:
                unplayed[submission] = reason
        if unplayed:
            self._fail(NotJudged(unplayed), unplayed)

    def _judge(self, run: FoundRun) -> None:
        try:
            with about(run):
                result = judge_recorded(run.folder)
        except PeerlabError as error:
            name = submission_of(run.folder) or shown_path(run.origin)
            self._fail(error, {name: str(error)})
            return
        self.results.append(replace(result, evidence=run.origin))
        why = text.explanation(result, run.origin)
        self._voice.say("\n".join([text.run_line(result, run.origin), *why]))

    def _fail(self, error: PeerlabError, reasons: Mapping[str, str]) -> None:
        tell(error)
        self.errors.append(error)
        for name, reason in reasons.items():
            before = self.reasons.get(name)
            self.reasons[name] = reason if before is None else f"{before}; {reason}"
