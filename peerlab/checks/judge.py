"""Puts the findings of all checks together into a verdict."""

import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, cast

from peerlab.checks import (
    capture,
    delivery,
    ends,
    exits,
    latency,
    log,
    no_traceback,
    order,
    presence,
    steps,
    traffic,
    transcript,
    wire,
)
from peerlab.checks.messages import Messages
from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict, Visibility
from peerlab.evidence.reading import Evidence, nothing_collected
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

CHECKS: Final[dict[str, Callable[[Messages, CheckSpec, Scenario], list[Finding]]]] = {
    "delivery": lambda messages, spec, _: delivery.check(messages, spec),
    "order": lambda messages, spec, _: order.check(messages, spec),
    "latency": lambda messages, spec, _: latency.check(messages, spec),
    "exits": lambda messages, spec, _: exits.check(messages.evidence, spec),
    "log": lambda messages, spec, _: log.check(messages.evidence, spec),
    "transcript": lambda messages, *asked: transcript.check(messages.evidence, *asked),
    "presence": lambda messages, *asked: presence.check(messages.evidence, *asked),
    "traffic": lambda messages, *asked: traffic.check(messages.evidence, *asked),
    "capture": lambda messages, *asked: capture.check(messages.evidence, *asked),
}
"""The checks that a scenario asks for. Those that are always on are not among them."""

_CAPTURED: Final = frozenset({"traffic", "capture"})

_DEEDS: Final = (Type, Start, Pause, Resume, Stop, Restart, EndInput, SendSignal)
"""What a step does, whatever the program makes of it."""


@nothing_collected()
def judge(evidence: Evidence, scenario: Scenario) -> Verdict:
    """Run the checks that are always on and those that the scenario asks for.

    A check that crashes is unknown, never passed.
    """
    expecting, messages = _expects_something(scenario), Messages(evidence)
    always: dict[str, Callable[[], list[Finding]]] = {
        steps.NAME: lambda: steps.check(messages, expecting=expecting, steps=len(scenario.steps)),
        no_traceback.NAME: lambda: no_traceback.check(evidence),
        wire.NAME: lambda: wire.check(evidence),
    }
    if evidence.complete:
        always[ends.NAME] = lambda: ends.check(
            evidence, awaited=_ends_awaited(scenario), checked=_ends_checked(scenario)
        )
    named = {spec.name: spec for spec in scenario.checks}
    judged = [
        _judged(name, named.get(name), tuple(_found(name, check))) for name, check in always.items()
    ]
    judged += [
        _judged(spec.name, spec, _of_spec(messages, spec, scenario))
        for spec in scenario.checks
        if spec.name not in always
    ]
    if not expecting and not scenario.checks:
        message = "nothing was checked: no step expects anything and there are no checks"
        found = (Finding(steps.NAME, Outcome.UNKNOWN, message),)
        judged.append(_judged(steps.NAME, None, found))
    judged = [check for check in judged if check.findings]
    if evidence.complete and evidence.failed_steps:
        # What could not be judged since the program did not do what a step expects earns nothing;
        # where the lab broke, or captured nothing, it is not the program's fault.
        judged = [replace(check, forfeited=check.name not in _CAPTURED) for check in judged]
    return Verdict(tuple(judged), trusted=not any(check.name == wire.NAME for check in judged))


def _of_spec(messages: Messages, spec: CheckSpec, scenario: Scenario) -> tuple[Finding, ...]:
    if not messages.evidence.complete:
        why = messages.evidence.lacking or "the run did not come to its end"
        message = f"not judged: {why}"
        return (Finding(spec.name, Outcome.UNKNOWN, message, where=spec.where),)
    return tuple(_found(spec.name, lambda: CHECKS[spec.name](messages, spec, scenario)))


def _found(name: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except Exception:  # noqa: BLE001 - whatever a check does, the verdict must tell it
        message = f"the check {name} crashed, so it says nothing"
        return [Finding(name, Outcome.UNKNOWN, message, proof=traceback.format_exc(limit=-3))]


def _judged(name: str, spec: CheckSpec | None, findings: tuple[Finding, ...]) -> Judged:
    """What a check found; one that found nothing wrong where it was asked for has passed."""
    if spec is None:
        return Judged(name, "", findings)
    if not findings:
        findings = (Finding(name, Outcome.PASSED, "nothing was found", where=spec.where),)
    return Judged(
        name,
        spec.text,
        findings,
        spec.where,
        spec.title,
        spec.points,
        spec.partial,
        Visibility(spec.visibility),
    )


def _expects_something(scenario: Scenario) -> bool:
    """Whether any act can turn out not to come true; typing alone, say, cannot."""
    return any(not isinstance(act, _DEEDS) for _, act in acts_of_nodes(scenario))


def _ends_awaited(scenario: Scenario) -> Counter[str]:
    """How often the steps wait for the end of each node's program."""
    return Counter(node for node, act in acts_of_nodes(scenario) if isinstance(act, Exits))


def _ends_checked(scenario: Scenario) -> set[str]:
    """The nodes whose end a check speaks of."""
    return {
        node
        for spec in scenario.checks
        if spec.name == "exits"
        for node in cast("Mapping[str, int]", spec.arguments["nodes"])
    }
