"""A client that throws away what was sent more than half a second ago."""

import runpy
import socket
import time
from unittest.mock import patch

from services.datagram import parse_datagram
from services.values import Address

receive = socket.socket.recvfrom


def receive_recent(udp: socket.socket, size: int, flags: int) -> tuple[bytes, Address]:
    data, source = receive(udp, size, flags)
    if time.time() - (parse_datagram(data).sent or 0) > 0.5:
        raise BlockingIOError
    return data, source


with patch.object(socket.socket, "recvfrom", receive_recent):
    runpy.run_module("services.client", run_name="__main__")
