"""Made-up evidence: folders of runs that never were."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peerlab.checks.verdict import Finding, Judged, Verdict
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence


def deployed(node: str, ip: str, program: str = "chat") -> Event:
    """A node gets its address."""
    return event(Kind.DEPLOYED, node, ip=ip, program=program)


def started(node: str, **detail: Any) -> Event:  # noqa: ANN401 - whatever a journal holds
    """A program starts."""
    return event(Kind.STARTED, node, **detail)


def printed(node: str, text: str) -> Event:
    """A program prints."""
    return event(Kind.PRINTED, node, text, stream="stdout")


def exited(node: str, status: int, by: str = "itself") -> Event:
    """A program ends."""
    return event(Kind.EXITED, node, status=status, by=by)


def failed(node: str, text: str, **detail: Any) -> Event:  # noqa: ANN401 - whatever a journal holds
    """A step does not come true."""
    told = {
        "number": 1,
        "line": 7,
        "column": 5,
        "waited": 2.0,
        "since": "",
        "state": "is still running",
    }
    return event(Kind.STEP_FAILED, node, text, **told | detail)


def event(kind: Kind, node: str | None = None, text: str = "", **detail: object) -> Event:
    """Something happens."""
    return Event(1.0, kind, node, text, detail)


def verdict(*findings: Finding, trusted: bool = True) -> Verdict:
    """The verdict of checks that each found one thing."""
    checks = tuple(Judged(finding.check, "", (finding,)) for finding in findings)
    return Verdict(checks, trusted=trusted)


def evidence(path: Path, events: Sequence[Event], *, complete: bool = True) -> Evidence:
    """The evidence of a run in which this happened."""
    path.mkdir(parents=True, exist_ok=True)
    ending = [Event(9.0, Kind.END)] if complete else []
    lines = [event.as_json() + "\n" for event in [*events, *ending]]
    (path / "journal.jsonl").write_text("".join(lines), encoding="utf-8")
    return Evidence(path)
