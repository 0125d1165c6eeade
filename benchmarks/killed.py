"""`kill -9` of the runner at random moments: what is left of it, by listing.

The benchmark becomes the parent of whatever the runner leaves alone, so no process is overlooked.
Interfaces, mounts and temporary files that others make meanwhile are counted, too.
"""

import subprocess
import time
from collections import Counter
from pathlib import Path
from random import Random

from benchmarks import listing
from benchmarks.played import ROOT, command, play, scratch
from benchmarks.tables import goal, show, spread
from peerlab.evidence.folder import JOURNAL
from peerlab.evidence.journal import Kind, read_journal

SCENARIO = ROOT / "scenarios/messages/one-to-two.yaml"
KILLS = 50
SEED = 3
WITHIN = 10.0
"""Seconds after a kill from which on what is still there counts as left behind."""

TOO_EARLY, TOO_LATE = "before anything was made", "too late, after its own end"
"""Kills that say nothing: they are told, but not among the 50."""

_TRIES = 3
_MOST = 4


def main() -> None:
    """Print the table."""
    listing.adopt_orphans()
    chance = Random(SEED)  # noqa: S311 - repeatable on purpose
    stages: Counter[str] = Counter()
    gone_after: list[float] = []
    left: list[str] = []
    with scratch() as directory:
        before = listing.everything()
        longest = min(play(SCENARIO, "netns", directory).process for _ in range(_TRIES))
        for number in range(_MOST * KILLS):
            out = directory / f"kill-{number}"
            killed, in_time = _kill(out, chance.uniform(0, longest))
            gone, found = listing.until_gone(listing.everything, before, WITHIN)
            left += found
            before |= set(found)  # tell it once
            stage = _stage(out) if in_time else TOO_LATE
            stages[stage] += 1
            if stage not in {TOO_EARLY, TOO_LATE}:
                gone_after.append(gone - killed)
            if len(gone_after) == KILLS:
                break
    show(
        f"killed: `kill -9` of the runner at {KILLS} random moments of a lab, seed {SEED}, "
        f"playing {SCENARIO.relative_to(ROOT)} on netns",
        ("", "min", "median", "max"),
        [("seconds until nothing is left, by listing", *spread(gone_after))],
        [
            "killed " + ", ".join(f"{stage}: {count}" for stage, count in stages.most_common()),
            *left,
            goal(
                "no process, namespace, interface, mount or temporary file left: "
                f"{len(left)} are left",
                met=not left,
            ),
        ],
    )


def _kill(out: Path, moment: float) -> tuple[float, bool]:
    """Start a runner and kill it at that moment; when that was, and whether it still ran."""
    runner = subprocess.Popen(
        command(SCENARIO, "netns", out),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        runner.wait(moment)
    except subprocess.TimeoutExpired:
        runner.kill()
        killed = time.perf_counter()
        runner.wait()
        return killed, True
    return time.perf_counter(), False


def _stage(out: Path) -> str:
    """How far the run had come, as its journal tells."""
    journals = list(out.glob(f"*/*/*/{JOURNAL}"))
    seen = {event.kind for path in journals for event in read_journal(path)}
    for kind, stage in (
        (Kind.END, "after the last step"),
        (Kind.STEP, "at the steps"),
        (Kind.DEPLOYED, "at the start of the programs"),
        (Kind.RUN, "while the network was made"),
    ):
        if kind in seen:
            return stage
    return TOO_EARLY
