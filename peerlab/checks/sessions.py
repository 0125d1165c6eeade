"""When nodes were in: from what their programs printed, and from what steps did with them.

Nobody sees the moment in which a server takes somebody in or lets somebody go. So a session has a
time in which its node is in for sure, times in which it is gone for sure, and what lies between.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final

from peerlab.checks.searching import find_first
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence, NodeEvidence
from peerlab.evidence.spans import spans
from peerlab.scenario.model import Heal, Impair, Presence, Rule, Scenario, WireStep
from peerlab.scenario.values import no_variables

_ENDINGS: Final = {
    # One that was killed meanwhile is not resumed: what is started again does not stand still.
    Kind.PAUSED: ({Kind.RESUMED, Kind.STARTED}, "was paused"),
    Kind.UNPLUGGED: ({Kind.PLUGGED}, "was unplugged"),
}
_UPSETS: Final = frozenset({Kind.SIGNALLED, Kind.EXITED, Kind.UNPLUGGED})
"""What makes a server forget those who are in, or lose them."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A time, and what the node is in it: `was paused at 2.000 s`."""

    since: float
    until: float
    what: str


@dataclass(slots=True)
class Session:
    """One time that a program ran.

    Attributes:
        early: from when its node may have been in; infinite: it never was.
        joined: from when it was in for sure.
        leaving: until when it was.
        ended: when the program did.
        gone: when it must be on no list.
    """

    early: float = inf
    joined: float = inf
    leaving: float = inf
    ended: float = inf
    gone: list[Absence] = field(default_factory=list)

    def is_in(self, asked: float, shown: float) -> bool:
        """Whether it was in all the time in which a list was made."""
        return self.joined < asked and shown < self.leaving

    def is_out(self, asked: float, shown: float) -> bool:
        """Whether it was not in at any moment of that time."""
        return shown < self.early or self.why_gone(asked, shown) is not None

    def why_gone(self, asked: float, shown: float) -> Absence | None:
        """What it was that it must be on no list of that time."""
        for absence in self.gone:
            if absence.since <= asked and shown <= absence.until:
                return absence
        return None

    def suffer(self, trouble: Absence, within: float | None) -> None:
        """Take in that the node did not go in order for a while; it must be gone `within` that."""
        begin = max(trouble.since, self.early)
        if begin < min(trouble.until, self.ended):
            self.leaving = min(self.leaving, begin)
            if within is not None and begin + within < trouble.until:
                self.gone.append(Absence(begin + within, trouble.until, trouble.what))


class Typing:
    """Tells since when the latest answer of a program was awaited."""

    def __init__(self) -> None:
        self.since = 0.0
        self.is_answered = True

    def take(self, event: Event) -> None:
        """Take in what happens at the terminal; only the first line before an answer counts."""
        if event.kind in {Kind.TYPED, Kind.STARTED}:
            if self.is_answered or event.kind is Kind.STARTED:
                self.since = event.at
            self.is_answered = False
        elif event.kind is Kind.PRINTED and not event.detail.get("notice"):
            self.is_answered = True


def sessions(
    evidence: Evidence, scenario: Scenario, settle: float, within: float | None
) -> dict[str, list[Session]]:
    """The sessions of every node whose program says when it is in.

    Args:
        evidence: the run.
        scenario: what was played.
        settle: seconds for which a node may be listed after its program has ended.
        within: the same after it was killed, paused or cut off; None: for ever.
    """
    found = {}
    upsets = _upsets(evidence, scenario)
    cuts = _cuts(evidence, scenario)
    for name, node in scenario.nodes.items():
        presence = node.program.presence
        if presence is None or name not in evidence.nodes:
            continue
        own = evidence.nodes[name]
        troubles = [*_troubles(own), *cuts.get(name, ())]
        found[name] = list(_sessions(own, presence, settle, within))
        for session in found[name]:
            for trouble in troubles:
                session.suffer(trouble, within)
            times = upsets[frozenset(node.program.after)]
            next_upset = bisect_left(times, session.early)
            if next_upset < len(times):
                session.leaving = min(session.leaving, times[next_upset])
    return found


def _sessions(
    node: NodeEvidence, presence: Presence, settle: float, within: float | None
) -> Iterator[Session]:
    joined = presence.joined.compile(no_variables)
    session, typing, signalled, killed = Session(), Typing(), inf, False
    running = False
    for event in node.journal:
        match event.kind:
            case Kind.STARTED:
                session, typing, signalled, killed = Session(), Typing(), inf, False
                running = True
            case Kind.PRINTED if session.joined == inf and _says(event, joined):
                session.early, session.joined = typing.since, event.at
            case Kind.SIGNALLED | Kind.INPUT_ENDED:
                since = event.at if typing.is_answered else typing.since
                signalled = min(signalled, since)
                killed |= event.detail.get("signal") == "kill"
            case Kind.EXITED:
                _end(session, event, signalled if signalled < inf else typing.since)
                what = "was killed" if killed else "had ended"
                later = within if killed else settle
                if later is not None:
                    told = f"{what} at {event.at:.3f} s"
                    session.gone.append(Absence(event.at + later, inf, told))
                running = False
                yield _unanswered(session, typing)
            case _:
                pass
        typing.take(event)
    if running:
        yield _unanswered(session, typing)


def _says(event: Event, pattern: re.Pattern[str]) -> bool:
    return not event.detail.get("notice") and find_first(pattern, event.text) is not None


def _end(session: Session, event: Event, since: float) -> None:
    """Take in the end of the program; what the lab ends is ended after all that is looked at."""
    session.ended = event.at
    if event.detail["by"] != "lab":
        session.leaving = since


def _unanswered(session: Session, typing: Typing) -> Session:
    """The session; it may have been in where nobody saw the answer to the last line typed."""
    if session.joined == inf and not typing.is_answered:
        session.early = typing.since
    return session


def _troubles(node: NodeEvidence) -> Iterator[Absence]:
    """When the node stood still or had no cable."""
    for begins, (ends, what) in _ENDINGS.items():
        for begin, end in spans(node.course, begins, ends):
            yield _trouble(begin, inf if end is None else end, what)


def _trouble(since: float, until: float, what: str) -> Absence:
    return Absence(since, until, f"{what} at {since:.3f} s")


def _upsets(evidence: Evidence, scenario: Scenario) -> Mapping[frozenset[str], list[float]]:
    """When nodes of the programs that others come after were upset; sorted, by these programs."""
    found: dict[frozenset[str], list[float]] = defaultdict(list)
    for programs in {frozenset(node.program.after) for node in scenario.nodes.values()}:
        found[programs] = sorted(
            event.at
            for name in servers(scenario, programs)
            if name in evidence.nodes
            for event in evidence.nodes[name].course
            if event.kind in _UPSETS and event.detail.get("by") != "lab"
        )
    return found


def servers(scenario: Scenario, programs: frozenset[str]) -> list[str]:
    """The nodes of these programs."""
    return [name for name, node in scenario.nodes.items() if node.program.name in programs]


def _cuts(evidence: Evidence, scenario: Scenario) -> Mapping[str, list[Absence]]:
    """When partitions had cut nodes off from those that they come after."""
    found: dict[str, list[Absence]] = defaultdict(list)
    since = [(0.0, impair) for impair in scenario.network.impairments]
    for event in evidence.told_by_wire("changed"):
        step = scenario.steps[event.detail["number"] - 1]
        act = step.act if isinstance(step, WireStep) else None
        if isinstance(act, Impair):
            since.append((event.at, act))
        elif isinstance(act, Heal):
            healed = [each for each in since if act.name in {None, each[1].name}]
            since = [each for each in since if each not in healed]
            _add_cuts(found, scenario, healed, event.at)
    _add_cuts(found, scenario, since, inf)
    return found


def _add_cuts(
    found: Mapping[str, list[Absence]],
    scenario: Scenario,
    impairs: list[tuple[float, Impair]],
    until: float,
) -> None:
    for at, impair in impairs:
        for rule in impair.rules:
            if rule.effect == "cut":
                for name in _cut_off(scenario, rule):
                    found[name].append(_trouble(at, until, "was cut off"))


def _cut_off(scenario: Scenario, rule: Rule) -> Iterator[str]:
    """The nodes that a rule cuts off from a node that they come after, one way or both."""
    sources = set(scenario.nodes) if rule.source is None else set(rule.source)
    targets = set(scenario.nodes) if rule.target is None else set(rule.target)
    for name, node in scenario.nodes.items():
        above = servers(scenario, frozenset(node.program.after))
        if (name in sources and targets.intersection(above)) or (
            name in targets and sources.intersection(above)
        ):
            yield name
