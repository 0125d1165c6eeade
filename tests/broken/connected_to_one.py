"""A client that connects its UDP socket to whom it writes to, and so hears nobody else."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.datagram import ChatMessage
from services.values import Address


class Connects(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        self._sockets[-1].connect(address)
        super().send(message, data, address)


with patch.object(client, "Peer", Connects):
    runpy.run_module("services.client", run_name="__main__")
