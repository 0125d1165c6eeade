"""A client whose UDP socket is not at the port that the list shows."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.values import Address


class NextPort(Peer):
    def open(self, address: Address, local: Address) -> None:
        ip, port = address
        super().open((ip, port + 1), local)


with patch.object(client, "Peer", NextPort):
    runpy.run_module("services.client", run_name="__main__")
