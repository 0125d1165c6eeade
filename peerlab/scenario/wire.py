"""What the wire does, as a mapping: behind `wire` in the steps, and below `network`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from peerlab.scenario.effects import COMPANION_KEYS, EFFECT_KEYS, Effect, read_effects
from peerlab.scenario.kinds import (
    NAME,
    SOME_NODES,
    Fields,
    Form,
    Key,
    Kind,
    one_of,
    raw,
    read_nodes,
    whole_number,
)
from peerlab.scenario.model import Heal, Impair, Rule, WireAct
from peerlab.scenario.presets import PRESETS
from peerlab.scenario.reading import Reading, suggest
from peerlab.scenario.source import quoted
from peerlab.scenario.tree import Entries, Scalar, Tree, is_nothing, spelled_out

Hosts = tuple[str, ...]
_Way = tuple[Hosts | None, Hosts | None]
"""From whom to whom; None: any."""

_BETWEEN: Final = Key("between", raw(SOME_NODES), "nodes: every pair of them, both ways")
_NODE: Final = Key("node", raw(SOME_NODES), "nodes: all that passes their cables, both ways")
_FROM: Final = Key("from", raw(SOME_NODES), "nodes that it comes from")
_TO: Final = Key("to", raw(SOME_NODES), "nodes that it is for")
_TRAFFIC: Final = Key("traffic", one_of("udp", "tcp"), "what of it (left out: all of IPv4)")
_ANY_PORT: Final = "leave it out where all ports are meant"
_PORT: Final = Key(
    "port", whole_number(1, 65535, _ANY_PORT), "source or destination port of udp or tcp"
)
_NAME: Final = Key("name", NAME, "what 'heal' ends it by")
_PRESET: Final = Key("preset", one_of(*PRESETS), "impairments of a well-known kind of network")

_WAY_FROM: Final = Key("from", raw(SOME_NODES), "nodes that do not reach", required=True)
_WAY_TO: Final = Key("to", raw(SOME_NODES), "nodes that are not reached", required=True)
ONE_WAY: Final = Form("a partition of one way", (_WAY_FROM, _WAY_TO))
_PARTITION: Final = Key(
    "partition",
    raw({"anyOf": [{"type": "array", "minItems": 2, "items": SOME_NODES}, ONE_WAY.schema()]}),
    "groups of nodes that do not reach each other; or from whom to whom nothing passes",
)
HEAL: Final = Key(
    "heal",
    Kind(
        {"anyOf": [{"type": "null"}, NAME.schema]},
        lambda reading, tree: None if is_nothing(tree) else NAME.read(reading, tree),
    ),
    "end what has that name (left out: everything)",
)

_KEYS: Final[tuple[Key[object], ...]] = (
    *(_BETWEEN, _NODE, _FROM, _TO, _TRAFFIC, _PORT, _NAME),
    *EFFECT_KEYS,
    *COMPANION_KEYS,
    *(_PRESET, _PARTITION),
)
IMPAIRMENT: Final = Form("an impairment", _KEYS)
WIRE: Final = Form("'wire'", (*_KEYS, HEAL))


@dataclass(frozen=True, slots=True)
class Wire:
    """What the wire can be told about: nodes and routers, and the names that it was told so far.

    Without `hosts` the nodes could not be read.
    """

    hosts: Collection[str] | None
    named: set[str] = field(default_factory=set)


def read_impairment(reading: Reading, tree: Tree, wire: Wire) -> Impair | None:
    """What the wire does from the start on."""
    fields = IMPAIRMENT.read(reading, tree)
    return None if fields is None else _impair(fields, wire)


def read_wire(reading: Reading, tree: Tree, wire: Wire) -> WireAct | None:
    """What a step does with the wire."""
    fields = WIRE.read(reading, spelled_out(tree))
    if fields is None:
        return None
    return _impair(fields, wire) if fields.tree(HEAL) is None else _heal(fields, wire)


def _heal(fields: Fields, wire: Wire) -> Heal:
    _alone(fields, HEAL)
    name, tree = fields.get(HEAL), fields.tree(HEAL)
    if name is None:
        wire.named.clear()
    elif tree is not None and name not in wire.named:
        message = f"nothing that the wire does here is named {quoted(name)}"
        hint = "'heal' alone ends everything; a name is given with 'name' in a step before"
        if wire.named:
            hint = suggest(name, sorted(wire.named))
        fields.reading.report("unknown-name", message, tree.span, hint)
    else:
        wire.named.discard(name)
    return Heal(name)


def _impair(fields: Fields, wire: Wire) -> Impair:
    name = fields.get(_NAME)
    if name is not None:
        wire.named.add(name)
    if fields.tree(_PARTITION) is None:
        return Impair(_rules(fields, wire), name)
    _alone(fields, _PARTITION, _NAME)
    ways = _partition(fields, wire)
    return Impair(tuple(Rule(*way, None, None, "cut", {}, "partition") for way in ways), name)


def _alone(fields: Fields, key: Key[object], *beside: Key[object]) -> None:
    """Report the first key that cannot stand beside `key`."""
    allowed = [known.name for known in (key, *beside)]
    other = next((name for name, _ in fields.entries.pairs if name.text not in allowed), None)
    if other is not None and any(known.name == other.text for known in _KEYS):
        message = f"got {other.text!r} beside {key.name!r}, expected it in a step of its own"
        fields.reading.report("conflicting-keys", message, other.span, "write two steps")


def _rules(fields: Fields, wire: Wire) -> tuple[Rule, ...]:
    ways, traffic, port = _scope(fields, wire), fields.get(_TRAFFIC), fields.get(_PORT)
    effects = read_effects(fields)
    possible = (*EFFECT_KEYS, _PRESET, _PARTITION)
    if not any(fields.has(key) for key in (*possible, *COMPANION_KEYS, HEAL)):
        message = "nothing is said about what the wire does"
        hint = f"give one of: {', '.join(key.name for key in possible)}"
        fields.reading.report("missing-key", message, fields.entries.span, hint)
    given = {effect.kind for effect in effects}
    effects += tuple(effect for effect in _preset(fields) if effect.kind not in given)
    return tuple(
        Rule(
            *way,
            "udp" if effect.is_exact and traffic is None else traffic,
            port,
            effect.name,
            effect.arguments,
            effect.shown,
        )
        for effect in effects
        for way in ways
    )


def _preset(fields: Fields) -> Sequence[Effect]:
    name, tree = fields.get(_PRESET), fields.tree(_PRESET)
    if name is None or tree is None:
        return ()
    pairs = tuple(
        (Scalar(key, tree.span, plain=True), Scalar(value, tree.span, plain=True))
        for key, value in PRESETS[name].items()
    )
    known = Fields(fields.reading, Entries(pairs, tree.span, flow=True), frozenset(PRESETS[name]))
    return [
        replace(effect, shown=f"preset: {name}, {effect.shown}") for effect in read_effects(known)
    ]


def _scope(fields: Fields, wire: Wire) -> Sequence[_Way]:
    """Whose packets a mapping speaks about."""
    between, node = _hosts(fields, _BETWEEN, wire), _hosts(fields, _NODE, wire)
    source, target = _hosts(fields, _FROM, wire), _hosts(fields, _TO, wire)
    scopes = ((_BETWEEN,), (_NODE,), (_FROM, _TO))
    given = [
        next(key for key in keys if fields.tree(key) is not None)
        for keys in scopes
        if any(fields.tree(key) is not None for key in keys)
    ]
    if len(given) > 1:
        message = f"got both {given[0].name!r} and {given[1].name!r}, expected one of them"
        hint = "'between' is both ways, 'from' and 'to' are one way, 'node' is a whole cable"
        fields.reading.report("conflicting-keys", message, fields.span(given[1]), hint)
    if between is not None:
        if len(between) == 1:
            message, hint = "got one node, expected two or more", "'node' is for all of one node"
            where = fields.tree(_BETWEEN) or fields.entries
            fields.reading.report("wrong-count", message, where.span, hint)
        return [(between, between)]
    if node is not None:
        return [(node, None), (None, node)]
    _report_same(fields, _TO, source, target)
    return [(source, target)]


def _hosts(fields: Fields, key: Key[Tree], wire: Wire) -> Hosts | None:
    tree = fields.get(key)
    if tree is None:
        return None
    return tuple(dict.fromkeys(read_nodes(fields.reading, tree, wire.hosts)))


def _report_same(
    fields: Fields, key: Key[Tree], source: Hosts | None, target: Hosts | None
) -> None:
    if source and len(source) == 1 and source == target:
        message = f"got the node {source[0]!r} at both ends, expected two different nodes"
        hint = "what a node sends to itself is never on the wire"
        where = fields.tree(key) or fields.entries
        fields.reading.report("duplicate-node", message, where.span, hint)


def _partition(fields: Fields, wire: Wire) -> Sequence[_Way]:
    """From whom to whom nothing passes."""
    reading, tree = fields.reading, fields.get(_PARTITION)
    if isinstance(tree, Entries):
        way = ONE_WAY.read(reading, tree)
        if way is None:
            return ()
        source, target = _hosts(way, _WAY_FROM, wire), _hosts(way, _WAY_TO, wire)
        _report_same(way, _WAY_TO, source, target)
        return [(source, target)]
    items = None if tree is None else reading.items(tree, "groups of nodes, or 'from' and 'to'")
    if tree is None or items is None:
        return ()
    groups = [_group(reading, item, wire) for item in items]
    if not groups[1:]:
        hint = "nodes of different groups do not reach each other; the others reach everyone"
        message = f"got {len(groups)} {'group' if groups else 'groups'}, expected two or more"
        reading.report("wrong-count", message, tree.span, hint)
        return ()
    ways = _parted(groups)
    if not ways and all(groups):
        message = "the groups part nobody: each node is in a group with each other"
        hint = "a node that is in two groups reaches both"
        reading.report("wrong-count", message, tree.span, hint)
    return ways


def _group(reading: Reading, tree: Tree, wire: Wire) -> Hosts:
    names = read_nodes(reading, tree, wire.hosts)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        message = f"got the node {twice!r} twice in one group, expected it once"
        reading.report("duplicate-node", message, tree.span, "keep one of them")
    return names


def _parted(groups: Sequence[Hosts]) -> Sequence[_Way]:
    """Every pair of nodes that share no group; those that are in the same groups go together."""
    groups_of: dict[str, set[int]] = {}
    for number, group in enumerate(groups):
        for name in group:
            groups_of.setdefault(name, set()).add(number)
    alike: dict[frozenset[int], list[str]] = {}
    for name, its_groups in groups_of.items():
        alike.setdefault(frozenset(its_groups), []).append(name)
    return [
        (tuple(source), tuple(target))
        for its_groups, source in alike.items()
        for others, target in alike.items()
        if its_groups.isdisjoint(others)
    ]
