"""`log`: what nodes printed, or what was typed into them, contains a text or lacks it."""

from collections.abc import Sequence

from peerlab.checks.messages import BROKEN_OFF
from peerlab.checks.searching import find_all
from peerlab.checks.verdict import Finding, Outcome, not_passed
from peerlab.evidence.reading import Evidence, NodeEvidence
from peerlab.scenario.model import CheckSpec
from peerlab.scenario.values import Pattern, no_variables


def check(evidence: Evidence, spec: CheckSpec) -> list[Finding]:
    """Look for the pattern in each named node, in the named direction."""
    nodes: Sequence[str] = spec.arguments["nodes"]  # type: ignore[assignment]
    broken_off = BROKEN_OFF if evidence.failed_steps else ""
    findings = [_of_node(spec, evidence.node(name), broken_off) for name in nodes]
    return not_passed(findings) or [
        Finding(spec.name, Outcome.PASSED, "true of " + ", ".join(nodes))
    ]


def _of_node(spec: CheckSpec, node: NodeEvidence, broken_off: str) -> Finding:
    arguments = spec.arguments
    pattern = arguments["pattern"]
    assert isinstance(pattern, Pattern)  # noqa: S101 - the loader made it so
    direction = str(arguments["direction"])
    text = node.printed if direction == "printed" else node.typed
    matches = list(find_all(pattern.compile(no_variables), text))
    times = arguments["times"]
    if not arguments["contains"]:
        if matches:
            line = text[: matches[0].start()].count("\n")
            message = f"{_came(node, direction, pattern)}, which must not be"
            return _finding(spec, Outcome.FAILED, message, node, text.split("\n")[line])
    elif times is None and not matches:
        message = _came(node, direction, pattern, "never ") + broken_off
        return _finding(spec, Outcome.FAILED, message, node, node.tail(lines=5))
    elif times is not None and len(matches) != times:
        came = _came(node, direction, pattern)
        message = f"{came} {len(matches)} times, expected {times}"
        if isinstance(times, int) and len(matches) < times:
            message += broken_off
        return _finding(spec, Outcome.FAILED, message, node, node.tail(lines=5))
    return _finding(spec, Outcome.PASSED, "", node)


def _came(node: NodeEvidence, direction: str, pattern: Pattern, never: str = "") -> str:
    if direction == "printed":
        return f"{node.name} {never}printed {str(pattern)!r}"
    return f"{str(pattern)!r} was {never}typed into {node.name}"


def _finding(
    spec: CheckSpec, outcome: Outcome, message: str, node: NodeEvidence, proof: str = ""
) -> Finding:
    return Finding(spec.name, outcome, message, node.name, spec.where, proof)
