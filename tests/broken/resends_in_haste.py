"""A client that acknowledges messages, and sends again what is not acknowledged within 200 ms."""

import contextlib
import runpy
import socket
from threading import Timer
from unittest.mock import patch

from services.client import client
from services.client.peer import Peer
from services.datagram import ChatMessage, parse_datagram
from services.values import Address

ACK = b"ACK "
receive = socket.socket.recvfrom
acknowledged: set[tuple[bytes, Address]] = set()


class Resends(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        super().send(message, data, address)
        self._check(message.message_id.encode(), data, address)

    def _check(self, message_id: bytes, data: bytes, address: Address) -> None:
        def again() -> None:
            with contextlib.suppress(OSError):
                if (message_id, address) not in acknowledged:
                    self._udp.sendto(data, address)
                    self._check(message_id, data, address)

        timer = Timer(0.2, again)
        timer.daemon = True
        timer.start()


def receive_and_acknowledge(udp: socket.socket, size: int, flags: int) -> tuple[bytes, Address]:
    data, source = receive(udp, size, flags)
    if data.startswith(ACK):
        acknowledged.add((data.removeprefix(ACK), source))
        raise BlockingIOError
    udp.sendto(ACK + parse_datagram(data).message_id.encode(), source)
    return data, source


with (
    patch.object(client, "Peer", Resends),
    patch.object(socket.socket, "recvfrom", receive_and_acknowledge),
):
    runpy.run_module("services.client", run_name="__main__")
