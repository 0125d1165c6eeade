"""How far the dialogue of an action fits what was recorded, and with which arguments."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from peerlab.drive.scope import NotKnownYet, Scope
from peerlab.record.stream import Item
from peerlab.scenario.model import ParameterKind
from peerlab.scenario.values import Reference, Template

Known = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a stream a dialogue has come to.

    Attributes:
        cursor: the offset in the text up to which it is consumed.
        settled: the offset up to which nothing more is to be expected, consumed or not.
        item: the index of what was typed or done next.
        taken: the indices of the notices that are consumed.
    """

    cursor: int = 0
    settled: int = 0
    item: int = 0
    taken: frozenset[int] = frozenset()


def past(place: Place, item: Item) -> Place:
    """The place behind an item: what was shown before it is not expected after it any more."""
    return replace(place, item=place.item + 1, settled=max(item.offset, place.settled))


@dataclass(frozen=True, slots=True)
class State:
    """A dialogue that is being tried: where it is, what is known, and what its arguments are.

    Attributes:
        until: the position of the last that belongs to it so far.
        known: the variables of the nodes.
        texts: arguments of kind text.
        nodes: arguments of kind node or nodes; inside of `each` the node of the round.
        counts: how many nodes an argument is said to have.
    """

    place: Place
    until: int
    known: Known
    texts: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def bind(self, name: str, *nodes: str) -> "State":
        """Let an argument be these nodes."""
        return replace(self, nodes={**self.nodes, name: nodes})

    def release(self, name: str) -> "State":
        """Let an argument be open again."""
        return replace(self, nodes={key: nodes for key, nodes in self.nodes.items() if key != name})

    def at(self, place: Place, position: int) -> "State":
        """Go on from a place, which has something of that position behind it."""
        return replace(self, place=place, until=max(self.until, position))


@dataclass(frozen=True, slots=True)
class Fit:
    """A template as an expression, with a group for each argument that is not known yet."""

    pattern: re.Pattern[str]
    texts: Mapping[str, str]
    counts: Mapping[str, str]

    @classmethod
    def of(
        cls,
        template: Template,
        scope: Scope,
        kinds: Mapping[str, ParameterKind],
        state: State,
        escape: Callable[[str], str],
    ) -> "Fit | None":
        """Put in what is known; None: a variable of a node has no value yet."""
        texts: dict[str, str] = {}
        counts: dict[str, str] = {}
        numbers = count()

        def written(part: str | Reference) -> str:
            if isinstance(part, str):
                return escape(part)
            name = part.name
            if kinds.get(name) is ParameterKind.NODES and part.attribute == "count":
                return open_group(counts, name, r"\d{1,9}", state.counts.get(name))
            if kinds.get(name) is ParameterKind.TEXT:
                return open_group(texts, name, ".*", state.texts.get(name))
            return re.escape(scope.resolve(part))

        def open_group(groups: dict[str, str], name: str, form: str, value: object) -> str:
            if value is not None:
                return re.escape(str(value))
            if name in groups.values():
                group = next(group for group, known in groups.items() if known == name)
                return f"(?P={group})"
            group = f"argument{next(numbers)}"
            groups[group] = name
            return f"(?P<{group}>{form})"

        try:
            source = "".join(written(part) for part in template.parts)
        except NotKnownYet:
            return None
        return cls(re.compile(source, re.MULTILINE), texts, counts)

    def bound(self, state: State, match: re.Match[str]) -> State:
        """The state with the arguments that the match tells."""
        texts = {name: match[group] for group, name in self.texts.items()}
        counts = {name: int(match[group]) for group, name in self.counts.items()}
        return replace(state, texts={**state.texts, **texts}, counts={**state.counts, **counts})
