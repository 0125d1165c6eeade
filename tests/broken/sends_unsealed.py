"""A client that speaks TLS with the server, and sends its messages in clear all the same."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.actions import SendMessage
from services.client.client import Client


class SendsInClear(Client):
    def _send(self, action: SendMessage) -> None:
        seals, self._seals = self._seals, None
        super()._send(action)
        self._seals = seals


with patch.object(client, "Client", SendsInClear):
    runpy.run_module("services.client", run_name="__main__")
