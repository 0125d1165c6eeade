"""A client that acknowledges messages, and sends again what is not acknowledged within 200 ms."""

import contextlib
import runpy
import socket
from threading import Timer
from unittest.mock import patch

from services.client import client, peer
from services.client.peer import Peer
from services.datagram import ChatMessage, parse_datagram
from services.media.arrival import receive
from services.values import Address

ACK = b"ACK "
acknowledged: set[tuple[bytes, Address]] = set()


class Resends(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        super().send(message, data, address)
        self._check(message.message_id.encode(), data, address)

    def _check(self, message_id: bytes, data: bytes, address: Address) -> None:
        def again() -> None:
            with contextlib.suppress(OSError):
                if (message_id, address) not in acknowledged:
                    self._sockets[-1].sendto(data, address)
                    self._check(message_id, data, address)

        timer = Timer(0.2, again)
        timer.daemon = True
        timer.start()


def receive_and_acknowledge(udp: socket.socket) -> tuple[bytes, Address, float]:
    data, source, age = receive(udp)
    if data.startswith(ACK):
        acknowledged.add((data.removeprefix(ACK), source))
        raise BlockingIOError
    udp.sendto(ACK + parse_datagram(data).message_id.encode(), source)
    return data, source, age


with (
    patch.object(client, "Peer", Resends),
    patch.object(peer, "receive", receive_and_acknowledge),
):
    runpy.run_module("services.client", run_name="__main__")
