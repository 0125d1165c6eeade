"""A server that serves one connection to its end before it takes the next."""

import runpy
import socket
from unittest.mock import patch

from services.server import server
from services.server.server import Server
from services.values import Address


class OneAtATime(Server):
    def _start(self, connection: socket.socket, address: Address) -> None:
        super()._start(connection, address)
        for thread in list(self._connections):
            thread.join()


with patch.object(server, "Server", OneAtATime):
    runpy.run_module("services.server", run_name="__main__")
