"""The secrets of a scenario: what is typed hidden, and must not be shown anywhere."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from peerlab.scenario.model import (
    Act,
    Choose,
    Each,
    Parameter,
    Perform,
    Program,
    Scenario,
    Type,
)
from peerlab.scenario.values import Reference, Template

SHORTEST: Final = 4
"""Characters of the shortest secret that is looked for; shorter ones may come by chance."""

Variables = Mapping[str, Mapping[str, str]]
"""What is known of each node in the end."""


def secrets_of(scenario: Scenario, variables: Variables) -> frozenset[str]:
    """The values of secret parameters, defaults in program files included, and of hidden lines.

    One with a variable in it that nobody knows is left out.
    """
    found = set()
    for name, node in scenario.nodes.items():
        for template in _by_default(node.program):
            found.add(_rendered(template, name, variables))
    for step in scenario.single_steps:
        for name in step.nodes:
            for template in _in_act(step.act, scenario.nodes[name].program):
                found.add(_rendered(template, name, variables))
    return frozenset(text for text in found if text is not None and text.strip())


def forms_of(text: str) -> frozenset[str]:
    """The ways in which a program may write a text: as it is, or as JSON does."""
    if text.isascii() and text.isprintable() and not {'"', "\\"}.intersection(text):
        return frozenset({text})
    return frozenset({text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]})


def secret_pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Finds the secrets wherever they stand, as programs write them; None: none is long enough."""
    forms = _longest_first(text for text in secrets if len(text) >= SHORTEST)
    return re.compile("|".join(forms)) if forms else None


def masked(text: str, secrets: Collection[str]) -> str:
    """The text without the secrets; it is as long as before."""
    anywhere = _longest_first(secret for secret in secrets if len(secret) >= SHORTEST)
    alone = _longest_first(secret for secret in secrets if len(secret) < SHORTEST)
    forms = [*anywhere, *(rf"(?<!\w){form}(?!\w)" for form in alone)]
    return re.sub("|".join(forms), lambda found: "*" * len(found[0]), text) if forms else text


def _longest_first(secrets: Iterable[str]) -> list[str]:
    """Patterns for all forms of the secrets, so that none is taken for one that begins it."""
    forms = {form for text in secrets for form in forms_of(text)}
    return [re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))]


def _by_default(program: Program) -> Iterator[Template]:
    for action in program.actions.values():
        for parameter in action.parameters:
            if parameter.secret and parameter.default is not None:
                yield parameter.default
        for act in action.dialogue:
            yield from _in_act(act, program)


def _in_act(act: Act, program: Program) -> Iterator[Template]:
    match act:
        case Type(secret=True):
            yield act.text
        case Perform():
            secret = {name.name for name in _parameters(program, act.action) if name.secret}
            yield from (text for name, text in act.texts.items() if name in secret)
        case Each():
            for inner in act.acts:
                yield from _in_act(inner, program)
        case Choose():
            for _, acts in act.branches:
                for inner in acts:
                    yield from _in_act(inner, program)
        case _:
            pass


def _parameters(program: Program, action: str) -> tuple[Parameter, ...]:
    return program.actions[action].parameters


def _rendered(template: Template, node: str, variables: Variables) -> str | None:
    def resolve(reference: Reference) -> str:
        of = node if reference.name == "node" else reference.name
        return variables[of][reference.attribute or "name"]

    try:
        return template.render(resolve)
    except KeyError:
        return None
