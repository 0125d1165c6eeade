"""A client that shows a message with the label that the message claims."""

import runpy
from unittest.mock import patch

from services.client import peer
from services.client.peer import describe
from services.datagram import parse_datagram
from services.values import Address, ProtocolError


def as_claimed(data: bytes, source: Address, label: str | None, arrival: float) -> tuple[str, str]:
    try:
        claimed: str | None = parse_datagram(data).sender
    except ProtocolError:
        claimed = label
    return describe(data, source, claimed, arrival)


with patch.object(peer, "describe", as_claimed):
    runpy.run_module("services.client", run_name="__main__")
