"""The checks that a scenario can ask for, with their arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from peerlab.scenario.kinds import (
    COUNT,
    FLAG,
    LINE,
    NODES,
    PATTERN,
    POINTS,
    PROGRAM_NAME,
    SOME_NODES,
    STATUS,
    Fields,
    Form,
    Key,
    Schema,
    mapping_of,
    one_of,
    raw,
    read_nodes,
)
from peerlab.scenario.message_checks import (
    DELIVERY,
    LATENCY,
    ORDER,
    Arguments,
    Programs,
    read_delivery,
    read_latency,
    read_order,
)
from peerlab.scenario.model import CheckSpec
from peerlab.scenario.reading import Reading, suggest
from peerlab.scenario.source import quoted
from peerlab.scenario.tree import Entries, Tree, is_nothing, spelled_out

_NODE: Final = Key("node", raw(SOME_NODES), "the node, range or list of them whose log is read")
_PROGRAM: Final = Key("program", PROGRAM_NAME, "instead: all nodes of this program")
_CONTAINS: Final = Key("contains", PATTERN, "what every one of the logs must have in it")
_LACKS: Final = Key("lacks", PATTERN, "what none of the logs may have in it")
_TIMES: Final = Key("times", COUNT, "how often it must be there (left out: at least once)")
_DIRECTION: Final = Key(
    "direction", one_of("printed", "typed"), "what the program printed (default), or what was typed"
)


_TITLE: Final = Key("title", LINE, "what people are to call the check")
_POINTS: Final = Key("points", POINTS, "what it is worth")
_PARTIAL: Final = Key(
    "partial", FLAG, "whether what is partly right gets its share of the points (default false)"
)
_VISIBILITY: Final = Key(
    "visibility",
    one_of("visible", "hidden", "after_due_date", "after_published"),
    "when a student is to see what came of it, for Gradescope (default visible)",
)
BESIDE: Final = Form("a check", (_TITLE, _POINTS, _PARTIAL, _VISIBILITY))
"""What can stand beside a check's name."""

LOG: Final = Form("the check 'log'", (_NODE, _PROGRAM, _CONTAINS, _LACKS, _TIMES, _DIRECTION))


def _exits(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    entries = reading.entries(tree, "a mapping of nodes to exit statuses")
    statuses: dict[str, int] = {}
    if entries is not None and not entries.pairs:
        reading.report("empty", "got an empty mapping, expected at least one node", entries.span)
    for key, value in entries.pairs if entries is not None else ():
        status = STATUS.read(reading, value)
        for name in read_nodes(reading, key, None if programs is None else tuple(programs)):
            if name in statuses:
                message = f"got the node {name!r} twice, expected it once"
                reading.report("duplicate-node", message, key.span)
            statuses[name] = 0 if status is None else status
    return {"nodes": statuses}


def _log(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    fields = LOG.read(reading, tree)
    if fields is None:
        return {}
    contains, lacks, times = fields.get(_CONTAINS), fields.get(_LACKS), fields.get(_TIMES)
    _exactly_one(fields, _CONTAINS, _LACKS)
    _exactly_one(fields, _NODE, _PROGRAM)
    if fields.tree(_TIMES) is not None and fields.tree(_LACKS) is not None:
        message = "'times' goes with 'contains' only"
        reading.report("conflicting-keys", message, fields.span(_TIMES), "leave it out")
    return {
        "nodes": _log_nodes(fields, programs),
        "pattern": contains or lacks,
        "contains": fields.tree(_CONTAINS) is not None,
        "times": times,
        "direction": fields.get(_DIRECTION) or "printed",
    }


def _log_nodes(fields: Fields, programs: Programs | None) -> tuple[str, ...]:
    tree, program = fields.get(_NODE), fields.get(_PROGRAM)
    if tree is not None:
        names = read_nodes(fields.reading, tree, None if programs is None else tuple(programs))
        return tuple(dict.fromkeys(names))
    if program is None or programs is None:
        return ()
    nodes = tuple(name for name, its_program in programs.items() if its_program == program)
    if not nodes:
        where = fields.tree(_PROGRAM) or fields.entries
        message = f"no node runs the program {quoted(program)}"
        hint = suggest(program, sorted({*programs.values()} - {""}))
        fields.reading.report("unknown-program", message, where.span, hint)
    return nodes


def _exactly_one(fields: Fields, first: Key[object], second: Key[object]) -> None:
    given = [key for key in (first, second) if fields.tree(key) is not None]
    choice = f"one of {first.name!r} and {second.name!r}"
    if len(given) > 1:
        message = f"got both {first.name!r} and {second.name!r}, expected one of them"
        fields.reading.report("conflicting-keys", message, fields.span(second))
    elif not given:
        message = f"got neither {first.name!r} nor {second.name!r}, expected {choice}"
        fields.reading.report("missing-key", message, fields.entries.span)


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table of checks: what it says, and how its arguments look and are read."""

    about: str
    schema: Schema
    read: Callable[[Reading, Tree, Programs | None], Arguments]
    is_bare: bool = False


def _nothing(reading: Reading, tree: Tree, _programs: Programs | None) -> Arguments:
    _NO_ARGUMENTS.read(reading, tree)
    return {}


_NO_ARGUMENTS: Final = Form("this check", ())


def _always_on(about: str) -> Check:
    """A check that is on anyway; naming it gives it a title and points."""
    return Check(f"{about} (always on)", _NO_ARGUMENTS.schema(), _nothing, is_bare=True)


CHECKS: Final = {
    "delivery": Check(
        "every message that was sent arrived, once, and nothing else arrived",
        DELIVERY.schema(),
        read_delivery,
        is_bare=True,
    ),
    "order": Check(
        "what one node sends to another arrives in the order in which it was sent",
        ORDER.schema(),
        read_order,
        is_bare=True,
    ),
    "latency": Check(
        "messages take as long as they may from being typed until they are shown",
        LATENCY.schema(),
        read_latency,
    ),
    "exits": Check(
        "these nodes' programs ended with these exit statuses",
        mapping_of(STATUS, keys=NODES.schema),
        _exits,
    ),
    "log": Check("logs contain or lack a pattern", LOG.schema(), _log),
    "steps": _always_on("every step came true"),
    "no-traceback": _always_on("no program printed a Python traceback"),
    "ends": _always_on("no program ended by itself with a status that nobody asked for"),
}


def read_check(reading: Reading, tree: Tree, programs: Programs | None) -> CheckSpec | None:
    """One check: its name, or a mapping of its name to its arguments.

    `programs` says which program each node runs; None: the nodes could not be read.
    """
    entries = reading.entries(spelled_out(tree), "a check: its name, or a mapping")
    if entries is None:
        return None
    beside = {key.name for key in BESIDE.keys}
    named = [pair for pair in entries.pairs if pair[0].text not in beside]
    if len(named) != 1:
        message = f"got {len(named)} checks, expected one: the name of a check"
        reading.report("one-at-a-time", message, entries.span, "begin every check with '- '")
        return None
    name, arguments = named[0]
    check = CHECKS.get(name.text)
    if check is None:
        message = f"unknown check {quoted(name.text)}"
        reading.report("unknown-check", message, name.span, suggest(name.text, CHECKS))
        return None
    if check.is_bare and is_nothing(arguments):
        arguments = Entries((), name.span, flow=True)
    found = check.read(reading, arguments, programs)
    alone = Entries((named[0],), entries.span, flow=True)
    others = tuple(pair for pair in entries.pairs if pair[0].text in beside)
    worth = BESIDE.read(reading, Entries(others, entries.span, flow=True))
    assert worth is not None  # noqa: S101 - it is a mapping with known keys
    if worth.tree(_POINTS) is None and worth.tree(_PARTIAL) is not None:
        message = "'partial' goes with 'points' only"
        reading.report("missing-key", message, worth.span(_PARTIAL), "say how many points")
    return CheckSpec(
        name.text,
        found,
        name.text if is_nothing(named[0][1]) else reading.one_line(alone),
        tree.span,
        title=worth.get(_TITLE),
        points=worth.get(_POINTS),
        partial=worth.get(_PARTIAL) or False,
        visibility=worth.get(_VISIBILITY) or "visible",
    )
