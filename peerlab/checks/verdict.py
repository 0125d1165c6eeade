"""Outcomes, findings and the verdict: pure data and the rule by which they add up."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from peerlab.errors import ExitStatus


class Outcome(StrEnum):
    """What can be said of a check, a scenario or a whole set of them."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def exit_status(self) -> ExitStatus:
        """What the `peerlab` command ends with."""
        return ExitStatus[self.name]


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Failed beats unknown beats passed; nothing at all is unknown."""
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED):
        if outcome in outcomes:
            return outcome
    return Outcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, with its proof.

    Attributes:
        check: the check's name.
        message: what is the case, in one sentence.
        node: the node that it is about, if it is one.
        where: line and column in the scenario, if it comes from there.
        proof: what was printed, or what else shows it; raw text, to be escaped on display.
    """

    check: str
    outcome: Outcome
    message: str
    node: str | None = None
    where: tuple[int, int] | None = None
    proof: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON takes it."""
        return asdict(self) | {"outcome": self.outcome.value}


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings of a run together."""

    findings: tuple[Finding, ...]
    trusted: bool = True
    """Whether the lab was as it should be; else nothing can be said of the programs in it."""

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings, or unknown where these cannot be trusted."""
        if not self.trusted:
            return Outcome.UNKNOWN
        return worst([finding.outcome for finding in self.findings])

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON takes it."""
        return {
            "outcome": self.outcome.value,
            "findings": [finding.as_dict() for finding in self.findings],
        }
