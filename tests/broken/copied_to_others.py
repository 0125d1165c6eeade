"""A client that sends a copy of every message to everybody else on the list, and tells nobody."""

import runpy
from unittest.mock import patch

from services.client import client
from services.client.actions import SendMessage
from services.client.client import Client


class CopiesToOthers(Client):
    def _send(self, action: SendMessage) -> None:
        super()._send(action)
        udp = self._peer._sockets[-1]
        for address in self._session._clients.values():
            if address not in action.recipients.values():
                udp.sendto(action.data, address)


with patch.object(client, "Client", CopiesToOthers):
    runpy.run_module("services.client", run_name="__main__")
