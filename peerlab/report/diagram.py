"""The sequence diagram of a run, and the table that says the same: what of it is shown."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.report.canvas import Canvas
from peerlab.report.conditions import Change, Conditions, Mark
from peerlab.report.passages import Carrier, Passage
from peerlab.report.svg import shortened
from peerlab.report.timeline import (
    MOST_CHANGES,
    Item,
    Timeline,
    choose_lifelines,
    choose_marks,
    choose_passages,
    note,
)

_ELSEWHERE: Final = "elsewhere"


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the table that says the same as the drawing."""

    at: float
    source: str
    target: str
    what: str
    fate: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """A drawing in parts, and what it says as a table.

    Attributes:
        head: the names, to stay in sight above the body.
        times: the times, to stay in sight beside it.
        shrink: how much smaller it has to be to fit on paper.
        legend: which kinds of things are drawn: udp, opened, ended, message, lost, band, paused,
            unplugged.
        left_out: what is not drawn, a sentence each.
    """

    head: str
    times: str
    body: str
    shrink: float
    table: Sequence[Told]
    legend: Collection[str]
    left_out: Sequence[str]


def draw(
    names: Mapping[str, str],
    passages: Sequence[Passage],
    conditions: Conditions,
    named: Collection[str] = (),
) -> Diagram | None:
    """Draw what passed and what was in force; None where nothing happened.

    Args:
        names: all nodes and routers, and what is said below their names.
        passages: what passed, in order of time.
        conditions: what was in force.
        named: the nodes that findings are about.
    """
    shown = choose_lifelines(list(names), passages, conditions.marks, named)
    drawn = choose_passages(passages, set(shown))
    marks = choose_marks(conditions.marks, set(shown))
    changes = conditions.changes[:MOST_CHANGES]
    if not drawn and not marks:
        return None
    others = len(names) - len(shown)
    outside = f"{others} others" if others else _ELSEWHERE
    columns = {name: names[name] for name in shown}
    if any(not {passage.source, passage.target} <= columns.keys() for passage in drawn):
        columns[outside] = "not drawn" if others else "no node of the lab"
    timeline = Timeline([*drawn, *marks, *changes])
    canvas = Canvas(columns, outside, timeline, conditions)
    left_out = [
        f"{others} nodes have no lifeline of their own." if others else "",
        _more(len(passages) - len(drawn), "datagrams, messages or connections"),
        _more(len(conditions.changes) - len(changes), "changes of the network"),
    ]
    rows = [item for row in timeline.rows for item in row.items]
    return Diagram(
        canvas.head(),
        canvas.times(),
        canvas.body(),
        canvas.shrink,
        [_told(item) for item in rows],
        {*map(_kind, drawn), *_other_kinds(drawn, conditions, shown)},
        [sentence for sentence in left_out if sentence],
    )


def _more(count: int, what: str) -> str:
    return f"{count:,} more {what}, not drawn, are in journal.jsonl." if count > 0 else ""


def _told(item: Item) -> Told:
    match item:
        case Passage():
            source, target = item.source or _ELSEWHERE, item.target or _ELSEWHERE
            return Told(
                item.at, source, target, shortened(item.what, 120), shortened(_fate(item), 200)
            )
        case Mark():
            return Told(item.at, item.node, "", item.text, "")
        case Change():
            told = shortened(f"{item.shown}: {item.text}", 200)
            return Told(item.at, "the network", "", told, "")


def _kind(passage: Passage) -> str:
    if passage.carrier is Carrier.TCP and not passage.lost:
        return "ended" if passage.ends else "opened"
    return "lost" if passage.carrier is Carrier.TCP else passage.carrier.value


def _other_kinds(
    drawn: Iterable[Passage], conditions: Conditions, shown: Collection[str]
) -> Iterator[str]:
    if any(passage.lost for passage in drawn):
        yield "lost"
    if conditions.bands:
        yield "band"
    yield from (stretch.state for stretch in conditions.stretches if stretch.node in shown)


def _fate(passage: Passage) -> str:
    """What became of it, and when it arrived where that is another time."""
    told = [note(passage), passage.remark]
    if passage.carrier is not Carrier.TCP and not passage.lost:
        if passage.arrives > passage.at:
            told.insert(0, f"arrived at {passage.arrives:.3f} s")
        elif not note(passage):
            told.insert(0, "arrived")
    return "; ".join(each for each in told if each)
