"""A server that waits for whoever is silent, for as long as it takes."""

import runpy
from socket import socket
from unittest.mock import patch

from services.server import server
from services.server.server import Server


class WaitsForEver(Server):
    def _hear(self, connection: socket, *, answers_pings: bool) -> bytes:
        del answers_pings
        return super()._hear(connection, answers_pings=False)


with patch.object(server, "Server", WaitsForEver):
    runpy.run_module("services.server", run_name="__main__")
