"""A server that ends a connection on which nothing comes for a second."""

import runpy
import socket
import struct
from unittest.mock import patch

from services.server import server

tune = server._tune


def tune_to_a_second(connection: socket.socket) -> None:
    tune(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 0))


with patch.object(server, "_tune", tune_to_a_second):
    runpy.run_module("services.server", run_name="__main__")
