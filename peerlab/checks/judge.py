"""Puts the findings of all checks together into a verdict."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Final, cast

from peerlab.checks import delivery, ends, exits, log, no_traceback, steps
from peerlab.checks.verdict import Finding, Outcome, Verdict
from peerlab.evidence.reading import Evidence
from peerlab.scenario.model import (
    Act,
    Action,
    CheckSpec,
    Choose,
    Each,
    EndInput,
    Exits,
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
    asked_for = [spec for spec in scenario.checks if spec.name != no_traceback.NAME]
    if not expecting and not asked_for:
        message = "nothing was checked: no step expects anything and there are no checks"
        findings.append(Finding(steps.NAME, Outcome.UNKNOWN, message))
    return Verdict(tuple(findings))


def _expects_something(scenario: Scenario) -> bool:
    """Whether any act can turn out not to come true; typing alone, say, cannot."""
    return any(
        not isinstance(act, Type | Start | EndInput | SendSignal)
        for _, act in _acts_of_nodes(scenario)
    )


def _ends_foreseen(scenario: Scenario) -> set[str]:
    """The nodes whose end a step or a check speaks of."""
    by_check = {
        node
        for spec in scenario.checks
        if spec.name == "exits"
        for node in cast("Mapping[str, int]", spec.arguments["nodes"])
    }
    return by_check | {node for node, act in _acts_of_nodes(scenario) if isinstance(act, Exits)}


def _acts_of_nodes(scenario: Scenario) -> Iterator[tuple[str, Act]]:
    """Every act that a step may do with a node, those inside of actions too."""
    for step in scenario.single_steps:
        for node in step.nodes:
            actions = scenario.nodes[node].program.actions
            yield from ((node, act) for act in _flat(step.act, actions))


def _flat(act: Act, actions: Mapping[str, Action]) -> Iterator[Act]:
    match act:
        case Perform():
            inner = actions[act.action].dialogue
        case Each():
            inner = act.acts
        case Choose():
            yield act
            inner = tuple(chain.from_iterable(acts for _, acts in act.branches))
        case _:
            yield act
            return
    for part in inner:
        yield from _flat(part, actions)
