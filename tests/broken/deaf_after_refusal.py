"""A client whose receive thread ends when the system says that a peer has gone.

Linux says so to who asks for it, other systems say so to everybody.
"""

import runpy
import socket
import threading
from unittest.mock import patch

from services.client import client, peer
from services.client.peer import Peer
from services.datagram import ChatMessage
from services.media.arrival import receive
from services.values import Address

IP_RECVERR = 11
told_when_sending = threading.Event()


class AsksForErrors(Peer):
    def open(self, address: Address, local: Address) -> None:
        super().open(address, local)
        self._sockets[-1].setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)

    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        try:
            super().send(message, data, address)
        except ConnectionRefusedError:
            # The system tells it to whoever comes first; it is about the datagram before.
            told_when_sending.set()
            super().send(message, data, address)


def receive_or_end(udp: socket.socket) -> tuple[bytes, Address, float]:
    try:
        received = receive(udp)
    except ConnectionRefusedError:
        raise SystemExit from None
    if told_when_sending.is_set():
        raise SystemExit
    return received


with (
    patch.object(client, "Peer", AsksForErrors),
    patch.object(peer, "receive", receive_or_end),
):
    runpy.run_module("services.client", run_name="__main__")
