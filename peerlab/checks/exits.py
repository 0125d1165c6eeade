"""`exits`: did each program end before the end of the run, with the status that it should?"""

from collections.abc import Mapping

from peerlab.checks.verdict import Finding, Outcome, not_passed
from peerlab.evidence.reading import Evidence
from peerlab.scenario.model import CheckSpec


def check(evidence: Evidence, spec: CheckSpec) -> list[Finding]:
    """Compare the exit status of each named node, the last one where it was started again."""
    expected: Mapping[str, int] = spec.arguments["nodes"]  # type: ignore[assignment]
    findings = [_of_node(evidence, spec, node, status) for node, status in expected.items()]
    if all(finding.outcome is Outcome.PASSED for finding in findings):
        names = ", ".join(f"{node} {status}" for node, status in expected.items())
        return [Finding(spec.name, Outcome.PASSED, f"ended with status: {names}")]
    return not_passed(findings)


def _of_node(evidence: Evidence, spec: CheckSpec, node: str, status: int) -> Finding:
    event = evidence.node(node).exited
    if event is None:
        return Finding(
            spec.name, Outcome.UNKNOWN, f"{node} was never seen to end", node, spec.where
        )
    if event.detail["by"] == "lab" and evidence.failed_steps:
        message = f"{node} was stopped by the lab, since the steps did not come to their end"
        return Finding(spec.name, Outcome.UNKNOWN, message, node, spec.where)
    if event.detail["by"] == "lab":
        message = f"{node} did not end by itself: the lab stopped it at the end"
    elif event.detail["status"] != status:
        message = f"{node} ended with status {event.detail['status']}, expected {status}"
    else:
        return Finding(spec.name, Outcome.PASSED, f"{node} ended with status {status}")
    return Finding(
        spec.name, Outcome.FAILED, message, node, spec.where, evidence.node(node).tail(lines=5)
    )
