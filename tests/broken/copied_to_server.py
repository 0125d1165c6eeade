"""A client that sends a copy of every message to the server's host, where nobody shows it."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.datagram import ChatMessage
from services.values import Address


class ReportsToServer(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        super().send(message, data, address)
        self._sockets[-1].sendto(data, ("server", 12345))


with patch.object(client, "Peer", ReportsToServer):
    runpy.run_module("services.client", run_name="__main__")
