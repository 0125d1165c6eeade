"""A client that sends nothing to its own label."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.actions import SendMessage
from services.client.client import Client


class SparesItself(Client):
    def _send(self, action: SendMessage) -> None:
        own = action.message.sender
        others = {label: at for label, at in action.recipients.items() if label != own}
        super()._send(SendMessage(action.message, action.data, others))


with patch.object(client, "Client", SparesItself):
    runpy.run_module("services.client", run_name="__main__")
