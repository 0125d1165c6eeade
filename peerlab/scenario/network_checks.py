"""The arguments of the checks about who is there, and about what passes on the network."""

from itertools import combinations
from typing import Final

from peerlab.scenario.arguments import Arguments, Programs, exactly_one
from peerlab.scenario.kinds import (
    DURATION,
    PATTERN,
    PROGRAM_NAME,
    SOME_NODES,
    Fields,
    Form,
    Key,
    list_of,
    one_of,
    raw,
    read_nodes,
)
from peerlab.scenario.reading import Reading, suggest
from peerlab.scenario.source import quoted
from peerlab.scenario.tree import Items, Scalar, Tree

SETTLE: Final = 1.0
"""Seconds after the end of its program from which on a node must be off the lists."""

_SETTLE: Final = Key(
    "settle", DURATION, "how long one whose program ended may still be listed (default 1s)"
)
_WITHIN: Final = Key(
    "within",
    DURATION,
    "after how long one that was killed, paused or cut off must be gone (left out: never)",
)
PRESENCE: Final = Form("the check 'presence'", (_SETTLE, _WITHIN))

_ALLOW: Final = Key(
    "allow",
    raw({"type": "array", "minItems": 1, "items": SOME_NODES}),
    "lists of nodes that may exchange datagrams without a message, such as [[alice, server]]",
)
_RELAYS: Final = Key(
    "relays",
    list_of(PROGRAM_NAME, "a list of programs"),
    "programs that no message may pass through (default: those that others come after)",
)
TRAFFIC: Final = Form("the check 'traffic'", (_ALLOW, _RELAYS))

_NODE: Final = Key("node", raw(SOME_NODES), "only what these nodes sent and received")
_CONTAINS: Final = Key("contains", PATTERN, "what can be read somewhere")
_LACKS: Final = Key("lacks", PATTERN, "what can be read nowhere")
_SECRETS: Final = Key(
    "secrets", one_of("absent", "present"), "whether any secret of the scenario can be read"
)
CAPTURE: Final = Form("the check 'capture'", (_CONTAINS, _LACKS, _SECRETS, _NODE))


def read_presence(reading: Reading, tree: Tree, _programs: Programs | None) -> Arguments:
    """The arguments of `presence`."""
    fields = PRESENCE.read(reading, tree)
    if fields is None:
        return {}
    return {"settle": fields.get(_SETTLE) or SETTLE, "within": fields.get(_WITHIN)}


def read_traffic(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    """The arguments of `traffic`."""
    fields = TRAFFIC.read(reading, tree)
    if fields is None:
        return {}
    return {"allow": _allowed(fields, programs), "relays": _relays(fields, programs)}


def _allowed(fields: Fields, programs: Programs | None) -> frozenset[frozenset[str]]:
    """The pairs of nodes that may exchange anything."""
    reading, tree = fields.reading, fields.get(_ALLOW)
    pairs: set[frozenset[str]] = set()
    groups = None if tree is None else reading.items(tree, "a list of lists of nodes")
    if tree is not None and groups == ():
        reading.report("empty", "got an empty list, expected lists of nodes", tree.span)
    for group in groups or ():
        if reading.items(group, "a list of two nodes or more") is None:
            continue
        names = read_nodes(reading, group, None if programs is None else tuple(programs))
        if isinstance(group, Items) and group.items and len({*names}) < 2:  # noqa: PLR2004 - a pair
            message = f"got {len({*names})} nodes, expected two or more"
            reading.report("wrong-count", message, group.span, "name those who may talk")
        pairs |= {frozenset(pair) for pair in combinations(names, 2)}
    return frozenset(pairs)


def _relays(fields: Fields, programs: Programs | None) -> tuple[str, ...] | None:
    names, tree = fields.get(_RELAYS), fields.tree(_RELAYS)
    if names is None or programs is None or not isinstance(tree, Items):
        return names
    known = sorted({*programs.values()} - {""})
    for item in tree.items:
        if isinstance(item, Scalar) and item.text in names and item.text not in known:
            message = f"no node runs the program {quoted(item.text)}"
            hint = suggest(item.text, known)
            fields.reading.report("unknown-program", message, item.span, hint)
    return names


def read_capture(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    """The arguments of `capture`."""
    fields = CAPTURE.read(reading, tree)
    if fields is None:
        return {}
    exactly_one(fields, _CONTAINS, _LACKS, _SECRETS)
    nodes, secrets = fields.get(_NODE), fields.get(_SECRETS)
    known = None if programs is None else tuple(programs)
    return {
        "pattern": fields.get(_CONTAINS) or fields.get(_LACKS),
        "secrets": secrets is not None,
        "wanted": fields.tree(_CONTAINS) is not None or secrets == "present",
        "nodes": None if nodes is None else tuple(dict.fromkeys(read_nodes(reading, nodes, known))),
    }
