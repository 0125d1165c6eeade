"""The course that each node takes through a scenario, as far as it is known before it is played."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import Final

from peerlab.scenario.model import (
    Act,
    Action,
    Choose,
    Each,
    Exits,
    Pause,
    Perform,
    Restart,
    Resume,
    Scenario,
    SendSignal,
    Signal,
    Start,
    Step,
    Stop,
)
from peerlab.scenario.reading import Reading


class _State(StrEnum):
    """What a node is in, as a person would say it."""

    WAITING = "it is not started yet"
    RUNNING = "it is not paused"
    PAUSED = "it is paused already"
    ENDED = "its program has ended"


_HINTS: Final = {
    _State.WAITING: "'start' it before",
    _State.RUNNING: "'pause' it before",
    _State.PAUSED: "'resume' it before",
    _State.ENDED: "'restart' starts it again",
}
_STARTED: Final = (_State.RUNNING, _State.PAUSED, _State.ENDED)

_COURSE: Final[dict[type[Act], tuple[Sequence[_State], _State]]] = {
    Start: (tuple(_State), _State.RUNNING),
    Pause: ((_State.RUNNING,), _State.PAUSED),
    Resume: ((_State.PAUSED,), _State.RUNNING),
    Stop: (_STARTED, _State.ENDED),
    Restart: (_STARTED, _State.RUNNING),
    Exits: (tuple(_State), _State.ENDED),
}
"""In which states an act can come true, and what it leads to."""


def acts_of_nodes(scenario: Scenario) -> Iterator[tuple[str, Act]]:
    """Every act that a step may do with a node, those inside of actions and choices too."""
    for step in scenario.single_steps:
        for node in step.nodes:
            yield from ((node, act) for act in _acts(scenario, step, node))


def report_impossible(reading: Reading, scenario: Scenario) -> None:
    """Report acts that cannot come true where they stand, whatever the programs do.

    A node is followed up to its first such act, or to a choice that decides about its state.
    """
    late = scenario.started_by_step
    states = {name: _State.WAITING if name in late else _State.RUNNING for name in scenario.nodes}
    for step in scenario.single_steps:
        for node in [node for node in step.nodes if node in states]:
            acts = list(_acts(scenario, step, node))
            moves = [act for act in acts if type(act) in _COURSE or _kills(act)]
            if moves and any(isinstance(act, Choose) for act in acts):
                del states[node]
            for act in moves if node in states else ():
                before, after = _COURSE.get(type(act), (tuple(_State), _State.ENDED))
                if states[node] not in before:
                    _report(reading, step, node, act, states.pop(node))
                    break
                states[node] = after


def _report(reading: Reading, step: Step, node: str, act: Act, state: _State) -> None:
    message = f"cannot {type(act).__name__.lower()} {node} here: {state}"
    reading.report("misplaced-step", message, step.span, _HINTS[state])


def _kills(act: Act) -> bool:
    return isinstance(act, SendSignal) and act.signal is Signal.KILL


def _acts(scenario: Scenario, step: Step, node: str) -> Iterator[Act]:
    known = scenario.nodes.get(node)
    return _flat(step.act, {} if known is None else known.program.actions)


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
