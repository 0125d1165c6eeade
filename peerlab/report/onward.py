"""Follows datagrams that are sent to a router on to the nodes that it passed them on to.

The wire tells of a datagram where it leaves its sender, with the addresses that it has there. That
the router has put others on it is told only where it is lost behind the router; that it arrived,
programs say.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from peerlab.evidence.journal import Event, Kind
from peerlab.report.details import text_in
from peerlab.report.passages import Carrier, Passage
from peerlab.report.reported import Reports


def follow(
    passages: Sequence[Passage], routers: Collection[str], reports: Reports
) -> list[Passage]:
    """Add the way on from each router, or a remark where the journal does not tell it.

    Args:
        passages: what passed; what a router has changed comes last.
        routers: the names of the routers.
        reports: what programs say of messages.
    """
    beyond: dict[tuple[str | None, str], list[Passage]] = defaultdict(list)
    receipts = {message: list(found) for message, found in reports.receipts.items()}
    for passage in passages:
        if passage.changed and passage.target not in routers:
            beyond[passage.source, passage.payload].append(passage)
        elif passage.message in receipts:  # a receipt by the node that it was sent to is of that
            receipts[passage.message] = [
                receipt for receipt in receipts[passage.message] if receipt.node != passage.target
            ]
    followed: list[Passage] = []
    taken: set[int] = set()
    for passage in passages:
        if id(passage) in taken:
            continue
        if passage.target not in routers or passage.lost:
            followed.append(passage)
            continue
        lost = beyond[passage.source, passage.payload]
        received = receipts.get(passage.message or "")
        if lost and lost[0].at >= passage.at:
            taken.add(id(lost[0]))
            followed += [passage, replace(lost.pop(0), source=passage.target)]
        elif received:
            followed += [passage, _way_on(passage, received.pop(0))]
        else:
            followed.append(replace(passage, remark=f"on from {passage.target}: not seen"))
    return followed


def _way_on(passage: Passage, receipt: Event) -> Passage:
    """From the router to whoever received it, as programs say."""
    begin = passage.arrives
    return Passage(
        begin,
        max(begin, receipt.at),
        Carrier.UDP,
        passage.target,
        receipt.node,
        passage.what,
        message=passage.message,
        changed=True,
    )


def router_addresses(
    journal: Iterable[Event], routers: Collection[str]
) -> Mapping[str, Sequence[str]]:
    """The addresses under which datagrams reached each router, or came from it."""
    found: dict[str, dict[str, None]] = {name: {} for name in routers}
    for event in journal if found else ():
        if event.kind is Kind.DATAGRAM:
            for name, end in ((text_in(event, "to"), "destination"), (event.node, "source")):
                address = (text_in(event, end) or "").rpartition(":")[0]
                if name in found and address:
                    found[name][address] = None
    return {name: list(addresses) for name, addresses in found.items()}
