"""What a verdict and its page cost: made-up runs of 100 clients with ever more events.

The run is that of `tests/support/crowd.py`, with every check that looks at messages. Reading the
journal as JSON alone is what nothing that judges it can beat.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from benchmarks.played import scratch
from benchmarks.tables import goal, show
from tests.support.crowd import crowd

SIZES = (1_000, 10_000, 100_000)
NODES = 100
ROUNDS = 3
SECONDS = 5.0
MEMORY = 300e6
STEEPER = 2.0
"""How much more an event may cost in the largest run than in the middle one: linear is 1."""


def main() -> None:
    """Print the table."""
    with scratch() as directory:
        costs = {size: _cost(directory, size) for size in SIZES}
    largest = costs[SIZES[-1]]
    together = largest["judge"] + largest["report"]
    middle = costs[SIZES[-2]]
    each = (middle["judge"] + middle["report"]) / SIZES[-2]
    steeper = together / SIZES[-1] / each
    show(
        f"verdicts: a run of {NODES} clients judged and shown, medians of {ROUNDS}, CPU seconds",
        ("events", "judge", "report", "together", "above JSON", "peak MB", "page MB"),
        [
            (
                f"{size:,}",
                f"{cost['judge']:.2f}",
                f"{cost['report']:.2f}",
                f"{cost['judge'] + cost['report']:.2f}",
                f"{(cost['judge'] + cost['report']) / cost['json']:.1f} x",
                f"{cost['peak'] / 1e6:.0f}",
                f"{cost['page'] / 1e6:.1f}",
            )
            for size, cost in costs.items()
        ],
        [
            goal(f"under {SECONDS:g} s for the largest: {together:.2f}", met=together < SECONDS),
            goal(
                f"under {MEMORY / 1e6:.0f} MB: {largest['peak'] / 1e6:.0f}",
                met=largest["peak"] < MEMORY,
            ),
            goal(
                f"an event costs as much in the largest as in the middle one: {steeper:.2f} times",
                met=steeper <= STEEPER,
            ),
        ],
    )


def _cost(directory: Path, size: int) -> Mapping[str, float]:
    folder = crowd(directory / str(size), events=size, nodes=NODES)
    began = time.process_time()
    with (folder / "journal.jsonl").open(encoding="utf-8") as journal:
        for line in journal:
            json.loads(line)
    bare = time.process_time() - began
    rounds = [_measured(folder) for _ in range(ROUNDS)]
    return {key: median(each[key] for each in rounds) for key in rounds[0]} | {"json": bare}


def _measured(folder: Path) -> dict[str, float]:
    """In a process of its own, so that the memory is that of this run alone."""
    command = [sys.executable, "-m", "benchmarks.judged", str(folder)]
    told: dict[str, float] = json.loads(subprocess.check_output(command))
    return told
