"""The checks that a scenario can ask for, with their arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from peerlab.scenario.arguments import Arguments, Programs
from peerlab.scenario.kinds import (
    FLAG,
    LINE,
    NODES,
    POINTS,
    STATUS,
    Form,
    Key,
    Schema,
    mapping_of,
    one_of,
)
from peerlab.scenario.message_checks import (
    DELIVERY,
    LATENCY,
    ORDER,
    read_delivery,
    read_latency,
    read_order,
)
from peerlab.scenario.model import CheckSpec
from peerlab.scenario.network_checks import (
    CAPTURE,
    PRESENCE,
    TRAFFIC,
    read_capture,
    read_presence,
    read_traffic,
)
from peerlab.scenario.reading import Reading, suggest
from peerlab.scenario.source import quoted
from peerlab.scenario.terminal_checks import (
    LOG,
    TRANSCRIPT,
    read_exits,
    read_log,
    read_transcript,
)
from peerlab.scenario.tree import Entries, Tree, is_nothing, spelled_out

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
        read_exits,
    ),
    "log": Check("logs contain or lack a pattern", LOG.schema(), read_log),
    "transcript": Check(
        "what a terminal showed is this text", TRANSCRIPT.schema(), read_transcript
    ),
    "presence": Check(
        "every list that a node was shown had those on it who were there",
        PRESENCE.schema(),
        read_presence,
        is_bare=True,
    ),
    "traffic": Check(
        "messages go to those whom they are for, and to nobody else",
        TRAFFIC.schema(),
        read_traffic,
        is_bare=True,
    ),
    "capture": Check("what can be read on the network", CAPTURE.schema(), read_capture),
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
