"""The checks on messages, with their arguments: delivery, order, latency."""

from typing import Final

from peerlab.scenario.amounts import PERCENT
from peerlab.scenario.arguments import Arguments, Programs
from peerlab.scenario.kinds import (
    COUNT,
    DURATION,
    SOME_NODES,
    Fields,
    Form,
    Key,
    raw,
    read_nodes,
)
from peerlab.scenario.reading import Reading
from peerlab.scenario.tree import Tree

_LOST: Final = Key("lost", COUNT, "messages that must not arrive (default 0)")
_DUPLICATED: Final = Key("duplicated", COUNT, "arrivals of a message after its first (default 0)")
_MISDELIVERED: Final = Key(
    "misdelivered", COUNT, "arrivals at a node that the message was not sent to (default 0)"
)
_UNEXPECTED: Final = Key("unexpected", COUNT, "arrivals of what nobody sent (default 0)")
_ALTERED: Final = Key(
    "altered",
    COUNT,
    "arrivals with another text, or as from another node, than was sent (default 0)",
)
_REORDERED: Final = Key(
    "reordered", COUNT, "arrivals after a message that was sent later (left out: any number)"
)
_SENT: Final = Key("sent", COUNT, "messages that must have been sent (left out: any number)")
DELIVERY: Final = Form(
    "the check 'delivery'",
    (_LOST, _DUPLICATED, _MISDELIVERED, _UNEXPECTED, _ALTERED, _REORDERED, _SENT),
)

_FROM: Final = Key("from", raw(SOME_NODES), "the nodes that the messages come from (default any)")
_TO: Final = Key("to", raw(SOME_NODES), "the nodes that they are for (default any)")
ORDER: Final = Form("the check 'order'", (_FROM, _TO))

_AT_MOST: Final = Key("at-most", DURATION, "how long a message may take")
_AT_LEAST: Final = Key("at-least", DURATION, "how long it must take")
_OF: Final = Key("of", PERCENT, "which part of the messages must do so (default 100%)")
LATENCY: Final = Form("the check 'latency'", (_AT_MOST, _AT_LEAST, _OF, _FROM, _TO))


def read_delivery(reading: Reading, tree: Tree, _programs: Programs | None) -> Arguments:
    """The counts; those that are left out are 0, or None where any number will do."""
    fields = DELIVERY.read(reading, tree)
    if fields is None:
        return {}
    return {
        "lost": fields.get(_LOST) or 0,
        "duplicated": fields.get(_DUPLICATED) or 0,
        "misdelivered": fields.get(_MISDELIVERED) or 0,
        "unexpected": fields.get(_UNEXPECTED) or 0,
        "altered": fields.get(_ALTERED) or 0,
        "reordered": fields.get(_REORDERED),
        "sent": fields.get(_SENT),
    }


def read_order(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    """The nodes between which order counts; None: any."""
    fields = ORDER.read(reading, tree)
    return {} if fields is None else _ends(fields, programs)


def read_latency(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    """The bounds in seconds, and the part of the messages that must keep to them, from 0 to 1."""
    fields = LATENCY.read(reading, tree)
    if fields is None:
        return {}
    highest, lowest, part = fields.get(_AT_MOST), fields.get(_AT_LEAST), fields.get(_OF)
    if not fields.has(_AT_MOST) and not fields.has(_AT_LEAST):
        message = "got neither 'at-most' nor 'at-least', expected a bound"
        reading.report("missing-key", message, fields.entries.span)
    if highest is not None and lowest is not None and lowest > highest:
        message = "'at-least' is more than 'at-most'"
        reading.report("conflicting-keys", message, fields.span(_AT_LEAST), "change them over")
    return {"at-most": highest, "at-least": lowest, "of": part, **_ends(fields, programs)}


def _ends(fields: Fields, programs: Programs | None) -> Arguments:
    known = None if programs is None else tuple(programs)
    trees = {key.name: fields.get(key) for key in (_FROM, _TO)}
    return {
        name: None if tree is None else read_nodes(fields.reading, tree, known)
        for name, tree in trees.items()
    }
