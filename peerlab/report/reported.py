"""Puts together what programs report: which message was received by whom."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from peerlab.evidence.journal import Event, Kind
from peerlab.report.passages import Carrier, Passage


@dataclass(frozen=True, slots=True)
class Reports:
    """What programs say of messages, by the ids of these.

    Attributes:
        texts: what is in them; raw text.
        receipts: the events of their arrivals, in order.
    """

    texts: Mapping[str, str]
    receipts: Mapping[str, Sequence[Event]]

    def receipt(self, message: str | None, node: str | None = None) -> Event | None:
        """Where and when a message arrived first, at that node if one is given; None: nowhere."""
        for event in self.receipts.get(message, ()) if message is not None else ():
            if node in {None, event.node}:
                return event
        return None


def read_reports(messages: Sequence[Event]) -> Reports:
    """Sort what programs say of messages that have ids."""
    texts: dict[str, str] = {}
    receipts: dict[str, list[Event]] = defaultdict(list)
    for event in messages:
        message = event.detail.get("id")
        if message is not None:
            texts[str(message)] = event.text
            if event.kind is Kind.RECEIVED:
                receipts[str(message)].append(event)
    return Reports(texts, receipts)


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
