"""A client whose receive thread ends when the system says that a peer has gone.

Linux says so to who asks for it, other systems say so to everybody.
"""

import runpy
import socket
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.values import Address

IP_RECVERR = 11


class AsksForErrors(Peer):
    def open(self, address: Address, local: Address) -> None:
        self._udp.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        super().open(address, local)


receive = socket.socket.recvfrom


def receive_or_end(udp: socket.socket, size: int, flags: int) -> tuple[bytes, Address]:
    try:
        return receive(udp, size, flags)
    except ConnectionRefusedError:
        raise SystemExit from None


with (
    patch.object(client, "Peer", AsksForErrors),
    patch.object(socket.socket, "recvfrom", receive_or_end),
):
    runpy.run_module("services.client", run_name="__main__")
