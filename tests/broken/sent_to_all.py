"""A client that sends every message to everybody on the list."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.actions import SendMessage
from services.client.client import Client


class SendsToAll(Client):
    def _send(self, action: SendMessage) -> None:
        everybody = self._session._clients
        super()._send(SendMessage(action.message, action.data, everybody))


with patch.object(client, "Client", SendsToAll):
    runpy.run_module("services.client", run_name="__main__")
