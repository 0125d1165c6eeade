"""A thread for each connection, and nothing else: what the chat server is compared with.

Reads what the chat server reads and answers what it answers, but knows beforehand what that is: two
answers that are in files, to a line that begins with LOGIN and to any other one.
"""

import socket
import sys
import threading
from pathlib import Path


def serve(connection: socket.socket, login: bytes, other: bytes) -> None:
    """Answer line by line, until nothing comes any more."""
    with connection:
        rest = b""
        while data := connection.recv(65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                connection.sendall(login if line.startswith(b"LOGIN") else other)


def main(port: int, login: bytes, other: bytes) -> None:
    """Accept for ever."""
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection, login, other), daemon=True).start()


main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), Path(sys.argv[3]).read_bytes())
