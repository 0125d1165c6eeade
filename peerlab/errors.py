"""What can go wrong, and the exit status that each of it gives.

    PeerlabError
    |-- ScenarioError   2  the scenario, a program file or the call itself is wrong
    |-- MachineUnfit    4  this machine cannot run it; `peerlab doctor` says why
    |-- LabError        5  the lab broke while it ran
    |-- NotJudged       3  some of several submissions could not be played or judged
    `-- Unread        141  nobody reads what is printed any more

A failed expectation, a program that exits with status 1 or a failed check are not errors:
they are facts in the journal and become findings.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """What the `peerlab` command tells its caller."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    MACHINE_UNFIT = 4
    LAB_BROKE = 5
    INTERRUPTED = 130
    """128 and the number of SIGINT, as a shell tells of a program that it ended."""
    UNREAD = 141
    """128 and the number of SIGPIPE, likewise."""


class PeerlabError(Exception):
    """An error that is told to a person in one message, with a hint where there is a way out."""

    exit_status: ClassVar[ExitStatus] = ExitStatus.LAB_BROKE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n   hint: {self.hint}"


class UsageError(PeerlabError):
    """Raised when a call names something that is not there, or asks for what cannot be."""

    exit_status = ExitStatus.USAGE


class MachineUnfit(PeerlabError):  # noqa: N818 - says what is the case, as its exit status does
    """Raised when this machine lacks what the backend needs: an engine, an image, a right."""

    exit_status = ExitStatus.MACHINE_UNFIT


class LabError(PeerlabError):
    """Raised when the lab itself broke: the engine refused, a connection to a node was lost."""

    exit_status = ExitStatus.LAB_BROKE


class Unread(PeerlabError):  # noqa: N818 - says what is the case, as its exit status does
    """Raised when nobody reads what is printed any more, as behind `| head -1`."""

    exit_status = ExitStatus.UNREAD


class NotJudged(PeerlabError):  # noqa: N818 - says what is the case, as its exit status does
    """What is told of submissions that could not be played or judged, when all others were."""

    exit_status = ExitStatus.UNKNOWN

    def __init__(self, reasons: Mapping[str, str]) -> None:
        """Take why it was not possible, by the names of the submissions."""
        told = [f"{name} was not judged: {reason}" for name, reason in reasons.items()]
        super().__init__("\n".join(told))
        self.reasons = reasons
