"""A client that waits for 2.5 s between one recipient of a message and the next."""

import runpy
import time
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.datagram import ChatMessage
from services.values import Address


class TakesTurns(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        super().send(message, data, address)
        time.sleep(2.5)  # noqa: TID251 - the mistake itself


with patch.object(client, "Peer", TakesTurns):
    runpy.run_module("services.client", run_name="__main__")
