"""Scenarios of the chat system, beside the start-up of the same programs without any lab."""

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.bare import bare_program
from benchmarks.played import play, scratch
from benchmarks.tables import goal, show, spread
from peerlab.programs import known_programs
from peerlab.scenario.program import load_program

_HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class StartUp:
    """Seconds until the last program showed its first words, and processor seconds of them all."""

    wall: float
    processor: float


def start_up(clients: int) -> StartUp:
    """Start a server and, once it listens, all clients at once; end them when all are there."""
    server, client = (load_program(name, known_programs()[name]) for name in ("server", "client"))
    processor = _of_children()
    with ExitStack() as started:
        began = time.perf_counter()
        here = {"CHAT_HOST": _HERE, "CHAT_PORT": "0"}
        said = started.enter_context(bare_program(server, here)).read_until(b"\n")
        there = {"CHAT_HOST": _HERE, "CHAT_PORT": said.rpartition(b":")[2].decode().strip()}
        at_once = [started.enter_context(bare_program(client, there)) for _ in range(clients)]
        for bare in at_once:
            bare.read_until(b": ")
        wall = time.perf_counter() - began
    return StartUp(wall, _of_children() - processor)


def measure(title: str, scenario: Path, *, clients: int, rounds: int, limit: float) -> None:
    """Print the table of a scenario, whose whole process is to take at most `limit` seconds."""
    with scratch() as directory:
        play(scenario, "netns", directory)  # the first run reads everything from the disk
        pairs = [(play(scenario, "netns", directory), start_up(clients)) for _ in range(rounds)]
    whole = [played.process for played, _ in pairs]
    share = median(bare.wall / played.run for played, bare in pairs)
    show(
        f"{title} on netns, {rounds} rounds in turn, seconds",
        ("", "min", "median", "max"),
        [
            ("`peerlab run`, whole process", *spread(whole)),
            ("the run in it, start to verdict", *spread([played.run for played, _ in pairs])),
            (
                f"the same {clients + 1} programs started without a lab, until the last prompt",
                *spread([bare.wall for _, bare in pairs]),
            ),
            ("  processor time of these", *spread([bare.processor for _, bare in pairs])),
        ],
        [
            f"the programs' own start-up takes {share:.0%} of the time of the run",
            goal(
                f"whole process, median of at most {limit} s: {median(whole):.2f} s",
                met=median(whole) <= limit,
            ),
        ],
    )


def _of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system
