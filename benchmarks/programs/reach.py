"""Reaches for the addresses that it is told, and answers where it is reached for itself."""

import socket
import sys
import threading

PORT = 7000
WITHIN = 5.0


def answer(listening: socket.socket) -> None:
    """Send everything back."""
    while True:
        data, peer = listening.recvfrom(100)
        listening.sendto(data, peer)


here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("", PORT))
threading.Thread(target=answer, args=(here,), daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    address = line.strip()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.settimeout(WITHIN)
        there.sendto(b"here?", (address, PORT))
        try:
            there.recvfrom(100)
            print(f"reached {address}", flush=True)
        except TimeoutError:
            print(f"silence from {address}", flush=True)
