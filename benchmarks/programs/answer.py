"""Answers each line at once: as good as no work, so what is left is the cost of the dialogue."""

import sys

print("ready", flush=True)
for line in sys.stdin:
    print(f"answer {line}", end="", flush=True)
