"""Plays the steps of a scenario on a deployed lab and records what happens.

The first step that fails ends the play; collecting and judging still happen. Steps on several
nodes, and steps under `together`, run in one thread a node.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Final, assert_never

from peerlab.backend.base import LabWire
from peerlab.drive import kernel_trial
from peerlab.drive.awaited import Awaited
from peerlab.drive.scope import NotKnownYet, Scope, Variables
from peerlab.drive.terminal import StepFailed, Terminal
from peerlab.drive.trial import Change, measure, plans
from peerlab.errors import LabError
from peerlab.evidence.journal import Journal, Kind
from peerlab.scenario.model import (
    Act,
    Choose,
    Each,
    EndInput,
    Exits,
    Expect,
    Heal,
    Impair,
    Notice,
    Pause,
    Perform,
    Plug,
    Restart,
    Resume,
    Scenario,
    SendSignal,
    Start,
    StaysSilent,
    Step,
    Stop,
    Together,
    Type,
    Unplug,
    WireStep,
)

READY_WITHIN: Final = 30.0
"""Seconds that a node may take until it shows its ready sign."""

STOP_WITHIN: Final = 3.0
"""Seconds that a program may take to end after SIGTERM, before it is removed by force."""

_LOGS_AT_ONCE: Final = 4


class Director:
    """Starts the nodes, plays the steps, stops the nodes."""

    def __init__(
        self,
        scenario: Scenario,
        terminals: Mapping[str, Terminal],
        journal: Journal,
        wire: LabWire | None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """Play a scenario at its terminals, with the values of its secrets."""
        self._scenario = scenario
        self._wire = wire
        self._terminals = terminals
        self._journal = journal
        self._changes = dict(_changes(scenario))
        self._variables = Variables(secrets=secrets or {})
        for name, terminal in terminals.items():
            self._variables.add_node(name, terminal.ip)

    @property
    def known(self) -> Mapping[str, Mapping[str, str]]:
        """The variables of each node, as known so far."""
        return self._variables.known

    def try_network(self, seed: int, *, native: bool = False) -> bool:
        """Measure whether the wire does what the steps will ask of it; False: it does not.

        If it is `native` the kernel does some of it.
        """
        changes = [change for changes in self._changes.values() for change in changes]
        addresses = {name: terminal.ip for name, terminal in self._terminals.items()}
        by_wire, by_kernel = kernel_trial.split(changes) if native else (changes, [])
        tried = plans(by_wire, self._scenario.network, addresses)
        tried_natively = plans(by_kernel, self._scenario.network, addresses)
        untried = {change.step for change in changes} - {
            plan.change.step for plan in (*tried, *tried_natively)
        }
        if untried:
            self._journal.record(Kind.WIRE, None, "untried", steps=sorted(untried))
        if not tried and not tried_natively:
            return True
        findings = measure(self._the_wire, tried, seed, addresses)
        findings += kernel_trial.measure(self._the_wire, tried_natively)
        for finding in findings:
            self._journal.record(Kind.WIRE, None, "tried", **finding.as_dict())
        return all(finding.wrong is None for finding in findings)

    def start(self) -> bool:
        """Start every node after those that it needs are ready. False: one never became ready.

        The network is as the scenario wants it before the first of them starts.
        """
        self._impair(0)
        return all(_at_once(self._start_unasked, wave) for wave in start_waves(self._scenario))

    def play(self) -> bool:
        """Play the steps up to the first that fails; False if one did."""
        numbered = enumerate(self._scenario.steps, start=1)
        return all(self._play_step(number, step) for number, step in numbered)

    def stop(self) -> None:
        """Ask every program that still runs to end, and wait a moment for its last words."""
        # A client that sees its server go has not ended by itself.
        for terminal in self._terminals.values():
            terminal.release()
        for terminal in self._terminals.values():
            terminal.stop()
        for terminal in self._terminals.values():
            terminal.wait_ended(STOP_WITHIN)

    def compare(self) -> list[str]:
        """Compare what was read of the nodes with what the engine logged.

        Returns:
            The nodes of which that could be done: of the others nobody keeps a log, or not all was
            read.

        Raises:
            LabError: it is not the same.
        """
        names = list(self._terminals)
        with ThreadPoolExecutor(max_workers=_LOGS_AT_ONCE) as pool:
            compared = list(pool.map(lambda name: self._terminals[name].compare(), names))
        return [name for name, done in zip(names, compared, strict=True) if done]

    def leave(self) -> None:
        """Leave the programs running, and take what they showed so far as it is."""
        for terminal in self._terminals.values():
            terminal.leave()

    def abandon(self) -> None:
        """Let a play in another thread end at once."""
        for terminal in self._terminals.values():
            terminal.release()
            terminal.abandon()

    def _start_unasked(self, name: str) -> bool:
        """Start a node before the first step; False if it never became ready."""
        span = self._scenario.nodes[name].span
        try:
            self._start_node(name)
        except StepFailed as failure:
            self._record_failure(failure, line=span.line, column=span.column)
            return False
        return True

    def _start_node(self, name: str) -> None:
        self._terminals[name].start()
        self._become_ready(name)

    def _become_ready(self, name: str) -> None:
        ready = self._scenario.nodes[name].program.ready
        if ready is not None:
            scope = self._scope(name)
            self._terminals[name].ready(Awaited.of(ready, scope.resolve), READY_WITHIN)
            self._journal.record(Kind.READY, name)

    def _play_step(self, number: int, step: Step | Together | WireStep) -> bool:
        if isinstance(step, WireStep):
            return self._play_wire(number, step)
        steps = step.steps if isinstance(step, Together) else (step,)
        lanes: dict[str, list[Step]] = defaultdict(list)
        for single in steps:
            for node in single.nodes:
                lanes[node].append(single)
        return _at_once(lambda node: self._play_lane(number, node, lanes[node]), tuple(lanes))

    def _play_wire(self, number: int, step: WireStep) -> bool:
        """Change the network."""
        where = {"line": step.span.line, "column": step.span.column}
        self._journal.record(Kind.STEP, None, step.text, number=number, **where)
        if isinstance(step.act, Heal):
            self._the_wire.heal(step.act.name)
        else:
            self._impair(number)
        self._journal.record(Kind.WIRE, None, "changed", number=number)
        return True

    def _impair(self, step: int) -> None:
        """Put the rules of a step in force."""
        for change in self._changes.get(step, ()):
            self._the_wire.put(change.rules)

    @property
    def _the_wire(self) -> LabWire:
        if self._wire is None:
            raise LabError("the lab has no wire that steps can change")
        return self._wire

    def _play_lane(self, number: int, node: str, steps: Sequence[Step]) -> bool:
        """Play one node's part of a step."""
        for step in steps:
            where = {"line": step.span.line, "column": step.span.column}
            self._journal.record(Kind.STEP, node, step.text, number=number, **where)
            try:
                self._act(node, step.act, self._scope(node))
            except StepFailed as failure:
                self._record_failure(failure, number=number, step=step.text, **where)
                return False
        return True

    def _record_failure(self, failure: StepFailed, **detail: object) -> None:
        """Record what did not come true, if it is not the network that stands still.

        Raises:
            LabError: the network stands still.
        """
        if self._wire is not None:
            self._wire.check()
        self._journal.record(
            Kind.STEP_FAILED,
            failure.node,
            failure.message,
            **failure.detail,
            **detail,
        )

    def _scope(self, node: str) -> Scope:
        return Scope(self._variables, {}, {"node": (node,)})

    def _act(self, node: str, act: Act, scope: Scope) -> None:  # noqa: C901, PLR0912 - one case an act
        terminal = self._terminals[node]
        try:
            match act:
                case Type():
                    terminal.type(act.text.render(scope.resolve), secret=act.secret)
                case Expect():
                    found = terminal.expect(
                        [Awaited.of(act.pattern, scope.resolve)], self._within(act.within)
                    )
                    self._variables.capture(node, found.match)
                    if act.learn is not None:
                        self._variables.learn(act.learn.compile(scope.resolve), found.match[0])
                case Notice():
                    match = terminal.notice(
                        Awaited.of(act.pattern, scope.resolve), self._within(act.within)
                    )
                    self._variables.capture(node, match)
                case Choose():
                    self._choose(node, act, scope)
                case Each():
                    for target in scope.nodes[act.parameter]:
                        inner = replace(scope, nodes={**scope.nodes, act.parameter: (target,)})
                        self._act_all(node, act.acts, inner)
                case Perform():
                    self._perform(node, act, scope)
                case Start() | Pause() | Resume() | Stop() | Restart():
                    self._switch(node, act)
                case Unplug() | Plug():
                    connected = isinstance(act, Plug)
                    self._the_wire.plug(node, connected=connected)
                    self._journal.record(Kind.PLUGGED if connected else Kind.UNPLUGGED, node)
                case StaysSilent():
                    terminal.stays_silent(act.seconds)
                case EndInput():
                    terminal.end_input()
                case SendSignal():
                    terminal.signal(act.signal)
                case Exits():
                    terminal.exits(act.status, self._within(act.within))
                case _:
                    assert_never(act)
        except NotKnownYet as unknown:
            raise StepFailed(
                str(unknown), node=node, waited=0, since="", state=terminal.state()
            ) from None

    def _switch(self, node: str, act: Start | Pause | Resume | Stop | Restart) -> None:
        """Start or end the program, or let the node stand still."""
        terminal = self._terminals[node]
        match act:
            case Start():
                self._start_node(node)
            case Pause():
                terminal.pause()
            case Resume():
                terminal.resume()
            case Stop():
                terminal.finish(act.within)
            case Restart():
                terminal.restart(act.within)
                self._become_ready(node)

    def _act_all(self, node: str, acts: Sequence[Act], scope: Scope) -> None:
        for act in acts:
            self._act(node, act, scope)

    def _choose(self, node: str, act: Choose, scope: Scope) -> None:
        awaited = [Awaited.of(pattern, scope.resolve) for pattern, _ in act.branches]
        found = self._terminals[node].expect(awaited, self._within(act.within))
        self._variables.capture(node, found.match)
        self._act_all(node, act.branches[found.index][1], scope)

    def _perform(self, node: str, act: Perform, scope: Scope) -> None:
        program = self._scenario.nodes[node].program
        action = program.actions[act.action]
        texts = {name: text.render(scope.resolve) for name, text in act.texts.items()}
        inner = Scope(self._variables, texts, {"node": (node,), **act.nodes})
        self._act_all(node, action.dialogue, inner)
        if action.sends is not None and program.messages.sent is None:
            text = action.sends.text.render(inner.resolve)
            for target in inner.nodes[action.sends.to]:
                peer = self._terminals[target].ip
                self._journal.record(Kind.SENT, node, text, id=None, peer=peer, by="script")

    def _within(self, within: float | None) -> float:
        return self._scenario.within if within is None else within


def _changes(scenario: Scenario) -> Iterator[tuple[int, list[Change]]]:
    """What steps do to the network, by their number; 0: the start.

    Ids of rules are the same on every replay, so rules decide the same.
    """
    acts: dict[int, Sequence[Impair]] = {0: scenario.network.impairments}
    for number, step in enumerate(scenario.steps, start=1):
        if isinstance(step, WireStep) and isinstance(step.act, Impair):
            acts[number] = [step.act]
    for number, impairs in acts.items():
        ids = (f"{number}.{index}" for index in count())
        changes = [
            [rule.as_dict(next(ids), impair.name) for rule in impair.rules] for impair in impairs
        ]
        yield number, [Change(number, rules) for rules in changes]


def start_waves(scenario: Scenario) -> list[tuple[str, ...]]:
    """The order in which nodes start: each wave needs only programs of the waves before it.

    Nodes that a step starts are left out. The loader has refused programs that wait for each other.
    """
    waves: list[tuple[str, ...]] = []
    later = scenario.started_by_step
    left = {name: node for name, node in scenario.nodes.items() if name not in later}
    while left:
        waiting = {node.program.name for node in left.values()}
        wave = tuple(name for name, node in left.items() if waiting.isdisjoint(node.program.after))
        waves.append(wave)
        left = {name: node for name, node in left.items() if name not in wave}
    return waves


def _at_once(play: Callable[[str], bool], nodes: Sequence[str]) -> bool:
    """Do the same for several nodes at the same time; True if it went well for all."""
    if len(nodes) == 1:
        return play(nodes[0])
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        return all(list(pool.map(play, nodes)))
