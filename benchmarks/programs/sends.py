"""Sends numbered datagrams at an even pace; each says when it left, by the clock of the kernel."""

import socket
import sys
import time

print("ready", flush=True)
for line in sys.stdin:
    name, *numbers = line.split()
    count, rate, size = map(int, numbers)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.connect((socket.gethostbyname(name), 7000))
        began = time.monotonic()
        for number in range(count):
            left = began + number / rate - time.monotonic()
            if left > 0:
                time.sleep(left)  # noqa: TID251 - this is the pace, and waits for nobody
            here.send((b"%d %d " % (number, time.monotonic_ns())).ljust(size, b"."))
        seconds = time.monotonic() - began
    print(f"sent {count} in {seconds:.6f} s", flush=True)
