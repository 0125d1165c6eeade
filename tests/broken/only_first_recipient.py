"""A client that sends to the first of the recipients alone."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.actions import SendMessage
from services.client.client import Client


class SendsToOne(Client):
    def _send(self, action: SendMessage) -> None:
        first = dict(list(action.recipients.items())[:1])
        super()._send(SendMessage(action.message, action.data, first))


with patch.object(client, "Client", SendsToOne):
    runpy.run_module("services.client", run_name="__main__")
