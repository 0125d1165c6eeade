"""A client that shows the newest first where several datagrams have come."""

import contextlib
import runpy
import socket
from unittest.mock import patch

from services.client import client, peer
from services.client.peer import Peer
from services.media.arrival import receive
from services.values import Address

pile: list[tuple[bytes, Address, float]] = []


class TakesFromTheTop(Peer):
    def _take(self, udp: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                pile.append(receive(udp))
        while pile:
            super()._take(udp)


with (
    patch.object(client, "Peer", TakesFromTheTop),
    patch.object(peer, "receive", lambda _: pile.pop()),
):
    runpy.run_module("services.client", run_name="__main__")
