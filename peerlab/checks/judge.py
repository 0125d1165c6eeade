"""Puts the findings of all checks together into a verdict."""

import traceback
from collections.abc import Callable, Mapping
from typing import Final, cast

from peerlab.checks import delivery, ends, exits, log, no_traceback, steps, wire
from peerlab.checks.verdict import Finding, Outcome, Verdict
from peerlab.evidence.reading import Evidence
from peerlab.scenario.course import acts_of_nodes
from peerlab.scenario.model import (
    CheckSpec,
    EndInput,
    Exits,
    Pause,
    Restart,
    Resume,
    Scenario,
    SendSignal,
    Start,
    Stop,
    Type,
)

CHECKS: Final[dict[str, Callable[[Evidence, CheckSpec], list[Finding]]]] = {
    "delivery": delivery.check,
    "exits": exits.check,
    "log": log.check,
}

_DEEDS: Final = (Type, Start, Pause, Resume, Stop, Restart, EndInput, SendSignal)
"""What a step does, whatever the program makes of it."""


def judge(evidence: Evidence, scenario: Scenario) -> Verdict:
    """Run the checks that are always on and those that the scenario asks for.

    A check that crashes is unknown, never passed.
    """
    expecting = _expects_something(scenario)
    checks: list[tuple[str, Callable[[], list[Finding]]]] = [
        (steps.NAME, lambda: steps.check(evidence, expecting=expecting)),
        (no_traceback.NAME, lambda: no_traceback.check(evidence)),
        (wire.NAME, lambda: wire.check(evidence)),
    ]
    if evidence.complete:
        foreseen = _ends_foreseen(scenario)
        checks.append((ends.NAME, lambda: ends.check(evidence, foreseen=foreseen)))
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
    trusted = not any(finding.check == wire.NAME for finding in findings)
    return Verdict(tuple(findings), trusted)


def _expects_something(scenario: Scenario) -> bool:
    """Whether any act can turn out not to come true; typing alone, say, cannot."""
    return any(not isinstance(act, _DEEDS) for _, act in acts_of_nodes(scenario))


def _ends_foreseen(scenario: Scenario) -> set[str]:
    """The nodes whose end a step or a check speaks of."""
    by_check = {
        node
        for spec in scenario.checks
        if spec.name == "exits"
        for node in cast("Mapping[str, int]", spec.arguments["nodes"])
    }
    return by_check | {node for node, act in acts_of_nodes(scenario) if isinstance(act, Exits)}
