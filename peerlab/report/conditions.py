"""What was in force, and since when: states of nodes, and what the scenario did to the network."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from peerlab.evidence.journal import SAID, Event, Kind
from peerlab.evidence.spans import spans
from peerlab.report.details import number_in, texts_in
from peerlab.scenario.model import Heal, Impair, Rule, Scenario, WireStep

RUNS: Final = "runs"
PAUSED: Final = "paused"
UNPLUGGED: Final = "unplugged"

PLAIN: Final = "plain"
ODD: Final = "odd"
FAILED: Final = "failed"

_STATES: Final = {
    RUNS: (Kind.STARTED, {Kind.EXITED}),
    PAUSED: (Kind.PAUSED, {Kind.RESUMED, Kind.EXITED}),
    UNPLUGGED: (Kind.UNPLUGGED, {Kind.PLUGGED}),
}
"""What begins the states of a node, and what ends them."""
_WORDS: Final = {
    Kind.PAUSED: "paused",
    Kind.RESUMED: "resumed",
    Kind.UNPLUGGED: "unplugged",
    Kind.PLUGGED: "plugged in",
}
_STEP: Final = re.compile(r"step (\d+) \(")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to a node: as it goes, odd, or failed."""

    at: float
    node: str
    text: str
    look: str

    @property
    def is_odd(self) -> bool:
        """Whether people look for it first."""
        return self.look != PLAIN


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a node was in a state."""

    node: str
    state: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Change:
    """A step of the wire: its number, 0 for the start, and its text without the word `wire`."""

    at: float
    number: int
    text: str

    @property
    def shown(self) -> str:
        """Which step it is, for people."""
        return f"step {self.number}" if self.number else "from the start"


@dataclass(slots=True)
class Band:
    """What a step of the wire put in force, from `begin` until `end`."""

    number: int
    text: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of them, each in order of time; and when nodes ended that did not start again."""

    marks: Sequence[Mark]
    stretches: Sequence[Stretch]
    changes: Sequence[Change]
    bands: Sequence[Band]
    ended: Mapping[str, float] = field(default_factory=dict)


def read_conditions(journal: Iterable[Event], scenario: Scenario) -> Conditions:
    """Read what was in force, in one pass over the journal."""
    reader = _Reader(scenario)
    now = 0.0
    for event in journal:
        now = max(now, event.at)
        if event.kind not in SAID:
            reader.take(event)
    return reader.result(now)


@dataclass(slots=True)
class _Open:
    """A band that has not ended, and what of it is in force still."""

    band: Band
    name: str | None
    rules: set[str]


def _is_exact(rule: Rule) -> bool:
    """Whether it speaks of single datagrams, and so ends with the last of them."""
    return rule.effect.endswith("-these")


def _subject(rule: Rule) -> str:
    """What another rule has to be about to take its place."""
    kind = rule.arguments.get("kind", rule.effect)
    kind = "loss" if kind == "bursts" else kind
    return f"{kind} {rule.source} {rule.target} {rule.protocol} {rule.port}"


@dataclass(slots=True)
class _Reader:
    scenario: Scenario
    marks: list[Mark] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _ended: dict[str, float] = field(default_factory=dict)
    _courses: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _hits: dict[int, float] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        if event.kind is Kind.DATAGRAM:
            for told in texts_in(event, "by"):
                if match := _STEP.match(told):
                    number = int(match[1])
                    self._hits[number] = max(self._hits.get(number, 0.0), event.at)
        elif event.node is not None:
            self._take_of_node(event, event.node)
        elif event.kind is Kind.RUN:
            for impairment in self.scenario.network.impairments:
                text = _shown(impairment)
                self.changes.append(Change(event.at, 0, text))
                self._impair(event.at, 0, text, impairment)
        elif event.kind is Kind.STEP:
            self._take_of_wire(event, int(number_in(event, "number")))

    def result(self, now: float) -> Conditions:
        """All conditions; what has not ended lasts until now."""
        for waiting in self._open:
            self._close(waiting, now)
        stretches = [
            Stretch(node, state, begin, now if end is None else end)
            for node, course in self._courses.items()
            for state, (begins, ends) in _STATES.items()
            for begin, end in spans(course, begins, ends)
        ]
        self.marks.sort(key=lambda mark: mark.at)
        self.bands.sort(key=lambda band: (band.begin, band.number))
        return Conditions(self.marks, stretches, self.changes, self.bands, self._ended)

    # Nodes

    def _take_of_node(self, event: Event, node: str) -> None:
        self._courses[node].append(event)
        if event.kind is Kind.EXITED:
            self._ended[node] = event.at
        elif event.kind is Kind.STARTED:
            self._ended.pop(node, None)
        told = _of_node(event)
        if told is not None:
            self.marks.append(Mark(event.at, node, *told))

    # The wire

    def _take_of_wire(self, event: Event, number: int) -> None:
        text = event.text.removeprefix("wire: ")
        self.changes.append(Change(event.at, number, text))
        steps = self.scenario.steps
        step = steps[number - 1] if 0 < number <= len(steps) else None
        if not isinstance(step, WireStep):
            return
        match step.act:
            case Heal(name):
                self._heal(event.at, name)
            case Impair() as act:
                self._impair(event.at, number, text, act)

    def _heal(self, at: float, name: str | None) -> None:
        for waiting in self._open:
            if name is None or waiting.name == name:
                self._close(waiting, at)
        self._open = [waiting for waiting in self._open if waiting.rules]

    def _impair(self, at: float, number: int, text: str, act: Impair) -> None:
        replaced = {
            _subject(rule) for rule in act.rules if not _is_exact(rule) and rule.effect != "cut"
        }
        for waiting in self._open:
            waiting.rules -= replaced
            if not waiting.rules:
                self._close(waiting, at)
        self._open = [waiting for waiting in self._open if waiting.rules]
        rules: set[str] = set()
        for place, rule in enumerate(act.rules):
            if _is_exact(rule):
                rules.add(f"exact {place}")
            elif rule.effect == "cut":
                rules.add(f"cut {place}")
            elif rule.effect != "off":
                rules.add(_subject(rule))
        if rules:
            self._open.append(_Open(Band(number, text, at, at), act.name, rules))

    def _close(self, waiting: _Open, at: float) -> None:
        """End a band; one of single datagrams has ended with the last of them."""
        band = waiting.band
        exact = all(rule.startswith("exact") for rule in waiting.rules)
        hit = self._hits.get(band.number) if exact and waiting.rules else None
        band.end = at if hit is None else max(hit, band.begin)
        waiting.rules.clear()
        self.bands.append(band)


def _shown(impairment: Impair) -> str:
    """What the network does from the start."""
    return ", ".join(dict.fromkeys(rule.shown for rule in impairment.rules))


def _of_node(event: Event) -> tuple[str, str] | None:
    """What is said of a node, and how it looks."""
    about = event.detail
    match event.kind:
        case Kind.STARTED:
            return ("starts again", ODD) if "again" in about else ("starts", PLAIN)
        case Kind.SIGNALLED:
            return f"signal: {about.get('signal')}", ODD
        case Kind.EXITED:
            status = about.get("status")
            return f"exit {status}", PLAIN if status == 0 or about.get("by") == "lab" else ODD
        case Kind.STEP_FAILED:
            return f"step {about['number']} failed" if "number" in about else "failed", FAILED
        case Kind.TRUNCATED:
            return "output cut off", ODD
        case _:
            return (_WORDS[event.kind], ODD) if event.kind in _WORDS else None
