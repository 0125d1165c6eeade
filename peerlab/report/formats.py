"""Results for machines: which formats there are, and writing them where `FORMAT=FILE` says."""

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self

from peerlab.checks.result import Result
from peerlab.compare.repeats import Tally
from peerlab.errors import LabError, PeerlabError, UsageError
from peerlab.report.github import as_github
from peerlab.report.grades import as_csv
from peerlab.report.gradescope import as_gradescope
from peerlab.report.junit import as_junit
from peerlab.report.markdown import as_markdown
from peerlab.report.results import as_json

FORMATS: Final[dict[str, Callable[[Sequence[Result], PeerlabError | None], str]]] = {
    "junit": as_junit,
    "github": as_github,
    "json": as_json,
    "markdown": as_markdown,
    "gradescope": as_gradescope,
    "csv": as_csv,
}
"""How results are written; each is told of what kept others from being played, too."""

STANDARD_OUTPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to be written: in which format, and where to (None: standard output)."""

    format: str
    file: Path | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `FORMAT=FILE`.

        Raises:
            UsageError: it is not of that form, or there is no such format.
        """
        name, _, file = text.partition("=")
        if not file or name not in FORMATS:
            hint = f"formats are: {', '.join(FORMATS)}; the file - is standard output"
            raise UsageError(f"got --write {text!r}, expected FORMAT=FILE", hint=hint)
        return cls(name, None if file == STANDARD_OUTPUT else Path(file))

    @property
    def is_log(self) -> bool:
        """Whether it goes to standard output, among what people read there."""
        return self.file is None and self.format == "github"


class Targets:
    """Everything that is to be written of the results of a command."""

    def __init__(self, texts: Sequence[str], say: Callable[[bytes], None]) -> None:
        """Read the targets, and make sure of their files.

        Until there is more to tell, each file says that nobody knows, whatever ends this process.

        Args:
            texts: `FORMAT=FILE`, each.
            say: writes to standard output.

        Raises:
            UsageError: a target is none, two go to the same place, or a file cannot be written.
        """
        self._targets = [Target.parse(text) for text in texts]
        self._say = say
        places = [target.file for target in self._targets]
        twice = [str(place or STANDARD_OUTPUT) for place in places if places.count(place) > 1]
        if twice:
            hint = "name another file for each format"
            raise UsageError(f"got --write twice for {twice[0]!r}", hint=hint)
        unfinished = LabError("peerlab has not come to its end")
        for target in self._targets:
            if target.file is not None and _can_be_replaced(target.file):
                _write(target.file, FORMATS[target.format]([], unfinished))

    @property
    def quiet(self) -> bool:
        """Whether standard output is for a machine alone."""
        return any(target.file is None and not target.is_log for target in self._targets)

    def write(
        self,
        results: Sequence[Result],
        error: PeerlabError | None,
        tallies: Sequence[Tally] = (),
    ) -> None:
        """Write the results: files first, for nobody may be there to read standard output.

        Args:
            results: one of each run, or of each scenario where each was played several times.
            error: what kept others from being played.
            tallies: what came of scenarios that were played several times.

        Raises:
            UsageError: a file could not be written, or a format cannot tell these results; all
                others are written.
        """
        failures: list[UsageError] = []
        formats = FORMATS | {"json": partial(as_json, tallies=tallies)}
        for target in sorted(self._targets, key=lambda target: target.file is None):
            try:
                text = formats[target.format](results, error)
                if target.file is None:
                    self._say(_encoded(text))
                else:
                    _write(target.file, text)
            except UsageError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]


def _can_be_replaced(file: Path) -> bool:
    """Whether one text may be written, and then another in its place: not so into a pipe."""
    try:
        mode = file.stat().st_mode
    except OSError:  # not there yet; or writing tells what is wrong
        return True
    return not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode))


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_encoded(text))
    except OSError as error:
        raise UsageError(
            f"cannot write {str(file)!r}: {error.strerror}",
            hint="name a file that you may write to with --write FORMAT=FILE",
        ) from error


def _encoded(text: str) -> bytes:
    # Half a surrogate pair has no UTF-8; as an escape it is right in JSON, where alone it can be.
    return text.encode("utf-8", "backslashreplace")
