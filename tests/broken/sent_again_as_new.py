"""A client that sends every message twice, the second time with an id of its own."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.datagram import ChatMessage, format_datagram
from services.values import Address


class SendsAnother(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        super().send(message, data, address)
        another = message._replace(message_id=f"{message.message_id}-again")
        super().send(another, format_datagram(another), address)


with patch.object(client, "Peer", SendsAnother):
    runpy.run_module("services.client", run_name="__main__")
