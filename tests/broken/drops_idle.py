"""A server that ends a connection on which nothing comes for a second."""

import runpy
import select
import socket
from unittest.mock import patch

from services.server import server
from services.server.server import GivenUpError, Server


class LosesPatience(Server):
    def _hear(self, connection: socket.socket, *, answers_pings: bool) -> bytes:
        del answers_pings
        if not select.select([connection], [], [], 1)[0]:
            raise GivenUpError("said nothing for a second")
        return super()._hear(connection, answers_pings=False)


with patch.object(server, "Server", LosesPatience):
    runpy.run_module("services.server", run_name="__main__")
