"""What came of a check, as plain text of bounded length: harmless to show, whatever was printed."""

from collections.abc import Iterator
from typing import Final

from peerlab.checks.result import Result
from peerlab.checks.steps import NAME as STEPS
from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict
from peerlab.errors import PeerlabError
from peerlab.report.escape import escape, escape_line

MOST_LINE: Final = 500
"""Characters of a sentence that are told."""
MOST_PROOF: Final = 4000
"""Characters of a proof that are told: the beginning of it and the end."""
MOST_FINDINGS: Final = 20
"""Findings of a check that are told."""
UNTRUSTED: Final = "not judged: the network was not what the scenario asks for"


def outcome_of(verdict: Verdict, check: Judged) -> Outcome:
    """What can be said of a check: where the lab cannot be trusted, nothing."""
    return check.outcome if verdict.trusted else Outcome.UNKNOWN


def earned_of(verdict: Verdict, check: Judged) -> float | None:
    """What a check has earned; None where it is worth nothing, or where nobody can say."""
    return check.earned if verdict.trusted else None


def run_name(result: Result) -> str:
    """What was played, and whose, in one line."""
    whose = "" if result.submission is None else f" ({result.submission})"
    return sentence(f"{result.scenario.name}{whose}")


def points_shown(points: float | None, earned: float | None) -> str:
    """Points earned of those that can be, `?` where nobody can say; empty where there are none."""
    if points is None:
        return ""
    return f"{'?' if earned is None else f'{earned:g}'} of {points:g}"


def points_of(verdict: Verdict) -> str:
    """The points of a whole run, in words; empty where no check is worth any."""
    shown = points_shown(verdict.points, verdict.earned)
    return f"{shown} points" if shown else ""


def proof_title(finding: Finding) -> str:
    """What a proof is: that of a step is what came instead."""
    return "since the last match it showed" if finding.check == STEPS else "proof"


def headline(verdict: Verdict, check: Judged) -> str:
    """What came of a check, in one line."""
    first, *others = _that_matter(check)
    more = f" (and {len(others)} more)" if others else ""
    untrusted = "" if verdict.trusted else f"{UNTRUSTED}; "
    return f"{untrusted}{sentence(first.message)}{more}"


def account(verdict: Verdict, check: Judged) -> str:
    """What came of a check: every finding that matters with its reasons and its proof."""
    findings = _that_matter(check)
    lines = [] if verdict.trusted else [UNTRUSTED]
    for finding in findings[:MOST_FINDINGS]:
        lines += [f"{finding.outcome.value}: {sentence(finding.message)}", *_reasons(finding)]
    if len(findings) > MOST_FINDINGS:
        lines.append(f"({len(findings) - MOST_FINDINGS} more findings are in the evidence)")
    return "\n".join(lines)


def account_of_finding(finding: Finding) -> str:
    """One finding with its reasons and its proof."""
    return "\n".join([sentence(finding.message), *_reasons(finding)])


def account_of_error(error: PeerlabError) -> str:
    """What went wrong, with the hint; several lines if there is much."""
    return escape(bounded(str(error), MOST_PROOF))


def sentence(text: str) -> str:
    """Text as one line that can be shown."""
    return escape_line(bounded(text, MOST_LINE))


def bounded(text: str, most: int) -> str:
    """Text of at most so many characters, not counting the remark on what was cut out of it."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [{len(text) - 2 * half} characters cut] {text[-half:]}"


def _that_matter(check: Judged) -> list[Finding]:
    """The findings that made the outcome, then others that are not passed."""
    worst = [finding for finding in check.findings if finding.outcome is check.outcome]
    others = [
        finding
        for finding in check.findings
        if finding.outcome not in {check.outcome, Outcome.PASSED}
    ]
    return worst + others


def _reasons(finding: Finding) -> Iterator[str]:
    yield from (f"  {sentence(why)}" for why in finding.why[:MOST_FINDINGS])
    if finding.proof:
        proof = escape(bounded(finding.proof, MOST_PROOF))
        yield from (f"  | {line}" for line in proof.split("\n"))
