"""A client that sends every datagram twice; the receiver shows it once, and tells of a replay."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.datagram import ChatMessage
from services.values import Address


class SendsTwice(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        super().send(message, data, address)
        super().send(message, data, address)


with patch.object(client, "Peer", SendsTwice):
    runpy.run_module("services.client", run_name="__main__")
