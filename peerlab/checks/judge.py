"""Puts the findings of all checks together into a verdict."""

import traceback
from collections.abc import Callable
from typing import Final

from peerlab.checks import delivery, exits, log, no_traceback, steps
from peerlab.checks.verdict import Finding, Outcome, Verdict
from peerlab.evidence.reading import Evidence
from peerlab.scenario.model import (
    Act,
    CheckSpec,
    EndInput,
    Perform,
    Scenario,
    SendSignal,
    Start,
    Type,
)

CHECKS: Final[dict[str, Callable[[Evidence, CheckSpec], list[Finding]]]] = {
    "delivery": delivery.check,
    "exits": exits.check,
    "log": log.check,
    "no-traceback": lambda evidence, _spec: no_traceback.check(evidence),
}


def judge(evidence: Evidence, scenario: Scenario) -> Verdict:
    """Run the checks that are always on and those that the scenario asks for.

    A check that crashes is unknown, never passed.
    """
    expecting = _expects_something(scenario)
    checks: list[tuple[str, Callable[[], list[Finding]]]] = [
        (steps.NAME, lambda: steps.check(evidence, expecting=expecting)),
    ]
    if not any(spec.name == no_traceback.NAME for spec in scenario.checks):
        checks.append((no_traceback.NAME, lambda: no_traceback.check(evidence)))
    if evidence.complete:
        checks += [
            (spec.name, lambda spec=spec: CHECKS[spec.name](evidence, spec))  # type: ignore[misc]
            for spec in scenario.checks
        ]
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += check()
        except Exception:  # noqa: BLE001 - whatever a check does, the verdict must tell it
            message = f"the check {name} crashed, so it says nothing"
            findings.append(
                Finding(name, Outcome.UNKNOWN, message, proof=traceback.format_exc(limit=-3))
            )
    if not evidence.complete:
        findings += [
            Finding(
                spec.name,
                Outcome.UNKNOWN,
                "not judged: the run did not come to its end",
                where=(spec.span.line, spec.span.column),
            )
            for spec in scenario.checks
        ]
    if not expecting and not scenario.checks:
        message = "nothing was checked: no step expects anything and there are no checks"
        findings.append(Finding(steps.NAME, Outcome.UNKNOWN, message))
    return Verdict(tuple(findings))


def _expects_something(scenario: Scenario) -> bool:
    return any(
        _can_fail(scenario, name, step.act) for step in scenario.single_steps for name in step.nodes
    )


def _can_fail(scenario: Scenario, node: str, act: Act) -> bool:
    """Whether the act can turn out not to come true; typing alone cannot."""
    if isinstance(act, Perform):
        dialogue = scenario.nodes[node].program.actions[act.action].dialogue
        return any(_can_fail(scenario, node, inner) for inner in dialogue)
    return not isinstance(act, Type | Start | EndInput | SendSignal)
