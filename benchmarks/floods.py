"""What output costs: floods of every kind, just short of what the lab keeps of a node.

Each is printed by the same program into the lab, which journals it while a step waits for the end
of it, and into a pipe that is read and written to a file, which no lab can beat.
"""

import json
import os
import subprocess
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.bare import environment, local_command
from benchmarks.played import PROGRAMS, play, scratch
from benchmarks.tables import goal, in_turn, ratio, seconds, show
from peerlab.drive.watch import MAX_OUTPUT
from peerlab.evidence.folder import JOURNAL
from peerlab.evidence.journal import Kind
from peerlab.scenario.program import load_program

ROUNDS = 3
SIZE = MAX_OUTPUT - 4096
FACTOR = 8
AT_ONCE = 65536
PROGRAM = PROGRAMS / "floods.yaml"
FLOODS = {
    "lines": ("lines", AT_ONCE),
    "line ends": ("line-ends", AT_ONCE),
    "line ends, one by one": ("line-ends", 1),
    "lines of one letter": ("short-lines", AT_ONCE),
    "lines of one letter, byte by byte": ("short-lines", 1),
    "notices": ("notices", AT_ONCE),
    "traces": ("traces", AT_ONCE),
    "bytes that are no text": ("no-text", AT_ONCE),
    "escape characters": ("escapes", AT_ONCE),
    "one line without an end": ("no-end", AT_ONCE),
    "one line without an end, byte by byte": ("no-end", 1),
}


def main() -> None:
    """Print the table."""
    rows, largest = [], 0.0
    with scratch() as directory:
        for name, (kind, piece) in FLOODS.items():
            typed = f"{kind} {SIZE} {piece}"
            sizes: list[int] = []
            rounds = in_turn(
                {
                    "bare": partial(_bare, typed, directory),
                    "lab": partial(_peerlab, typed, directory, sizes),
                },
                ROUNDS,
            )
            bare, lab = rounds.values()
            factor = max(sizes) / SIZE
            largest = max(largest, factor)
            row = (name, f"{1000 * median(bare):.1f}", f"{1000 * median(lab):.1f}")
            rows.append((*row, f"{ratio(lab, bare):.1f}", f"{factor:.1f}"))
    show(
        f"floods: {SIZE} bytes printed on netns, {ROUNDS} rounds in turn, medians",
        ("", "read to a file, ms", "lab, ms", "lab / file", "journal / printed"),
        rows,
        [
            goal(
                f"a journal at most {FACTOR} times as long as what was printed: {largest:.1f}",
                met=largest <= FACTOR,
            )
        ],
    )


def _peerlab(typed: str, directory: Path, sizes: list[int]) -> float:
    scenario = directory / "flood.yaml"
    lines = [
        "title: A flood",
        f"programs: {{floods: {json.dumps(str(PROGRAM))}}}",
        "nodes: {n1: floods}",
        "steps:",
        f"  - n1: {{type: '{typed}'}}",
        "  - n1: {expect: that was all, within: 2m}",
        "  - n1: {exits: 0}",
    ]
    scenario.write_text("\n".join(lines) + "\n", encoding="utf-8")
    evidence = play(scenario, "netns", directory).evidence
    sizes.append((evidence.path / JOURNAL).stat().st_size)
    at = {event.kind: event.at for event in evidence.journal}
    return at[Kind.EXITED] - at[Kind.TYPED]


def _bare(typed: str, directory: Path) -> float:
    program = load_program("floods", PROGRAM)
    with (
        (directory / "flood.log").open("wb", buffering=0) as log,
        subprocess.Popen(
            local_command(program),
            cwd=program.without_image.working_dir,
            env=environment(program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        ) as process,
    ):
        if process.stdin is None or process.stdout is None:
            return 0.0
        process.stdout.read(len("ready\n"))
        process.stdin.write(f"{typed}\n".encode())
        descriptor = process.stdout.fileno()

        def drain() -> None:
            while data := os.read(descriptor, AT_ONCE):
                log.write(data)

        return seconds(drain)
