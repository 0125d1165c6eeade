"""A server that serves one connection to its end before it takes the next."""

import runpy
import socket
from collections.abc import Callable
from unittest.mock import patch

from services.server import server
from services.values import Address


class Alone:
    def __init__(self, serve: Callable[[socket.socket, Address], None]) -> None:
        self.take_on = serve


with patch.object(server, "Crew", Alone):
    runpy.run_module("services.server", run_name="__main__")
