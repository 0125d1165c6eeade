"""Sends and shows datagrams, and nothing else: what the chat client is compared with.

bare_peer.py shows LINE            for every datagram that comes, after the own port
bare_peer.py sends DATAGRAM PORT.. for every line that is typed, to all of the ports
"""

import os
import socket
import sys

HERE = "127.0.0.1"


def show(line: bytes) -> None:
    """Print the line again and again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((HERE, 0))
        os.write(1, b"%d\n" % udp.getsockname()[1])
        while True:
            udp.recvfrom(65536)
            os.write(1, line)


def send(datagram: bytes, ports: list[int]) -> None:
    """Send until nothing is typed any more."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        while typed := os.read(0, 65536):
            for _ in range(typed.count(b"\n")):
                for port in ports:
                    udp.sendto(datagram, (HERE, port))


if sys.argv[1] == "shows":
    show(sys.argv[2].encode() + b"\n")
else:
    send(sys.argv[2].encode(), [int(port) for port in sys.argv[3:]])
