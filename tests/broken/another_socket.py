"""A client that sends from another socket than the one it receives at."""

import runpy
import socket
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer, trace
from services.datagram import ChatMessage
from services.values import Address


class SendsFromAnywhere(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(data, address)
        self._screen.trace(trace("sent", message.message_id, "to", address, message.text))


with patch.object(client, "Peer", SendsFromAnywhere):
    runpy.run_module("services.client", run_name="__main__")
