"""A client that throws away what was sent more than half a second ago."""

import runpy
import socket
import time
from unittest.mock import patch

from services.client import peer
from services.datagram import parse_datagram
from services.media.arrival import receive
from services.values import Address


def receive_recent(udp: socket.socket) -> tuple[bytes, Address, float]:
    data, source, age = receive(udp)
    if time.time() - (parse_datagram(data).sent or 0) > 0.5:
        raise BlockingIOError
    return data, source, age


with patch.object(peer, "receive", receive_recent):
    runpy.run_module("services.client", run_name="__main__")
