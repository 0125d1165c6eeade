"""Finds where two runs of the same scenario first went apart."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Final, NamedTuple

from peerlab.compare.retelling import Lane, Part, Told, retell, retell_network
from peerlab.compare.speech import Speech, speech_of
from peerlab.errors import UsageError
from peerlab.evidence.journal import Event, Kind
from peerlab.scenario.model import Scenario, Together

BEFORE: Final = 3
"""How much is told of what both runs had in common."""

Deed = tuple[Lane, Told]
_Pair = tuple[Told | None, Told | None]


class NotComparable(UsageError):  # noqa: N818 - what is the case, as in its base
    """Raised for runs that were not asked the same."""


@dataclass(frozen=True)
class Played:
    """One of two runs: its journal, and the scenario that was played."""

    journal: Sequence[Event]
    scenario: Scenario

    @cached_property
    def steps(self) -> list[tuple[float, int]]:
        """When each step began, and its number; in order."""
        began: dict[int, float] = {}
        for event in self.journal:
            if event.kind is Kind.STEP:
                began.setdefault(event.detail["number"], event.at)
        return sorted((at, number) for number, at in began.items())

    def step_at(self, at: float) -> tuple[int, float]:
        """Which step was under way, and for how many seconds; step 0 is before the first."""
        place = bisect_right(self.steps, (at, len(self.scenario.steps)))
        began, number = self.steps[place - 1] if place else (0.0, 0)
        return number, at - began

    @property
    def failure(self) -> str | None:
        """Why it did not come to its end as foreseen, where it did not."""
        told = (
            f"step {event.detail['number']} failed: {event.text}"
            if "number" in event.detail
            else event.text
            for event in self.journal
            if event.kind in {Kind.STEP_FAILED, Kind.BROKE}
        )
        return next(told, None)


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two runs did where they went apart.

    Attributes:
        told: what it did; None: nothing more of the kind.
        step: the number of the step that was under way then; 0: none yet.
        text: that step as its author wrote it.
        ended: when its record ends, in seconds.
        failure: why it did not come to its end as foreseen, where it did not.
    """

    told: Told | None
    step: int
    text: str | None
    ended: float
    failure: str | None


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where two runs first went apart.

    Attributes:
        node: whose parts are different; empty: the lab's.
        what: what is different, as the lanes of a part are called.
        before: what the node had done last in both of them, in order.
        sides: what each of them did.
    """

    node: str
    what: str
    before: tuple[Deed, ...]
    sides: tuple[Side, Side]


class _Difference(NamedTuple):
    node: str
    lane: Lane
    pair: _Pair


def compare(one: Played, other: Played) -> Divergence | None:
    """Find where two runs first went apart; None: nowhere.

    The first difference is that of the earliest step, and within it the earliest since the step
    began.

    Raises:
        NotComparable: they are of different scenarios, or of different versions of one.
    """
    require_same(one.scenario, other.scenario)
    runs = (one, other)
    speech = speech_of(one.scenario, [run.journal for run in runs])
    parts = [_parts(run, speech, others) for run, others in zip(runs, reversed(runs), strict=True)]
    same: dict[str, list[tuple[Lane, Told, Told]]] = {}
    found = [
        difference
        for node in parts[0].keys() | parts[1].keys()
        for difference in _differences(
            node, parts[0].get(node, {}), parts[1].get(node, {}), same.setdefault(node, [])
        )
    ]
    if not found:
        return None

    def moment(difference: _Difference) -> tuple[tuple[int, float], str]:
        told = zip(runs, difference.pair, strict=True)
        first = min(run.step_at(deed.at) for run, deed in told if deed is not None)
        return first, difference.node

    first = min(found, key=moment)
    latest = moment(first)[0][0]
    pair = _completed(first, sorted(found, key=moment))
    return Divergence(
        first.node,
        first.lane.what,
        tuple(_before(first, same[first.node])),
        (_side(one, pair[0], latest), _side(other, pair[1], latest)),
    )


def require_same(one: Scenario, other: Scenario) -> None:
    """Refuse scenarios that do not ask the same of the programs.

    Raises:
        NotComparable: says what is different.
    """
    hint = "compare runs of one scenario, in one version"
    steps, others = step_texts(one), step_texts(other)
    if one.name != other.name and (steps != others or one.nodes.keys() != other.nodes.keys()):
        message = f"these are runs of different scenarios: {one.name} and {other.name}"
        raise NotComparable(message, hint=hint)
    if one.nodes.keys() != other.nodes.keys():
        raise NotComparable("the scenarios have different nodes", hint=hint)
    if one.network != other.network:
        raise NotComparable("the scenarios have different networks", hint=hint)
    for number, (step, another) in enumerate(zip(steps, others, strict=False), start=1):
        if step != another:
            message = f"the steps differ from step {number} on: `{step}` and `{another}`"
            raise NotComparable(message, hint=hint)
    if len(steps) != len(others):
        common = min(len(steps), len(others))
        message = f"the steps differ from step {common + 1} on: one of the runs has only {common}"
        raise NotComparable(message, hint=hint)


def step_texts(scenario: Scenario) -> list[str]:
    """Each step as its author wrote it; the first is step 1."""
    return [
        f"together: {'; '.join(single.text for single in step.steps)}"
        if isinstance(step, Together)
        else step.text
        for step in scenario.steps
    ]


def _parts(run: Played, speech: Speech, other: Played) -> dict[str, Part]:
    """Each node's part, with what became of its datagrams where both runs tell that."""
    parts = retell(run.journal, speech)
    if _network_of(run) is not None and _network_of(run) == _network_of(other):
        for node, lanes in retell_network(run.journal, speech).items():
            parts[node] = {**parts.get(node, {}), **lanes}
    return parts


def _network_of(run: Played) -> object | None:
    """What the network was; None where nobody saw it."""
    seen = any(event.kind in {Kind.DATAGRAM, Kind.CONNECTION} for event in run.journal)
    return run.journal[0].detail.get("wire") if seen else None


def _differences(
    node: str, part: Part, other: Part, same: list[tuple[Lane, Told, Told]]
) -> Iterator[_Difference]:
    """The first difference in each lane of a node; what comes before it is added to `same`."""
    for lane in part.keys() | other.keys():
        one, another = _alone(lane, part, other), _alone(lane, other, part)
        for pair in _paired(one, another, short=lane.what == "network"):
            if pair[0] != pair[1]:
                yield _Difference(node, lane, pair)
                break
            same.extend((lane, first, second) for first, second in [pair] if first and second)


def _alone(lane: Lane, part: Part, other: Part) -> Sequence[Told]:
    """A lane; without an order, only what the other one does not have as well."""
    told = part.get(lane, ())
    if lane.ordered:
        return told
    common = Counter(told) & Counter(other.get(lane, ()))
    left = []
    for each in told:
        if common[each]:
            common[each] -= 1
        else:
            left.append(each)
    return sorted(left, key=lambda each: each.at)


def _paired(one: Sequence[Told], other: Sequence[Told], *, short: bool) -> Iterator[_Pair]:
    """What both did in the same place; if `short`, only as far as both did something.

    How many datagrams a program sends may depend on the time, and what it says of them is compared.
    """
    for place in range((min if short else max)(len(one), len(other))):
        yield (
            one[place] if place < len(one) else None,
            other[place] if place < len(other) else None,
        )


def _completed(first: _Difference, found: Sequence[_Difference]) -> _Pair:
    """What both did, where one did the like with somebody else instead, such as hear another."""
    if None not in first.pair:
        return first.pair
    there = first.pair.index(None)
    for node, lane, pair in found:
        alike = (node, lane.what) == (first.node, first.lane.what)
        if alike and pair[there] is not None and pair[1 - there] is None:
            return (pair[0] or first.pair[0], pair[1] or first.pair[1])
    return first.pair


def _before(first: _Difference, same: Sequence[tuple[Lane, Told, Told]]) -> Sequence[Deed]:
    """The last of what was the same, by the time of a run that did something there."""
    side = 0 if first.pair[0] is not None else 1
    there = first.pair[side]
    ended = 0.0 if there is None else there.at
    earlier = [
        (lane, told)
        for lane, *both in same
        if lane.what != "network" and (told := both[side]).at <= ended
    ]
    return sorted(earlier, key=lambda deed: deed[1].at)[-BEFORE:]


def _side(run: Played, told: Told | None, latest: int) -> Side:
    """What one run did; where that is nothing more, its step is the latest it came to."""
    step = run.step_at(inf if told is None else told.at)[0]
    step = min(step, latest) if told is None else step
    text = step_texts(run.scenario)[step - 1] if step else None
    return Side(told, step, text, run.journal[-1].at, run.failure)
