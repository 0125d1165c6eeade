"""A client that ends with status 130 on Ctrl-C at the prompt for the message."""

import runpy
from collections.abc import Sequence
from socket import socket
from unittest.mock import patch

from services.client import client
from services.client.actions import Question
from services.client.client import Client


class EndsAsKilled(Client):
    def _wait(self, stop: socket) -> Sequence[object]:
        readable = super()._wait(stop)
        if stop in readable and self._session._question is Question.MESSAGE:
            raise SystemExit(130)
        return readable


with patch.object(client, "Client", EndsAsKilled):
    runpy.run_module("services.client", run_name="__main__")
