"""Prints bytes of one kind in pieces of one size, then ends: `KIND BYTES PIECE` is typed."""

import os
import sys

KINDS = {
    "line-ends": b"\n",
    "short-lines": b"a\n",
    "lines": b"The quick brown fox jumps over the lazy dog\n",
    "notices": b"* The quick brown fox jumps over the lazy dog\n",
    "traces": b"trace: sent 12345 to 10.0.0.3: The quick brown fox\n",
    "no-text": b"\xff",
    "escapes": b"\x1b",
    "no-end": b"x",
}

print("ready", flush=True)
kind, wanted, size = sys.stdin.readline().split()
left = int(wanted)
unit = KINDS[kind]
block = (unit * (65536 // len(unit) + 1))[:65536]
pieces = [block[start : start + int(size)] for start in range(0, len(block), int(size))]
while left > 0:
    for piece in pieces:
        left -= os.write(1, piece[:left])
        if left <= 0:
            break
print("\nthat was all", flush=True)
