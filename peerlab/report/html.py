"""Writes the page of a run, and the index of several, from templates. Everything is escaped."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome, worst
from peerlab.errors import UsageError
from peerlab.evidence.reading import Evidence, nothing_collected
from peerlab.report.account import points_of
from peerlab.report.captures import relative_link
from peerlab.report.escape import escape
from peerlab.report.page import SYMBOLS, clipped, describe

REPORT: Final = "report.html"
INDEX: Final = "index.html"
_SCRIPT: Final = "replay.html"


@cache
def _templates() -> Environment:
    """The templates that come with peerlab."""
    environment = Environment(
        loader=PackageLoader("peerlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    environment.filters["clipped"] = clipped
    environment.filters["ours"] = Markup  # drawings and the script, whose texts are escaped already
    return environment


def _shown(value: object) -> object:
    """What a template puts into a page: text with its control characters shown as escapes.

    Markup is ours, and markup of text is escaped by the templates themselves.
    """
    return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@nothing_collected()
def write_report(result: Result, file: Path, evidence: Evidence | None = None) -> None:
    """Write the page of a run; its evidence is read again unless it is given.

    Raises:
        UsageError: its evidence cannot be read, or the file not be written.
    """
    templates = _templates()
    script = templates.get_template(_SCRIPT).render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = templates.get_template(REPORT)
    page = describe(result, evidence or Evidence(result.evidence), file.parent)
    try:
        with file.open("w", encoding="utf-8", errors="backslashreplace") as out:
            out.writelines(template.generate(page=page, script=script, digest=digest))
    except OSError as error:
        raise _cannot_write(file, error) from error


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the index; `run` tells it from others of the same scenario, if there are any."""

    outcome: Outcome
    symbol: str
    name: str
    run: str
    submission: str
    title: str
    backend: str
    seconds: float
    points: str
    link: str


def write_index(pages: Sequence[tuple[Result, Path]], file: Path) -> None:
    """Write the index of runs and where their pages are; those that failed come first.

    Raises:
        UsageError: the file cannot be written.
    """
    order = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED)
    ranked = sorted(
        pages, key=lambda page: (order.index(page[0].verdict.outcome), page[0].scenario.name)
    )
    played = Counter(result.scenario.name for result, _ in pages)
    entries = [
        Entry(
            result.verdict.outcome,
            SYMBOLS[result.verdict.outcome],
            result.scenario.name,
            result.evidence.resolve().name if played[result.scenario.name] > 1 else "",
            clipped(result.submission or "", 200),
            clipped(result.scenario.title, 200),
            result.backend,
            result.seconds,
            points_of(result.verdict),
            relative_link(page, file.parent),
        )
        for result, page in ranked
    ]
    outcome = worst([result.verdict.outcome for result, _ in pages])
    counts = [(kind, sum(entry.outcome is kind for entry in entries)) for kind in order]
    template = _templates().get_template(INDEX)
    try:
        file.write_text(
            template.render(
                entries=entries,
                outcome=outcome,
                symbol=SYMBOLS[outcome],
                counts=counts,
                submissions=any(entry.submission for entry in entries),
                points=any(entry.points for entry in entries),
            ),
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        raise _cannot_write(file, error) from error


def _cannot_write(file: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot write {file}: {error.strerror}", hint="name a file that you may write to"
    )
