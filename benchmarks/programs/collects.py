"""Takes in numbered datagrams until enough or no more come, and prints what is known of them.

That is one line of JSON: how many came and how many of them with a number of their own, the seconds
between the first and the last, the percentiles of the seconds that they were under way, and, where
they are few, the sorted numbers.
"""

import json
import socket
import struct
import sys
import time

PATIENCE = 10.0  # seconds until the first must have come
FEW = 1000

here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)  # as much of it as the system allows
here.bind(("", 7000))


def give_up_after(seconds: float) -> None:
    """Let the kernel watch the time: that is one call less for every datagram."""
    whole, part = divmod(seconds, 1)
    here.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(whole), int(part * 1e6))
    )


def collect(most: int, quiet: float) -> list[tuple[int, bytes]]:
    """Take in so many at most, until none has come for so many seconds."""
    arrived: list[tuple[int, bytes]] = []
    give_up_after(PATIENCE)
    while len(arrived) < most:
        try:
            data = here.recv(2048)
        except BlockingIOError:
            break
        arrived.append((time.monotonic_ns(), data))
        if len(arrived) == 1:
            give_up_after(quiet)
    return arrived


def told(arrived: list[tuple[int, bytes]]) -> dict[str, object]:
    """What is known of them."""
    words = [(at, data.split(b" ", 2)) for at, data in arrived]
    numbers = [int(number) for _, (number, *_) in words]
    under_way = sorted((at - int(left)) / 1e9 for at, (_, left, _) in words)
    last = len(under_way) - 1
    return {
        "arrived": len(numbers),
        "different": len(set(numbers)),
        "seconds": (arrived[-1][0] - arrived[0][0]) / 1e9 if arrived else 0,
        "percentiles": [under_way[last * part // 100] for part in range(101)] if arrived else [],
        "numbers": sorted(numbers) if len(numbers) <= FEW else [],
    }


print("ready", flush=True)
for line in sys.stdin:
    most, quiet = line.split()
    print("collecting", flush=True)
    print(json.dumps(told(collect(int(most), float(quiet)))), flush=True)
