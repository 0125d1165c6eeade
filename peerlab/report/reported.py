"""Puts together what programs report: which message was received by whom."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from peerlab.evidence.journal import Event, Kind
from peerlab.report.passages import Carrier, Passage


def read_reported(messages: Sequence[Event], addresses: Mapping[str, str]) -> list[Passage]:
    """One passage for each message that a program says it sent, and each that came unsent."""
    receipts: dict[str, list[Event]] = defaultdict(list)
    for event in messages:
        if event.kind is Kind.RECEIVED:
            receipts[str(event.detail.get("id"))].append(event)
    passages = []
    for event in messages:
        if event.kind is Kind.SENT:
            target = addresses.get(str(event.detail.get("peer")))
            receipt = _take(receipts[str(event.detail.get("id"))], target)
            passages.append(_message(event, target, receipt))
    passages += [
        Passage(
            event.at,
            event.at,
            Carrier.MESSAGE,
            addresses.get(str(event.detail.get("peer"))),
            event.node,
            event.text,
            why=("nobody reported to have sent it, or not so often",),
        )
        for left in receipts.values()
        for event in left
    ]
    return passages


def _take(receipts: list[Event], target: str | None) -> Event | None:
    """Take the first receipt by the node; by any, where an address is that of no node."""
    for place, event in enumerate(receipts):
        if target is None or event.node == target:
            return receipts.pop(place)
    return None


def _message(event: Event, target: str | None, receipt: Event | None) -> Passage:
    if receipt is None:
        return Passage(
            event.at,
            event.at,
            Carrier.MESSAGE,
            event.node,
            target,
            event.text,
            lost=True,
            why=("nobody reported to have received it",),
        )
    return Passage(
        event.at,
        max(event.at, receipt.at),  # what the receiver prints may be read first
        Carrier.MESSAGE,
        event.node,
        receipt.node,
        event.text,
    )
