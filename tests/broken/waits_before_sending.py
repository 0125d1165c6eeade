"""A client that waits for two and a half seconds before it sends."""

import runpy
import time
from unittest.mock import patch

from services.client import client
from services.client.actions import SendMessage
from services.client.client import Client


class Hesitates(Client):
    def _send(self, action: SendMessage) -> None:
        time.sleep(2.5)  # noqa: TID251 - the mistake itself
        super()._send(action)


with patch.object(client, "Client", Hesitates):
    runpy.run_module("services.client", run_name="__main__")
