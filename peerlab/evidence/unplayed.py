"""The note that a submission leaves which could not be played at all, and so has no evidence."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from peerlab.errors import UsageError
from peerlab.evidence.files import read_file

_STEM: Final = "not-played-"
"""How its file is called, where the evidence would have gone; each submission has its own."""
MOST_BYTES: Final = 1 << 20
"""Bytes that such a note may have."""


def note_unplayed(out: Path, submission: str, reason: str) -> None:
    """Leave a note of who could not be played, and why.

    Raises:
        OSError: it cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"submission": submission, "reason": reason}, ensure_ascii=False)
    _note(out, submission).write_text(told + "\n", encoding="utf-8", errors="backslashreplace")


def forget_unplayed(out: Path, submission: str) -> None:
    """Remove such a note, since the submission is played now."""
    with suppress(OSError):
        _note(out, submission).unlink()


def find_notes(directory: Path) -> list[Path]:
    """All such notes below a directory."""
    return sorted(directory.rglob(f"{_STEM}*.json"))


def read_note(note: Path) -> tuple[str, str]:
    """Who could not be played, and why.

    Raises:
        UsageError: it does not tell that.
    """
    try:
        told = json.loads(read_file(note, MOST_BYTES))
        submission, reason = told["submission"], told["reason"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise _broken(note, error) from error
    if not (isinstance(submission, str) and isinstance(reason, str)):
        raise _broken(note, "its submission or reason is no text")
    return submission, reason


def _broken(note: Path, why: object) -> UsageError:
    return UsageError(f"{note} does not tell who could not be played: {why}")


def _note(out: Path, submission: str) -> Path:
    digest = hashlib.sha256(submission.encode(errors="backslashreplace")).hexdigest()
    return out / f"{_STEM}{digest[:8]}.json"
