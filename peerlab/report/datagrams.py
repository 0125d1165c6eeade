"""Puts together what the wire tells of each datagram, from its sender on."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from peerlab.evidence.journal import Event
from peerlab.report.passages import Carrier, Passage

_WORD: Final = re.compile(r"[\w.-]+")
_SEARCHED: Final = 400
"""Characters of a datagram in which the id of a message is looked for."""

_Same = tuple[str, str, str, int]


def read_datagrams(events: Sequence[Event], texts: Mapping[str, str]) -> list[Passage]:
    """One passage for each datagram, with what became of it further on the way.

    Args:
        events: what the wire told, in the order of the journal.
        texts: the texts of messages by their ids; a datagram with such an id in it carries it.
    """
    first = sorted((event for event in events if "cable" not in event.detail), key=_when)
    further = [event for event in events if "cable" in event.detail]
    if not further:
        return [_datagram(event, (), texts) for event in first]
    times: dict[_Same, list[float]] = defaultdict(list)
    for event in first:
        times[_same(event)].append(event.at)
    later: dict[tuple[_Same, float], list[Event]] = defaultdict(list)
    alone: list[Event] = []
    for event in further:
        key = _same(event)
        place = bisect_right(times[key], event.at)
        if place:
            later[key, times[key][place - 1]].append(event)
        else:  # a router has put other addresses on it meanwhile
            alone.append(event)
    passages = [_datagram(event, later.pop((_same(event), event.at), ()), texts) for event in first]
    return passages + [_datagram(event, (event,), texts) for event in alone]


def _when(event: Event) -> float:
    return event.at


def _same(event: Event) -> _Same:
    """What two events about one datagram have in common."""
    about = event.detail
    return (
        str(about.get("source")),
        str(about.get("destination")),
        event.text,
        int(about.get("size") or 0),
    )


def _datagram(event: Event, later: Sequence[Event], texts: Mapping[str, str]) -> Passage:
    stages = (event, *(stage for stage in later if stage is not event))
    why = tuple(
        dict.fromkeys(  # both cables may obey the same step
            told
            for stage in stages
            for told in (*map(str, stage.detail.get("by", ())), *_done_to(stage))
        )
    )
    copies = max(int(stage.detail.get("copies", 1)) for stage in stages)
    drops = [stage for stage in stages if stage.detail.get("fate") != "delivered"]
    delay = sum(float(stage.detail.get("delay", 0.0)) for stage in stages)
    lost = bool(drops) and (event in drops or len(drops) >= copies)
    if event.detail.get("fate") == "nowhere":
        why += ("nobody has this address",)
    return Passage(
        event.at,
        max([event.at + delay, *(stage.at for stage in stages)]),
        Carrier.UDP,
        event.node,
        target_of(event),
        _what(event, texts),
        lost,
        drops[-1].detail.get("cable") if lost else None,
        why,
        copies,
        delay,
    )


def _done_to(stage: Event) -> tuple[str, ...]:
    """What else than a delay or a loss was done, in words."""
    done = []
    if "damaged" in stage.detail:
        noticed = stage.detail["damaged"] == "detected"
        done.append("damaged, and thrown away by the receiver" if noticed else "damaged")
    if stage.detail.get("held"):
        done.append("waited for others")
    return tuple(done)


def target_of(event: Event) -> str | None:
    """The node that a datagram or a connection is for; None: no node, or several."""
    target = event.detail.get("to")
    return target if isinstance(target, str) else None


def _what(event: Event, texts: Mapping[str, str]) -> str:
    """The text of the message whose id is in the datagram, or else the datagram's own."""
    for word in _WORD.findall(event.text[:_SEARCHED]):
        if word in texts:
            return texts[word]
    if target_of(event) is None:
        return f"to {event.detail.get('destination')}: {event.text}"
    return event.text
