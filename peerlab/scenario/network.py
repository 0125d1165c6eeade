"""The network of a scenario: segments with nodes on them, routers between them, impairments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from peerlab.scenario.kinds import (
    DURATION,
    FLAG,
    HOST,
    SOME_NODES,
    Fields,
    Form,
    Key,
    list_of,
    mapping_of,
    one_of,
    raw,
    read_nodes,
)
from peerlab.scenario.model import Impair, Nat, NatBehaviour, Network, Router
from peerlab.scenario.reading import Reading, nearest, suggest
from peerlab.scenario.source import Span, quoted
from peerlab.scenario.steps import refuse_reserved
from peerlab.scenario.tree import Entries, Items, Scalar, Tree
from peerlab.scenario.wire import Wire, read_impairment

ONLY_SEGMENT: Final = "lan"
"""The segment of a scenario that names none; every node is on it."""

DEFAULT_TIMEOUT: Final = 120.0
"""Seconds until a NAT forgets a mapping that is not used: the shortest of RFC 4787, REQ-5."""

_INDEPENDENT: Final = NatBehaviour.ENDPOINT_INDEPENDENT
_BY_PORT: Final = NatBehaviour.ADDRESS_AND_PORT_DEPENDENT
NATS: Final = {
    "full-cone": (_INDEPENDENT, _INDEPENDENT),
    "address-restricted": (_INDEPENDENT, NatBehaviour.ADDRESS_DEPENDENT),
    "port-restricted": (_INDEPENDENT, _BY_PORT),
    "symmetric": (_BY_PORT, _BY_PORT),
}
"""Mapping and filtering by the names of RFC 3489, which people still use."""

_NAT_NAME: Final = one_of(*NATS)
_BEHAVIOUR: Final = one_of(*NatBehaviour)
_MAPPING: Final = Key(
    "mapping", _BEHAVIOUR, "on what it depends which outer port is used", required=True
)
_FILTERING: Final = Key(
    "filtering", _BEHAVIOUR, "on what it depends what is let in from outside", required=True
)
NAT: Final = Form("'nat'", (_MAPPING, _FILTERING))

_JOINS: Final = Key("joins", list_of(HOST, "a list of segments"), "the segments of a plain router")
_INSIDE: Final = Key("inside", HOST, "the segment behind its NAT")
_OUTSIDE: Final = Key("outside", HOST, "the segment that sees its own address alone")
_NAT: Final = Key(
    "nat", raw({"anyOf": [_NAT_NAME.schema, NAT.schema()]}), "how it translates addresses"
)
_TIMEOUT: Final = Key(
    "mapping-timeout", DURATION, "when a mapping that is not used is forgotten (default 2m)"
)
ROUTER: Final = Form("a router", (_JOINS, _INSIDE, _OUTSIDE, _NAT, _TIMEOUT))

_SEGMENTS: Final = Key(
    "segments",
    raw(
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": HOST.schema,
            "additionalProperties": {"anyOf": [SOME_NODES, {"type": "array", "maxItems": 0}]},
        }
    ),
    "names of segments to the nodes on them (left out: one segment 'lan' with all nodes)",
)
_ROUTERS: Final = Key(
    "routers", raw(mapping_of(raw(ROUTER.schema()), keys=HOST.schema)), "routers by name"
)
_IMPAIRMENTS: Final = Key(
    "impairments",
    raw({"type": "array", "items": {"$ref": "#/$defs/impairment"}}),
    "what the wire does from the start on, each as behind 'wire' in a step",
)
_CAPTURE: Final = Key("capture", FLAG, "whether what passes is captured always (default false)")
NETWORK: Final = Form("'network'", (_SEGMENTS, _ROUTERS, _IMPAIRMENTS, _CAPTURE))


def read_network(
    reading: Reading, tree: Tree | None, nodes: Mapping[str, Span] | None
) -> tuple[Network, Wire]:
    """The network, and what the steps can tell its wire.

    Args:
        reading: takes down what is wrong.
        tree: what is written about it; None: nothing.
        nodes: the nodes and where they are named; None: they could not be read.
    """
    fields = None if tree is None else NETWORK.read(reading, tree)
    if fields is None:
        return Network({ONLY_SEGMENT: tuple(nodes or ())}, {}, ()), Wire(nodes)
    return _Reader(fields, nodes).read()


@dataclass(slots=True)
class _Reader:
    """Reads the parts of one network, in the order in which they need each other."""

    fields: Fields
    nodes: Mapping[str, Span] | None
    _segment_of: dict[str, str] = field(default_factory=dict)

    def read(self) -> tuple[Network, Wire]:
        segments = self._segments()
        routers = self._routers(tuple(segments))
        wire = Wire(None if self.nodes is None else (*self.nodes, *routers))
        readable = {name: router for name, router in routers.items() if router is not None}
        captures = self.fields.get(_CAPTURE) or False
        return Network(segments, readable, self._impairments(wire), captures), wire

    def _segments(self) -> dict[str, tuple[str, ...]]:
        reading, tree = self.fields.reading, self.fields.get(_SEGMENTS)
        entries = None if tree is None else reading.entries(tree, "a mapping of segments to nodes")
        if entries is None:
            return {ONLY_SEGMENT: tuple(self.nodes or ())}
        if not entries.pairs:
            message = "got an empty mapping, expected at least one segment"
            reading.report("empty", message, entries.span)
        segments: dict[str, tuple[str, ...]] = {}
        for key, value in entries.pairs:
            name = HOST.read(reading, key) or key.text
            # Between routers there can be a segment without any node.
            items = value.items if isinstance(value, Items) else (value,)
            segments[name] = tuple(node for item in items for node in self._placed(item, name))
        self._report_unplaced(segments)
        return segments

    def _placed(self, tree: Tree, segment: str) -> tuple[str, ...]:
        """The nodes at one item of a segment's list."""
        reading = self.fields.reading
        if reading.scalar(tree, "a node name or a range of them") is None:
            return ()
        names = read_nodes(reading, tree, self.nodes)
        for name in names:
            other = self._segment_of.get(name)
            if other is not None:
                places = f"on {segment!r} twice"
                if other != segment:
                    places = f"on the segments {other!r} and {segment!r}"
                message = f"the node {name!r} is {places}, expected it once"
                hint = "a node has one cable; what joins segments is a router"
                reading.report("duplicate-node", message, tree.span, hint)
            self._segment_of[name] = segment
        return names

    def _report_unplaced(self, segments: Mapping[str, tuple[str, ...]]) -> None:
        nodes = self.nodes or {}
        meant = {nearest(name, nodes) for name in self._segment_of if name not in nodes}
        for node, span in nodes.items():
            if node not in self._segment_of and node not in meant:
                hint = f"put it on one of: {', '.join(segments)}" if segments else None
                message = f"the node {node!r} is on no segment"
                self.fields.reading.report("unplaced-node", message, span, hint)

    def _routers(self, segments: tuple[str, ...]) -> dict[str, Router | None]:
        reading, tree = self.fields.reading, self.fields.get(_ROUTERS)
        entries = None if tree is None else reading.entries(tree, "a mapping of routers")
        routers: dict[str, Router | None] = {}
        for key, value in entries.pairs if entries is not None else ():
            router = self._router(key, value, segments)
            name = HOST.read(reading, key)
            if name is not None:
                routers[name] = router
                refuse_reserved(reading, name, key.span)
            if name in (self.nodes or ()):
                message = f"the router {key.text!r} has the name of a node"
                reading.report("duplicate-node", message, key.span, "choose another name")
        return routers

    def _router(self, key: Scalar, tree: Tree, segments: tuple[str, ...]) -> Router | None:
        fields = ROUTER.read(self.fields.reading, tree)
        if fields is None:
            return None
        if fields.has(_JOINS):
            return Router(key.text, _joined(fields, segments), None, key.span)
        return Router(key.text, _sides(fields, segments), _nat(fields), key.span)

    def _impairments(self, wire: Wire) -> tuple[Impair, ...]:
        reading, tree = self.fields.reading, self.fields.get(_IMPAIRMENTS)
        items = None if tree is None else reading.items(tree, "a list of impairments")
        read = [read_impairment(reading, item, wire) for item in items or ()]
        return tuple(impair for impair in read if impair is not None)


def _joined(fields: Fields, segments: tuple[str, ...]) -> tuple[str, ...]:
    """The segments of a plain router."""
    reading = fields.reading
    for key in (_INSIDE, _OUTSIDE, _NAT, _TIMEOUT):
        if fields.tree(key) is not None:
            message = f"got both 'joins' and {key.name!r}, expected one of them"
            hint = "a router with a NAT has 'inside', 'outside' and 'nat', a plain one 'joins'"
            reading.report("conflicting-keys", message, fields.span(key), hint)
    tree, joined = fields.tree(_JOINS), fields.get(_JOINS) or ()
    for item, name in zip(tree.items, joined, strict=False) if isinstance(tree, Items) else ():
        _known(reading, item, name, segments)
    if tree is not None and len(set(joined)) == 1:
        _report_one(reading, tree)
    return tuple(dict.fromkeys(joined))


def _sides(fields: Fields, segments: tuple[str, ...]) -> tuple[str, ...]:
    """The segments of a router with a NAT: its inside and its outside."""
    reading = fields.reading
    missing = [key for key in (_INSIDE, _OUTSIDE, _NAT) if not fields.has(key)]
    if missing:
        message = f"a router lacks the key {missing[0].name!r}"
        hint = "a router with a NAT has 'inside', 'outside' and 'nat', a plain one 'joins'"
        reading.report("missing-key", message, fields.entries.span, hint)
    sides = []
    for key in (_INSIDE, _OUTSIDE):
        tree, name = fields.tree(key), fields.get(key)
        if tree is not None and name is not None:
            _known(reading, tree, name, segments)
            sides.append(name)
            if len(sides) > len(set(sides)):
                _report_one(reading, tree)
    return tuple(sides)


def _known(reading: Reading, tree: Tree, name: str, segments: tuple[str, ...]) -> None:
    if name not in segments:
        message = f"unknown segment {quoted(name)}"
        reading.report("unknown-segment", message, tree.span, suggest(name, segments))


def _report_one(reading: Reading, tree: Tree) -> None:
    message, hint = "got one segment, expected two different ones", "a router is between segments"
    reading.report("wrong-count", message, tree.span, hint)


def _nat(fields: Fields) -> Nat | None:
    tree, timeout = fields.get(_NAT), fields.get(_TIMEOUT)
    if tree is None:
        return None
    if not isinstance(tree, Entries):
        name = _NAT_NAME.read(fields.reading, tree)
        return None if name is None else Nat(*NATS[name], timeout or DEFAULT_TIMEOUT)
    behaviour = NAT.read(fields.reading, tree)
    if behaviour is None:
        return None
    mapping, filtering = behaviour.get(_MAPPING), behaviour.get(_FILTERING)
    if mapping is None or filtering is None:
        return None
    return Nat(NatBehaviour(mapping), NatBehaviour(filtering), timeout or DEFAULT_TIMEOUT)
