"""Puts together what the wire tells of each datagram, from its sender on."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from peerlab.evidence.journal import Event
from peerlab.report.details import number_in, text_in, texts_in
from peerlab.report.passages import Carrier, Passage
from peerlab.report.payloads import payload_name
from peerlab.report.reported import Reports

_WORD: Final = re.compile(r"[\w.-]+")
_SEARCHED: Final = 400
"""Characters of a datagram in which the id of a message is looked for."""
_DEEDS: Final = frozenset({"by", "delay", "copies", "damaged", "held"})
"""What the wire tells of a datagram to which something was done."""
_PULLED: Final = "the pulled cable of "

_Same = tuple[str, str, str, int]
_Flow = tuple[str, str]


def read_datagrams(events: Sequence[Event], reports: Reports) -> list[Passage]:
    """One passage for each datagram, with what became of it further on the way.

    Args:
        events: what the wire told, in the order of the journal.
        reports: what programs say; a datagram with the id of a message in it carries that.
    """
    first = sorted((event for event in events if "cable" not in event.detail), key=_when)
    further = [event for event in events if "cable" in event.detail]
    times: dict[_Same, list[float]] = defaultdict(list)
    for event in first if further else ():
        times[_same(event)].append(event.at)
    later: dict[tuple[_Same, float], list[Event]] = defaultdict(list)
    alone: list[Event] = []
    for event in further:
        key = _same(event)
        place = bisect_right(times[key], event.at)
        if place:
            later[key, times[key][place - 1]].append(event)
        else:
            alone.append(event)
    stages = [[event, *later.pop((_same(event), event.at), ())] for event in first]
    passing = _passing(stages)
    passages = [_datagram(of_one, passing, reports) for of_one in stages]
    return passages + [_datagram([event], passing, reports, changed=True) for event in alone]


def _when(event: Event) -> float:
    return event.at


def _flow(event: Event) -> _Flow:
    """From which address to which."""
    return str(event.detail.get("source")), str(event.detail.get("destination"))


def _same(event: Event) -> _Same:
    """What two events about one datagram have in common."""
    return (*_flow(event), event.text, int(number_in(event, "size")))


def _is_held(stages: Sequence[Event]) -> bool:
    return any(stage.detail.get("held") is True for stage in stages)


def _passing(datagrams: Sequence[Sequence[Event]]) -> Mapping[_Flow, Sequence[float]]:
    """When datagrams went by for which others may have waited, by their flows."""
    passing: dict[_Flow, list[float]] = defaultdict(list)
    for stages in datagrams:
        if not _is_held(stages) and stages[0].detail.get("fate") == "delivered":
            passing[_flow(stages[0])].append(stages[0].at)
    return passing


def _datagram(
    stages: Sequence[Event],
    passing: Mapping[_Flow, Sequence[float]],
    reports: Reports,
    *,
    changed: bool = False,
) -> Passage:
    event = stages[0]
    message = _message_in(event, reports)
    passage = Passage(
        event.at,
        event.at,
        Carrier.UDP,
        event.node,
        target_of(event),
        _what(event, message, reports),
        payload=event.text,
        message=message,
        changed=changed,
    )
    if len(stages) == 1 and _is_untouched(event):
        return passage
    why = tuple(
        dict.fromkeys(  # both cables may obey the same step
            told for stage in stages for told in (*texts_in(stage, "by"), *_done_to(stage))
        )
    )
    copies = max(int(number_in(stage, "copies", 1)) for stage in stages)
    drops = [stage for stage in stages if stage.detail.get("fate") != "delivered"]
    delay = sum(number_in(stage, "delay") for stage in stages)
    lost = bool(drops) and (event in drops or len(drops) >= copies)
    held = not lost and _is_held(stages)
    arrives = max([event.at + delay, *(stage.at for stage in stages)])
    if held:
        receipt = reports.receipt(message, target_of(event))
        times = passing.get(_flow(event), ())
        gone_by = times[bisect_right(times, event.at) :]
        arrives = max([arrives, *([receipt.at] if receipt is not None else gone_by[:1])])
    if event.detail.get("fate") == "nowhere":
        why += ("nobody has this address",)
    return replace(
        passage,
        arrives=arrives,
        lost=lost,
        lost_at=_lost_at(drops[-1]) if lost else None,
        why=why,
        copies=copies,
        delay=delay,
        held=held,
    )


def _is_untouched(event: Event) -> bool:
    """Whether it arrived and nothing was done to it, as it is of nearly all."""
    return event.detail.get("fate") == "delivered" and event.detail.keys().isdisjoint(_DEEDS)


def _lost_at(drop: Event) -> str | None:
    """The node or router at whose cable it was lost; None: nobody knows."""
    pulled = [told for told in texts_in(drop, "by") if told.startswith(_PULLED)]
    return pulled[-1].removeprefix(_PULLED) if pulled else text_in(drop, "cable")


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
    return text_in(event, "to")


def _message_in(event: Event, reports: Reports) -> str | None:
    """The id of the message that a datagram carries."""
    words = (found[0] for found in _WORD.finditer(event.text[:_SEARCHED]))
    return next((word for word in words if word in reports.texts), None)


def _what(event: Event, message: str | None, reports: Reports) -> str:
    """The text of the message that a datagram carries, or else what seems to be in it."""
    if message is not None:
        return reports.texts[message]
    name = payload_name(event.text, int(number_in(event, "size")))
    if target_of(event) is None:
        return f"to {event.detail.get('destination')}: {name}"
    return name
