"""Which action of a program a stretch of a dialogue was.

An action's dialogue is played on what was recorded, as the director plays it on a live terminal,
but for its arguments: these are what makes it fit. Where several could, each is tried.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from peerlab.drive.scope import Scope, Variables
from peerlab.record.fit import Fit, Known, Place, State, past
from peerlab.record.stream import Control, Ended, Item, Stream, Typed
from peerlab.scenario.model import (
    Act,
    Action,
    Choose,
    Each,
    EndInput,
    Exits,
    Expect,
    Notice,
    Parameter,
    ParameterKind,
    SendSignal,
    Type,
)
from peerlab.scenario.values import Template

_MOST_ACTS: Final = 20_000
"""Acts after which an action is taken not to fit: many nodes can stand in very many orders."""


@dataclass(frozen=True, slots=True)
class Lifted:
    """An action that fits, with its arguments, and what is known after it.

    Attributes:
        until: the position of the last that belongs to it.
    """

    action: Action
    texts: Mapping[str, str]
    nodes: Mapping[str, tuple[str, ...]]
    place: Place
    until: int
    known: Known


def lifts(
    actions: Mapping[str, Action], stream: Stream, place: Place, known: Known
) -> list[Lifted]:
    """The actions that fit what comes next and do something; none where no action fits.

    Args:
        actions: those of the program.
        stream: what was recorded of the node.
        place: up to where its steps are known.
        known: the variables of all nodes at that time.
    """
    attempts = (_Attempt(action, stream, known).first(place) for action in actions.values())
    return [found for found in attempts if found is not None and found.place.item > place.item]


def lift_notice(
    actions: Mapping[str, Action], stream: Stream, place: Place, notice: int, known: Known
) -> Lifted | None:
    """The action that does nothing but wait for that notice; None: there is none."""
    for action in actions.values():
        if len(action.dialogue) == 1 and isinstance(action.dialogue[0], Notice):
            before = frozenset(range(notice))
            lifted = _Attempt(action, stream, known).first(replace(place, taken=before))
            if lifted is not None and notice in lifted.place.taken:
                return replace(lifted, place=replace(place, taken=place.taken | {notice}))
    return None


class _Attempt:
    """Plays the dialogue of one action on a recorded stream."""

    def __init__(self, action: Action, stream: Stream, known: Known) -> None:
        self._action = action
        self._stream = stream
        self._known = known
        self._left = _MOST_ACTS
        self._nodes: Final = tuple(known)
        self._kinds: Final = {each.name: each.kind for each in action.parameters}

    def first(self, place: Place) -> Lifted | None:
        """The first way in which the action fits."""
        start = State(place, -1, self._known, nodes={"node": (self._stream.node,)})
        for state in self._play(self._action.dialogue, start):
            if all(self._is_given(parameter, state) for parameter in self._action.parameters):
                nodes = state.release("node").nodes
                return Lifted(
                    self._action, state.texts, nodes, state.place, state.until, state.known
                )
        return None

    def _is_given(self, parameter: Parameter, state: State) -> bool:
        if parameter.kind is ParameterKind.TEXT:
            return parameter.name in state.texts or parameter.default is not None
        return parameter.name in state.nodes

    def _play(self, acts: Sequence[Act], state: State) -> Iterator[State]:
        if not acts:
            yield state
            return
        for after in self._act(acts[0], state):
            yield from self._play(acts[1:], after)

    def _act(self, act: Act, state: State) -> Iterator[State]:
        self._left -= 1
        if self._left < 0:
            return
        match act:
            case Type():
                yield from self._type(act, state)
            case Expect():
                yield from self._expect(act, state)
            case Notice():
                yield from self._notice(act, state)
            case Choose():
                yield from self._choose(act, state)
            case Each():
                yield from self._rounds(act, state, ())
            case Exits() | EndInput() | SendSignal():
                yield from self._ends(act, state)
            case _:
                pass

    def _type(self, act: Type, state: State) -> Iterator[State]:
        item = self._next(state)
        # What was hidden has to be hidden by the action, too.
        if not isinstance(item, Typed) or (item.is_secret and not act.secret):
            return
        for guess in self._guesses(act.text, state):
            fit = Fit.of(act.text, self._scope(guess), self._kinds, guess, re.escape)
            match = None if fit is None else fit.pattern.fullmatch(item.text)
            if fit is not None and match is not None:
                place = past(guess.place, item)
                yield fit.bound(guess, match).at(place, item.position)

    def _expect(self, act: Expect, state: State) -> Iterator[State]:
        place = state.place
        text = self._stream.text[place.cursor : self._stream.limit(place.item)]
        for guess in self._guesses(act.pattern.template, state):
            fit = self._fit(act, guess)
            match = None if fit is None else fit.pattern.search(text)
            if fit is None or match is None:
                continue
            after = self._read(fit, match, guess)
            if act.learn is not None:
                variables = self._variables(after)
                variables.learn(act.learn.compile(self._scope(after).resolve), match[0])
                after = replace(after, known=variables.known)
            yield after

    def _choose(self, act: Choose, state: State) -> Iterator[State]:
        place = state.place
        text = self._stream.text[place.cursor : self._stream.limit(place.item)]
        found = []
        for index, (pattern, _) in enumerate(act.branches):
            fit = self._fit(Expect(pattern), state)
            match = None if fit is None else fit.pattern.search(text)
            if fit is not None and match is not None:
                found.append((match.start(), index, fit, match))
        if found:
            _, index, fit, match = min(found, key=lambda branch: branch[:2])
            yield from self._play(act.branches[index][1], self._read(fit, match, state))

    def _notice(self, act: Notice, state: State) -> Iterator[State]:
        for guess in self._guesses(act.pattern.template, state):
            fit = self._fit(Expect(act.pattern), guess)
            for index, notice in enumerate(self._stream.notices):
                if fit is None or index in guess.place.taken:
                    continue
                match = fit.pattern.search(notice.text)
                if match is not None:
                    place = replace(guess.place, taken=guess.place.taken | {index})
                    yield self._captured(fit, match, guess).at(place, notice.position)
                    break

    def _rounds(self, act: Each, state: State, done: tuple[str, ...]) -> Iterator[State]:
        """As many rounds as there are said to be, or as fit; the most first."""
        name = act.parameter
        wanted = state.counts.get(name)
        if len(done) < (len(self._nodes) if wanted is None else wanted):
            for after in self._play(act.acts, state):
                target = after.nodes.get(name, ())
                if target and target[0] not in done:
                    yield from self._rounds(act, after.release(name), (*done, target[0]))
        if done and wanted in {None, len(done)}:
            yield state.bind(name, *done)

    def _ends(self, act: Exits | EndInput | SendSignal, state: State) -> Iterator[State]:
        item = self._next(state)
        if isinstance(act, Exits):
            fits = isinstance(item, Ended) and act.status in {None, item.status}
        else:
            name = "eof" if isinstance(act, EndInput) else act.signal.value
            fits = isinstance(item, Control) and item.act == name
        if item is not None and fits:
            yield state.at(past(state.place, item), item.position)

    def _next(self, state: State) -> Item | None:
        items, index = self._stream.items, state.place.item
        return items[index] if index < len(items) else None

    def _guesses(self, template: Template, state: State) -> Iterator[State]:
        """States in which every node that the template speaks of is one of those there are."""
        for reference in template.references:
            kind = self._kinds.get(reference.name, ParameterKind.TEXT)
            is_node = kind is not ParameterKind.TEXT and reference.attribute != "count"
            if is_node and reference.name not in state.nodes:
                for node in self._nodes:
                    yield from self._guesses(template, state.bind(reference.name, node))
                return
        yield state

    def _fit(self, act: Expect, state: State) -> Fit | None:
        """What finds the pattern; None where nothing of it is fixed, so that anything would fit."""
        escape = str if act.pattern.is_regex else re.escape
        template = act.pattern.template
        fit = Fit.of(template, self._scope(state), self._kinds, state, escape)
        is_fixed = any(isinstance(part, str) for part in template.parts)
        return fit if fit is not None and (is_fixed or not fit.texts) else None

    def _read(self, fit: Fit, match: re.Match[str], state: State) -> State:
        cursor = state.place.cursor + match.end()
        place = replace(state.place, cursor=cursor, settled=max(cursor, state.place.settled))
        return self._captured(fit, match, state).at(place, self._stream.position_of(cursor))

    def _captured(self, fit: Fit, match: re.Match[str], state: State) -> State:
        after = fit.bound(state, match)
        own = {**fit.texts, **fit.counts}
        variables = self._variables(after)
        variables.known[self._stream.node].update(
            (name, value)
            for name, value in match.groupdict().items()
            if value is not None and name not in own
        )
        return replace(after, known=variables.known)

    def _variables(self, state: State) -> Variables:
        return Variables({node: dict(known) for node, known in state.known.items()})

    def _scope(self, state: State) -> Scope:
        return Scope(self._variables(state), state.texts, state.nodes)
