"""The steps that say what was done in a session, and in which order.

In the order of what was typed: before a line, what its terminal showed until then; a notice where
it came. A stretch that is an action of the program becomes that action; what was shown to a node
whose next step is none is expected before anybody goes on, since it may be why they did.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from peerlab.drive.scope import Scope, Variables
from peerlab.evidence.journal import Event, Kind
from peerlab.record.confided import Confided
from peerlab.record.fit import Known, Place
from peerlab.record.lift import Lifted, lift_notice, lifts
from peerlab.record.stream import Control, Item, Stream, read_streams
from peerlab.record.telling import Telling, learning, told_of_nodes
from peerlab.record.wording import Wording
from peerlab.scenario.model import Scenario
from peerlab.scenario.values import Pattern, no_variables

_LONGEST: Final = 400
"""Characters of a line that are expected, the last ones."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What became of a session, as YAML: its steps, and the statuses of programs that ended.

    Attributes:
        longest: the most seconds that anything took to show after the last thing done.
    """

    steps: tuple[str, ...]
    ended: Mapping[str, int]
    longest: float


def compose(
    scenario: Scenario,
    events: Sequence[Event],
    hidden: Mapping[str, Sequence[str]],
    confided: Confided,
    *,
    lifting: bool = True,
) -> Composed:
    """Make steps of a session.

    Args:
        scenario: has the nodes and their programs.
        events: the journal, up to the moment when the session ended.
        hidden: for each node, the secret lines typed there, in order.
        confided: gives the secrets names.
        lifting: whether stretches become actions; else everything is expected and typed.
    """
    streams, ordered = read_streams(scenario, events, hidden)
    composer = _Composer(scenario, streams, _addresses(ordered), confided, lifting=lifting)
    # Who only looks has not done anything that could be done again.
    is_done = any(stream.items for stream in streams.values())
    steps = tuple(composer.steps(ordered)) if is_done else ()
    ended = {
        str(event.node): int(event.detail["status"])
        for event in ordered
        if event.kind is Kind.EXITED and event.detail["by"] == "itself"
    }
    return Composed(steps, ended, _longest_wait(ordered))


_DOINGS: Final = frozenset(
    {Kind.TYPED, Kind.SIGNALLED, Kind.INPUT_ENDED, Kind.PAUSED, Kind.RESUMED, Kind.READY}
)


def _longest_wait(ordered: Sequence[Event]) -> float:
    longest, since = 0.0, None
    for event in ordered:
        if event.kind in _DOINGS:
            since = event.at
        elif event.kind in {Kind.PRINTED, Kind.EXITED} and since is not None:
            longest = max(longest, event.at - since)
    return longest


def _addresses(ordered: Sequence[Event]) -> dict[str, dict[str, str]]:
    return {
        event.node: {"name": event.node, "ip": str(event.detail["ip"])}
        for event in ordered
        if event.kind is Kind.DEPLOYED and event.node is not None
    }


@dataclass(frozen=True, slots=True)
class _Due:
    """An action that is to be told later; the position of the first that was done in it."""

    node: str
    lifted: Lifted
    first: int


class _Composer:
    """Goes through a session once."""

    def __init__(
        self,
        scenario: Scenario,
        streams: Mapping[str, Stream],
        known: Known,
        confided: Confided,
        *,
        lifting: bool,
    ) -> None:
        self._programs: Final = {name: node.program for name, node in scenario.nodes.items()}
        self._streams = streams
        self._known = known
        self._confided = confided
        self._lifting = lifting
        self._places = {name: Place() for name in streams}
        self._due: dict[int, _Due] = {}
        self._names: Final = told_of_nodes(scenario.programs.values())

    def steps(self, ordered: Sequence[Event]) -> Iterator[str]:
        """Every step, in order."""
        items = {
            item.position: (name, index)
            for name, stream in self._streams.items()
            for index, item in enumerate(stream.items)
        }
        notices = {
            notice.position: (name, index)
            for name, stream in self._streams.items()
            for index, notice in enumerate(stream.notices)
        }
        for position in range(len(ordered)):
            if position in items:
                yield from self._item(*items[position])
            if position in notices:
                yield from self._notice(*notices[position])
            if position in self._due:
                due = self._due[position]
                yield from self._catch_up(position, but=due.node)
                del self._due[position]
                self._known = self._merged(due.lifted)
                yield self._telling.performs(due.node, due.lifted)
        yield from self._catch_up(len(ordered), but=None)

    def _item(self, node: str, index: int) -> Iterator[str]:
        stream, place = self._streams[node], self._places[node]
        if index < place.item:  # an action has it
            return
        item = stream.items[index]
        lifted = self._lift(node)
        if lifted is not None:
            self._places[node] = lifted.place
            # What others did meanwhile may be what it needs; else they may have seen it begin.
            meanwhile = self._items_between(item.position, lifted.until, but=node)
            at = lifted.until if meanwhile else item.position
            self._due[at] = _Due(node, lifted, item.position)
            return
        yield from self._catch_up(item.position, but=node)
        yield from self._shown(node, item.offset)
        self._places[node] = replace(self._places[node], item=index + 1)
        yield self._telling.does(node, item)

    def _lift(self, node: str) -> Lifted | None:
        """The action that comes next at a node, if one does."""
        if not self._lifting:
            return None
        stream, place = self._streams[node], self._places[node]
        if place.item >= len(stream.items):
            return None
        first = stream.items[place.item].position
        found = []
        for lifted in lifts(self._programs[node].actions, stream, place, self._known):
            meanwhile = self._items_between(first, lifted.until, but=node)
            # Whoever pauses or kills somebody meanwhile may mean the middle of it.
            is_cut = any(isinstance(item, Control) for item in meanwhile)
            if self._telling.may_tell(lifted) and not is_cut:
                found.append((not meanwhile, lifted.place.item, lifted.until, lifted))
        # A short one in one go rather than a long one that others did something in.
        return max(found, key=lambda each: each[:3])[-1] if found else None

    def _items_between(self, first: int, last: int, *, but: str) -> list[Item]:
        """What was done at other nodes meanwhile."""
        return [
            item
            for name, stream in self._streams.items()
            for item in stream.items
            if name != but and first < item.position < last
        ]

    def _merged(self, lifted: Lifted) -> Known:
        """What is known, with what an action told; it may have begun a while ago."""
        return {node: {**known, **lifted.known[node]} for node, known in self._known.items()}

    def _catch_up(self, position: int, *, but: str | None) -> Iterator[str]:
        """Expect what the others were shown up to there, unless their next action does."""
        # What came since an action began, of which nothing is told yet, may come of it.
        position = min([position, *(due.first for due in self._due.values())])
        for node, stream in self._streams.items():
            is_busy = any(due.node == node for due in self._due.values())
            reached = stream.length_at(position)
            if node != but and not is_busy and self._is_new(node, reached):
                yield from [] if self._lift(node) else self._shown(node, reached)

    def _is_new(self, node: str, reached: int) -> bool:
        """Whether a node was shown anything that is still to be expected."""
        stream = self._streams[node]
        is_there = stream.text[self._places[node].settled : reached].strip() != ""
        # A program without actions at which nobody types, such as a server, only keeps a log.
        return is_there and (stream.is_typed_into or bool(self._programs[node].actions))

    def _shown(self, node: str, reached: int) -> Iterator[str]:
        """Expect the end of what a node was shown, and before that what tells about nodes."""
        stream, cursor = self._streams[node], self._places[node].cursor
        if not self._is_new(node, reached):
            return
        for expect in learning(self._programs[node].actions.values()):
            match = expect.pattern.compile(no_variables).search(stream.text[cursor:reached])
            if match is None or expect.learn is None:
                continue
            variables = Variables({name: dict(known) for name, known in self._known.items()})
            variables.learn(expect.learn.compile(no_variables), match[0])
            self._known = variables.known
            cursor += match.end()
            yield self._telling.learns(node, expect.pattern, expect.learn)
        found = self._ending(stream.text[cursor:reached])
        if found is not None:
            pattern, consumed = found
            cursor += consumed
            yield self._telling.expects(node, pattern)
        self._places[node] = replace(self._places[node], cursor=cursor, settled=reached)

    def _ending(self, text: str) -> tuple[str, int] | None:
        """A pattern for the last line of the text, found there first, and how far it reads."""
        content = text.rstrip("\n")
        if not content.rpartition("\n")[2].strip():
            content = text.rstrip()
        if not content:
            return None
        start = content.rfind("\n") + 1
        while True:
            pattern = self._telling.wording.seen(_tail(content[start:]))
            match = self._compiled(pattern).search(text)
            consumed = len(content) if match is None else match.end()
            if start == 0 or consumed == len(content):
                return pattern, consumed
            # The same line stands before: what stands between tells them apart.
            start = content.rfind("\n", 0, start - 1) + 1

    def _compiled(self, pattern: str) -> re.Pattern[str]:
        scope = Scope(Variables({name: dict(known) for name, known in self._known.items()}), {}, {})
        return Pattern.parse(pattern).compile(scope.resolve)

    def _notice(self, node: str, index: int) -> Iterator[str]:
        stream = self._streams[node]
        if index in self._places[node].taken:
            return
        notice = stream.notices[index]
        yield from self._catch_up(notice.position, but=None)
        actions, place = self._programs[node].actions, self._places[node]
        if self._lifting:
            lifted = lift_notice(actions, stream, place, index, self._known)
            if lifted is not None and self._telling.may_tell(lifted):
                self._places[node] = lifted.place
                self._known = self._merged(lifted)
                yield self._telling.performs(node, lifted)
                return
        self._places[node] = replace(place, taken=place.taken | {index})
        yield self._telling.notices(node, notice.text)

    @property
    def _telling(self) -> Telling:
        return Telling(Wording(self._known, self._names, self._confided), self._confided)


def _tail(line: str) -> str:
    """The line, or of one that is very long its last words."""
    if len(line) <= _LONGEST:
        return line
    last = line[-_LONGEST:]
    return last.partition(" ")[2] or last
