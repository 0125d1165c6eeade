"""A client whose receive thread ends at the first datagram in another format."""

import runpy
from unittest.mock import patch

from services.client import peer
from services.client.peer import describe
from services.datagram import parse_datagram
from services.values import Address


def only_messages(
    data: bytes, source: Address, label: str | None, arrival: float
) -> tuple[str, str]:
    parse_datagram(data)
    return describe(data, source, label, arrival)


with patch.object(peer, "describe", only_messages):
    runpy.run_module("services.client", run_name="__main__")
