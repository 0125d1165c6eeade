"""Clients that send their messages through the server, which passes them on."""

import os
import runpy
import socket
import threading
from unittest.mock import patch

from services.client import client, peer
from services.client.peer import Peer, trace
from services.datagram import ChatMessage
from services.media.arrival import receive
from services.values import Address


def relay(udp: socket.socket) -> None:
    while True:
        data, source = udp.recvfrom(65535)
        head, _, rest = data.partition(b"\n")
        udp.sendto(_addressed(source) + rest, _address(head))


class SendsThroughServer(Peer):
    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        self._sockets[-1].sendto(_addressed(address) + data, ("server", 12345))
        self._screen.trace(trace("sent", message.message_id, "to", address, message.text))


def receive_relayed(udp: socket.socket) -> tuple[bytes, Address, float]:
    relayed, _, age = receive(udp)
    head, _, data = relayed.partition(b"\n")
    return data, _address(head), age


def _addressed(address: Address) -> bytes:
    return f"{address[0]} {address[1]}\n".encode()


def _address(head: bytes) -> Address:
    ip, port = head.decode().split()
    return ip, int(port)


if os.environ["BROKEN"] == "server":
    # Before the server can take the port for STUN.
    relaying = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    relaying.bind(("0.0.0.0", 12345))
    threading.Thread(target=relay, args=(relaying,), daemon=True).start()
    runpy.run_module("services.server", run_name="__main__")
else:
    with (
        patch.object(client, "Peer", SendsThroughServer),
        patch.object(peer, "receive", receive_relayed),
    ):
        runpy.run_module("services.client", run_name="__main__")
