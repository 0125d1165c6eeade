"""The arguments of the checks about what terminals showed and how programs ended."""

from typing import Final

from peerlab.scenario.arguments import Arguments, Programs, exactly_one
from peerlab.scenario.expected import LINES, has_misplaced_lines
from peerlab.scenario.kinds import (
    COUNT,
    HOST,
    PATTERN,
    PROGRAM_NAME,
    SOME_NODES,
    STATUS,
    TEMPLATE,
    Fields,
    Form,
    Key,
    one_of,
    raw,
    read_nodes,
)
from peerlab.scenario.reading import Reading, Scope, suggest
from peerlab.scenario.source import quoted
from peerlab.scenario.tree import Scalar, Tree

_NODE: Final = Key("node", raw(SOME_NODES), "the node, range or list of them whose log is read")
_PROGRAM: Final = Key("program", PROGRAM_NAME, "instead: all nodes of this program")
_CONTAINS: Final = Key("contains", PATTERN, "what every one of the logs must have in it")
_LACKS: Final = Key("lacks", PATTERN, "what none of the logs may have in it")
_TIMES: Final = Key("times", COUNT, "how often it must be there (left out: at least once)")
_DIRECTION: Final = Key(
    "direction", one_of("printed", "typed"), "what the program printed (default), or what was typed"
)

_WHOSE: Final = Key("node", HOST, "the node whose terminal is looked at", required=True)
_EQUALS: Final = Key(
    "equals", TEMPLATE, "all that its terminal showed, with placeholders", required=True
)
_NOTICES: Final = Key(
    "notices",
    one_of("within", "apart"),
    "whether lines that come unasked are compared too (default), or left out",
)

LOG: Final = Form("the check 'log'", (_NODE, _PROGRAM, _CONTAINS, _LACKS, _TIMES, _DIRECTION))
TRANSCRIPT: Final = Form("the check 'transcript'", (_WHOSE, _EQUALS, _NOTICES))


def read_exits(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    """The arguments of `exits`."""
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


def read_log(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    """The arguments of `log`."""
    fields = LOG.read(reading, tree)
    if fields is None:
        return {}
    contains, lacks, times = fields.get(_CONTAINS), fields.get(_LACKS), fields.get(_TIMES)
    exactly_one(fields, _CONTAINS, _LACKS)
    exactly_one(fields, _NODE, _PROGRAM)
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


def read_transcript(reading: Reading, tree: Tree, programs: Programs | None) -> Arguments:
    """The arguments of `transcript`."""
    fields = TRANSCRIPT.read(reading, tree)
    if fields is None:
        return {}
    name, where = fields.get(_WHOSE), fields.tree(_WHOSE)
    if programs is not None and name is not None and where is not None:
        read_nodes(reading, where, tuple(programs))
    with reading.scope(None if programs is None else Scope(nodes=frozenset(programs))):
        text = fields.get(_EQUALS)
    written = fields.tree(_EQUALS)
    if isinstance(written, Scalar) and has_misplaced_lines(written.text):
        message = f"got {LINES} beside other text, expected it alone on its line"
        hint = "it stands for whole lines; <any> stands for anything within a line"
        reading.report("bad-text", message, written.span, hint)
    return {"node": name, "equals": text, "notices": fields.get(_NOTICES) or "within"}
