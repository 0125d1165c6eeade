"""Tells what a run came to so that two runs of the same scenario can be compared.

What is another in every run has a name, see `names`. Order goes only where it differs between runs
of the same programs on the same backend; each such place says why.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from peerlab.compare.names import Names, first_name
from peerlab.compare.speech import Speech
from peerlab.evidence.journal import OF_THE_WIRE, Event, Kind
from peerlab.evidence.reading import apart

_COURSE: Final = {
    Kind.STARTED,
    Kind.READY,
    Kind.PAUSED,
    Kind.RESUMED,
    Kind.UNPLUGGED,
    Kind.PLUGGED,
    Kind.INPUT_ENDED,
    Kind.SIGNALLED,
    Kind.TRUNCATED,
    Kind.EXITED,
    Kind.STEP_FAILED,
    Kind.BROKE,
    Kind.END,
}
_FATE: Final = ("by", "copies", "damaged", "held")
_GONE: Final = "\0"


class Lane(NamedTuple):
    """One of the things that a node did, each of which has an order of its own.

    What was typed stands apart from what was printed: a line can be typed before the prompt that
    it answers was seen, so how the two follow each other is a race. In which order each of them
    came is none.

    Attributes:
        what: `typed`, `printed` (the dialogue, line by line, prompts as lines of their own),
            `complained` (the same for standard error), `noticed`, `sent` and `received` (what the
            program says of messages), `course` (how it started and ended, and what steps did to it
            meanwhile) or `network` (what became of its datagrams).
        whom: the node that it is about, where the order holds only for each of them.
        ordered: whether there is an order at all; else the texts are sorted.
    """

    what: str
    whom: str = ""
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a node did, with names in it, and when (seconds since the run began)."""

    text: str
    at: float = field(default=0.0, compare=False)


Part = Mapping[Lane, tuple[Told, ...]]
"""One node's part in a run."""


def retell(journal: Sequence[Event], speech: Speech) -> dict[str, Part]:
    """Each node's part in a run, by the node's name; what the lab says of itself has none."""
    names = Names(journal, speech)
    events: dict[str, list[Event]] = defaultdict(list)
    for event in journal:
        # What the wire tells is of routers, too, and each backend has processes of its own for it.
        if event.kind not in OF_THE_WIRE and (event.node is not None or event.kind in _COURSE):
            events[event.node or ""].append(event)
    return {node: _in_lanes(_part(node, own, names, speech)) for node, own in events.items()}


def retell_network(journal: Sequence[Event], speech: Speech) -> dict[str, Part]:
    """What became of each node's datagrams: one lane for each address and place on the way."""
    names = Names(journal, speech)
    lanes: dict[str, list[tuple[Lane, Told]]] = defaultdict(list)
    for event in sorted(journal, key=lambda event: event.at):  # the wire may tell them late
        if event.kind is Kind.DATAGRAM and event.node is not None:
            target = names.put_into(event.detail["destination"])
            place = f" at {event.detail['cable']}" if "cable" in event.detail else ""
            told = Told(f"a datagram to {target}{place}: {_fate(event)}", event.at)
            lanes[event.node].append((Lane("network", target + place), told))
    return {node: _in_lanes(told) for node, told in lanes.items()}


def _fate(event: Event) -> str:
    """What the wire did with a datagram. How long it took is left out: that is measured."""
    told = [f"{event.detail['fate']}"]
    told += [f"{key} {event.detail[key]}" for key in _FATE if key in event.detail]
    return ", ".join(told)


def _part(
    node: str, events: Sequence[Event], names: Names, speech: Speech
) -> Iterator[tuple[Lane, Told]]:
    notice = speech.notices.get(node)
    lines = {
        "printed": _lines(events, "stdout", notice, speech.prompts),
        "complained": _lines(events, "stderr", notice, speech.prompts),
    }
    for what, printed in lines.items():
        for line, at in printed:
            told = Told(names.put_into(line), at)
            # Nobody talks with it: it serves others, who come in any order.
            whom = first_name(told.text) if node in speech.served else ""
            yield Lane(what, whom, not (whom and names.is_of_router(told.text))), told
    known: set[tuple[Kind, str, str]] = set()
    for event in events:
        if event.kind is Kind.TYPED:
            yield Lane("typed"), Told(names.put_into(event.text), event.at)
        elif _is_notice(event):
            # Messages of different senders overtake each other, those of one sender do not.
            noticed = names.put_into(apart(event, notice)[1])
            yield Lane("noticed", first_name(noticed)), Told(noticed, event.at)
        elif event.kind in {Kind.SENT, Kind.RECEIVED}:
            peer = names.put_into(str(event.detail["peer"]))
            # The ids are another in every run; that one comes again is not.
            key = (event.kind, peer, str(event.detail["id"]))
            again = " (again)" if key in known else ""
            known.add(key)
            text = names.put_into(event.text)
            yield Lane(event.kind.value, peer), Told(f"{peer}: {text}{again}", event.at)
        elif event.kind in _COURSE:
            yield Lane("course"), Told(_deed(event, names.put_into(event.text)), event.at)


def _in_lanes(parts: Iterable[tuple[Lane, Told]]) -> Part:
    lanes: dict[Lane, list[Told]] = defaultdict(list)
    for lane, told in parts:
        lanes[lane].append(told)
    return {
        lane: tuple(told if lane.ordered else sorted(told, key=lambda each: each.text))
        for lane, told in lanes.items()
    }


def _deed(event: Event, text: str) -> str:
    """How a program started or ended, what a step did to it, or what did not come true."""
    match event.kind:
        case Kind.EXITED:
            return f"ended with status {event.detail['status']}, by {event.detail['by']}"
        case Kind.STARTED if "again" in event.detail:
            return "started again"
        case Kind.SIGNALLED:
            return f"signalled: {event.detail['signal']}"
        case Kind.END:
            return "came to its end"
        case Kind.STEP_FAILED if "number" in event.detail:
            return f"step {event.detail['number']} failed: {text}"
        case _:
            return f"{event.kind.value}: {text}" if text else event.kind.value


def _lines(
    events: Sequence[Event], stream: str, notice: re.Pattern[str] | None, prompts: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """What was printed on a stream beside notices, and when."""
    printed = [
        event for event in events if event.kind is Kind.PRINTED and event.detail["stream"] == stream
    ]
    pieces = [
        (apart(event, notice)[0] + _GONE) if _is_notice(event) else event.text.replace(_GONE, "�")
        for event in printed
    ]
    begins = list(accumulate(map(len, pieces), initial=0))
    times = [*(event.at for event in printed), events[-1].at]
    text = "".join(pieces)
    if prompts:
        alternatives = "|".join(re.escape(each) for each in sorted(prompts, key=len, reverse=True))
        # A notice interrupts the prompt that happens to be open, and that is then printed again.
        interrupted = re.compile(rf"(?P<prompt>{alternatives})(?:\n{_GONE}(?P=prompt))+")
        text = interrupted.sub(
            lambda found: found["prompt"] + _GONE * (len(found[0]) - len(found["prompt"])), text
        )
    # Places are those of the text as it was printed: what is gone keeps its room until here.
    start = 0
    for end in [*_line_ends(text, prompts), len(text)]:
        line = text[start:end]
        if shown := line.replace(_GONE, ""):
            first = start + len(line) - len(line.lstrip(_GONE))
            # The line of a prompt that nobody answers is ended when something else is printed.
            place = end if shown == "\n" else first
            yield shown, times[bisect_right(begins, place) - 1]
        start = end


def _line_ends(text: str, prompts: Iterable[str]) -> list[int]:
    """Where lines end: behind a line end, and behind a prompt."""
    ends = "|".join(f"(?<={re.escape(each)})" for each in ["\n", *prompts])
    return [match.start() for match in re.finditer(ends, text)]


def _is_notice(event: Event) -> bool:
    return event.kind is Kind.PRINTED and "notice" in event.detail
