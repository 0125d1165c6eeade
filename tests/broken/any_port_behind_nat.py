"""A client that takes another port where its machine lacks the address that the server sees."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.values import Address


class TakesAnyPort(Peer):
    def open(self, address: Address, local: Address) -> None:
        super().open(address, (local[0], local[1] + 1))


with patch.object(client, "Peer", TakesAnyPort):
    runpy.run_module("services.client", run_name="__main__")
