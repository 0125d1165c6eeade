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
    Plug,
    Restart,
    Resume,
    Scenario,
    SendSignal,
    Signal,
    Start,
    Step,
    Stop,
    Unplug,
)
from peerlab.scenario.reading import Reading


class _State(StrEnum):
    """What a node is in, as a person would say it."""

    WAITING = "it is not started yet"
    RUNNING = "it is not paused"
    PAUSED = "it is paused already"
    ENDED = "its program has ended"


class _Cable(StrEnum):
    """Where a node's cable is, whatever its program does."""

    PLUGGED = "it is not unplugged"
    UNPLUGGED = "it is unplugged already"


_HINTS: Final[dict[StrEnum, str]] = {
    _State.WAITING: "'start' it before",
    _State.RUNNING: "'pause' it before",
    _State.PAUSED: "'resume' it before",
    _State.ENDED: "'restart' starts it again",
    _Cable.PLUGGED: "'unplug' it before",
    _Cable.UNPLUGGED: "'plug' it before",
}
_STARTED: Final = (_State.RUNNING, _State.PAUSED, _State.ENDED)

_Moves = Mapping[type[Act], tuple[Sequence[StrEnum], StrEnum]]
"""In which states an act can come true, and what it leads to."""

_PROGRAM: Final[_Moves] = {
    Start: (tuple(_State), _State.RUNNING),
    Pause: ((_State.RUNNING,), _State.PAUSED),
    Resume: ((_State.PAUSED,), _State.RUNNING),
    Stop: (_STARTED, _State.ENDED),
    Restart: (_STARTED, _State.RUNNING),
    Exits: (tuple(_State), _State.ENDED),
    # Of the signals, only the one that kills moves anything.
    SendSignal: (tuple(_State), _State.ENDED),
}
_CABLE: Final[_Moves] = {
    Unplug: ((_Cable.PLUGGED,), _Cable.UNPLUGGED),
    Plug: ((_Cable.UNPLUGGED,), _Cable.PLUGGED),
}


def acts_of_nodes(scenario: Scenario) -> Iterator[tuple[str, Act]]:
    """Every act that a step may do with a node, those inside of actions and choices too."""
    for step in scenario.single_steps:
        for node in step.nodes:
            yield from ((node, act) for act in _acts(scenario, step, node))


def acts_of_programs(scenario: Scenario) -> Iterator[Act]:
    """Every act in the actions of the scenario's programs, whether a step plays them or not."""
    for program in scenario.programs.values():
        for action in program.actions.values():
            for act in action.dialogue:
                yield from flat(act, program.actions)


def report_impossible(reading: Reading, scenario: Scenario) -> None:
    """Report acts that cannot come true where they stand, whatever the programs do.

    A node is followed up to its first such act, or to a choice that decides about its state. Its
    cable has a course of its own.
    """
    late = scenario.started_by_step
    programs: dict[str, StrEnum] = {
        name: _State.WAITING if name in late else _State.RUNNING for name in scenario.nodes
    }
    _follow(reading, scenario, _PROGRAM, programs)
    _follow(reading, scenario, _CABLE, dict.fromkeys(scenario.nodes, _Cable.PLUGGED))


def _follow(
    reading: Reading, scenario: Scenario, course: _Moves, states: dict[str, StrEnum]
) -> None:
    for step in scenario.single_steps:
        for node in [node for node in step.nodes if node in states]:
            acts = list(_acts(scenario, step, node))
            moves = [act for act in acts if type(act) in course and not _interrupts(act)]
            if moves and any(isinstance(act, Choose) for act in acts):
                del states[node]
            for act in moves if node in states else ():
                before, after = course[type(act)]
                if states[node] not in before:
                    _report(reading, step, node, act, states.pop(node))
                    break
                states[node] = after


def _report(reading: Reading, step: Step, node: str, act: Act, state: StrEnum) -> None:
    message = f"cannot {type(act).__name__.lower()} {node} here: {state}"
    reading.report("misplaced-step", message, step.span, _HINTS[state])


def _interrupts(act: Act) -> bool:
    return isinstance(act, SendSignal) and act.signal is Signal.INTERRUPT


def _acts(scenario: Scenario, step: Step, node: str) -> Iterator[Act]:
    known = scenario.nodes.get(node)
    return flat(step.act, {} if known is None else known.program.actions)


def flat(act: Act, actions: Mapping[str, Action]) -> Iterator[Act]:
    """The act and all that is inside of it; an action is one of `actions`."""
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
        yield from flat(part, actions)
