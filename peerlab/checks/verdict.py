"""Outcomes, findings and the verdict: pure data and the rule by which they add up."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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
        why: how it came to that, across what was typed, what the wire did and what was printed: a
            sentence each, raw text as well.
        share: how much of what was looked at is right in spite of it, from 0 to 1.
    """

    check: str
    outcome: Outcome
    message: str
    node: str | None = None
    where: tuple[int, int] | None = None
    proof: str = ""
    why: tuple[str, ...] = ()
    share: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON takes it."""
        return asdict(self) | {"outcome": self.outcome.value}


def not_passed(findings: Sequence[Finding]) -> list[Finding]:
    """Those findings of several of the same kind that are not passed; their share is the rest."""
    wrong = [finding for finding in findings if finding.outcome is not Outcome.PASSED]
    share = 1 - len(wrong) / max(1, len(findings))
    return [replace(finding, share=share) for finding in wrong]


class Visibility(StrEnum):
    """When a student is to see what came of a check, in Gradescope's words."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"


@dataclass(frozen=True, slots=True)
class Judged:
    """One check, what it found, and what that is worth.

    Attributes:
        name: the check's name.
        text: the check as the scenario has it; empty for one that is on without being asked for.
        findings: what it found; never empty.
        where: line and column in the scenario, if it stands there.
        title: what people call it; None: its text, or its name.
        points: what it is worth; None: nothing.
        partial: whether what is partly right gets its share of the points.
        visibility: when a student is to see it.
        forfeited: that it is unknown earns nothing, since the program kept it from being judged.
    """

    name: str
    text: str
    findings: tuple[Finding, ...]
    where: tuple[int, int] | None = None
    title: str | None = None
    points: float | None = None
    partial: bool = False
    visibility: Visibility = Visibility.VISIBLE
    forfeited: bool = False

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings."""
        return worst([finding.outcome for finding in self.findings])

    @property
    def shown(self) -> str:
        """What to call it where people read it."""
        return self.title or self.text or self.name

    @property
    def earned(self) -> float | None:
        """Points earned; None where it is worth none, or where nobody can say."""
        if self.points is None:
            return None
        if self.outcome is Outcome.UNKNOWN:
            return 0.0 if self.forfeited else None
        if self.outcome is Outcome.PASSED:
            return self.points
        if not self.partial:
            return 0.0
        right = min(found.share for found in self.findings if found.outcome is Outcome.FAILED)
        return round(self.points * right, 2)

    def as_dict(self) -> dict[str, Any]:
        """The check as JSON takes it."""
        return {
            "name": self.name,
            "text": self.text,
            "title": self.title,
            "where": self.where,
            "outcome": self.outcome.value,
            "points": self.points,
            "earned": self.earned,
            "visibility": self.visibility.value,
            "findings": [finding.as_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of a run together."""

    checks: tuple[Judged, ...]
    trusted: bool = True
    """Whether the lab was as it should be; else nothing can be said of the programs in it."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What all checks found."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def outcome(self) -> Outcome:
        """The worst of the checks, or unknown where these cannot be trusted."""
        if not self.trusted:
            return Outcome.UNKNOWN
        return worst([check.outcome for check in self.checks])

    @property
    def points(self) -> float | None:
        """What can be earned; None where no check is worth points."""
        worth = [check.points for check in self.checks if check.points is not None]
        return sum(worth) if worth else None

    @property
    def earned(self) -> float | None:
        """Points earned; None where no check is worth points, or where nobody can say of one."""
        if not self.trusted:
            return None
        earned = [check.earned for check in self.checks if check.points is not None]
        known = [points for points in earned if points is not None]
        return sum(known) if known and len(known) == len(earned) else None

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON takes it."""
        return {
            "outcome": self.outcome.value,
            "points": self.points,
            "earned": self.earned,
            "checks": [check.as_dict() for check in self.checks],
        }
