"""All that passed between nodes, from the journal: datagrams, connections, reported messages."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.evidence.journal import Event, Kind
from peerlab.report.datagrams import read_datagrams, target_of
from peerlab.report.details import text_in
from peerlab.report.onward import follow
from peerlab.report.passages import Carrier, Passage
from peerlab.report.reported import read_reported, read_reports

_TROUBLES: Final = {
    "refused": "refused",
    "reset": "reset",
    "unanswered": "never answered",
}
_MESSAGES: Final = frozenset({Kind.SENT, Kind.RECEIVED})


@dataclass(frozen=True, slots=True)
class Latency:
    """How long something was under way: `seconds`, from the time `at` on."""

    at: float
    seconds: float
    carrier: Carrier


@dataclass(frozen=True, slots=True)
class Traffic:
    """All that passed, in order of time, and how long messages and delayed datagrams took."""

    passages: Sequence[Passage]
    latencies: Sequence[Latency]


def read_traffic(
    journal: Iterable[Event], addresses: Mapping[str, str], routers: Collection[str] = ()
) -> Traffic:
    """Read what passed, in one pass over the journal.

    Args:
        journal: all events of a run.
        addresses: the names of nodes by their IP addresses.
        routers: the names of the routers.
    """
    datagrams: list[Event] = []
    connections: list[Event] = []
    messages: list[Event] = []
    for event in journal:
        if event.kind is Kind.DATAGRAM:
            datagrams.append(event)
        elif event.kind is Kind.CONNECTION:
            connections.append(event)
        elif event.kind in _MESSAGES:
            messages.append(event)
    reported = read_reported(messages, addresses)
    if datagrams:
        reports = read_reports(messages)
        passages = follow(read_datagrams(datagrams, reports), routers, reports)
    else:
        passages = reported
    passages = passages + [_connection(event) for event in connections]
    passages.sort(key=lambda passage: passage.at)
    latencies = [
        Latency(passage.at, passage.arrives - passage.at, Carrier.MESSAGE)
        for passage in reported
        if not passage.is_odd
    ]
    latencies += [
        Latency(passage.at, passage.delay, Carrier.UDP)
        for passage in passages
        if passage.delay and not passage.lost
    ]
    return Traffic(passages, latencies)


def losses(passages: Iterable[Passage]) -> dict[tuple[str, str], tuple[int, int]]:
    """How many of each pair's datagrams or messages arrived and were lost, most lost first.

    What a router passed on counts once, unless it is lost behind the router.
    """
    arrived: Counter[tuple[str, str]] = Counter()
    lost: Counter[tuple[str, str]] = Counter()
    for passage in passages:
        if passage.carrier is not Carrier.TCP and (passage.lost or not passage.changed):
            pair = (passage.source or "elsewhere", passage.target or "elsewhere")
            (lost if passage.lost else arrived)[pair] += 1
    pairs = sorted({*arrived, *lost}, key=lambda pair: (-lost[pair], -arrived[pair], pair))
    return {pair: (arrived[pair], lost[pair]) for pair in pairs}


def _connection(event: Event) -> Passage:
    about = event.detail
    port = (text_in(event, "destination") or "").rpartition(":")[2]
    trouble = _TROUBLES.get(event.text)
    if event.text == "opened" or trouble is not None:
        what = f"TCP to port {port}"
    else:
        what = f"TCP {event.text}, {about.get('sent')} B out, {about.get('received')} B in"
    return Passage(
        event.at,
        event.at,
        Carrier.TCP,
        event.node,
        target_of(event),
        what,
        trouble is not None,
        why=(trouble,) if trouble is not None else (),
        ends=event.text != "opened",
    )
