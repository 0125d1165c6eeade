"""What the scripted network does, beside what a scenario asks of it, on both backends.

Delays are measured by the programs that send and take the datagrams, with one clock.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, lgamma, log
from pathlib import Path
from statistics import median

from benchmarks import direct
from benchmarks.played import play_repeatedly, scratch
from benchmarks.replays import Decided
from benchmarks.streams import (
    HEADERS,
    PAYLOAD,
    RECEIVER,
    SENDER,
    Arrived,
    Stream,
    arrived,
    scenario,
)
from benchmarks.tables import in_turn, show
from peerlab.errors import LabError, MachineUnfit

BACKENDS = ("netns", "docker")

DELAY = 0.05
DELAY_RATES = (100, 1000, 2000)
DELAY_SECONDS, DELAY_ROUNDS = 1.5, 3
DELAY_GOALS = (0.002, 0.005)
"""How far from what was asked the median may be, and the 99th percentile."""

LOSS, LOSS_OF = 0.1, 10_000
SURE = 0.999

RATES = {"1mbit": (1_000_000, 200), "256kbit": (256_000, 80)}
"""In bits a second, and how many datagrams are sent."""
RATE_PAYLOAD = 1000
RATE_GOAL = 0.05

PASS_THROUGH = Stream(2000, 1000)
PASS_THROUGH_ROUNDS = 3
PASS_THROUGH_GOAL = 0.0002

LADDER = tuple(1000 * rate for rate in (2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100))
LADDER_SECONDS = 0.5
PACE = 1.1
"""How many times as long as it should a sender may take."""

TRIES = 3
"""How often a run is begun that a busy machine does not let begin."""

FIRST = Stream(1, 1)
"""Goes ahead: while an address is not resolved yet, a system may send datagrams out of order."""

REPLAYS = {"netns": 100, "docker": 10}
AT_ONCE = 2
REPLAYED = Stream(
    200,
    2000,
    f"{{from: {SENDER}, to: {RECEIVER}, loss: 10%, duplicate: 5%, delay: 20ms, jitter: 10ms, "
    "order: free}",
    most=400,
    quiet=0.15,
)
SEED = 7

_PLAIN = ""
_WIRED = f"{{impairments: [{{from: {RECEIVER}, to: {SENDER}, traffic: tcp, delay: 1ms}}]}}"
"""What the wire does to nothing that is sent here: it is there, and hands on."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure, and whether it is as good as it was to be."""

    shown: str
    met: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A figure's name, its goal, and the figure on each backend."""

    name: str
    goal: str
    cells: Sequence[Cell]


Measure = Callable[[str, Path], Sequence[Cell]]


def main() -> None:
    """Print the table."""
    low, high = interval(LOSS_OF, LOSS, SURE)
    lines: list[tuple[Sequence[tuple[str, str]], Measure]] = [
        (
            [
                (f"delay of 50 ms at {rate}/s, deviation: median / p99, ms", "2.00 / 5.00")
                for rate in DELAY_RATES
            ],
            _delay,
        ),
        ([(f"loss of {LOSS:.0%}: lost of {LOSS_OF}", f"{low} to {high}")], _loss),
        ([(f"rate of {rate}: deviation", f"{RATE_GOAL:.0%}") for rate in RATES], _rate),
        (
            [
                ("pass-through at 1000/s, median with wire / without, ms", ""),
                ("  added by the wire, ms", f"{1000 * PASS_THROUGH_GOAL:.1f}"),
            ],
            _pass_through,
        ),
        ([("highest rate without loss, datagrams/s", "")], _highest_rate),
    ]
    notes = [f"others' load on {os.cpu_count()} processors at the start: {os.getloadavg()[0]:.1f}"]
    with scratch() as directory:
        usable = [name for name in BACKENDS if _is_usable(name, directory, notes)]
        if not usable:
            raise MachineUnfit("; ".join(notes[1:]))
        rows = []
        for heads, measure in lines:
            columns = [measure(name, directory) for name in usable]
            rows += [
                Row(name, goal, cells) for (name, goal), *cells in zip(heads, *columns, strict=True)
            ]
        rows += _replays(usable, directory)
    show(
        f"wire: what is asked of the network and what it does, datagrams of {PAYLOAD} bytes",
        ("", *usable, "goal", ""),
        [(row.name, *(cell.shown for cell in row.cells), row.goal, _judged(row)) for row in rows],
        notes,
    )


def interval(count: int, chance: float, sure: float) -> tuple[int, int]:
    """Between which two numbers a binomial variable lies, so surely."""
    tail = (1 - sure) / 2
    below, low, high = 0.0, 0, count
    for number in range(count + 1):
        ways = lgamma(count + 1) - lgamma(number + 1) - lgamma(count - number + 1)
        below += exp(ways + number * log(chance) + (count - number) * log(1 - chance))
        if below <= tail:
            low = number + 1
        if below >= 1 - tail:
            high = number
            break
    return low, high


def _judged(row: Row) -> str:
    if not row.goal:
        return ""
    return "met" if all(cell.met for cell in row.cells) else "NOT MET"


def _is_usable(backend: str, directory: Path, notes: list[str]) -> bool:
    """Whether the backend works here; its images are there then."""
    try:
        _flow(backend, directory, "warm-up", [Stream(10, 1000)], start=_WIRED)
    except MachineUnfit as unfit:
        notes.append(f"{backend}: not measured: {unfit}")
        return False
    return True


def _flow(
    backend: str,
    directory: Path,
    name: str,
    streams: Sequence[Stream],
    *,
    start: str = _PLAIN,
) -> list[Arrived]:
    """Let streams flow one after the other.

    A wire that was too slow leaves the verdict open; how slow it was is what is measured here. But
    where it is too slow on trial already nothing flows: then once more.

    Raises:
        LabError: nothing flows.
    """
    path = scenario(directory, name, streams, start=start)
    for _ in range(TRIES):
        [played] = play_repeatedly(path, backend, directory, unknown=True)
        came = arrived(played)
        if len(came) == len(streams):
            return came
    raise LabError(f"{name} on {backend}: this machine is too busy to begin")


def _delay(backend: str, directory: Path) -> list[Cell]:
    start = f"{{impairments: [{{from: {SENDER}, delay: 50ms}}]}}"
    streams = [Stream(int(rate * DELAY_SECONDS), rate) for rate in DELAY_RATES]
    came = _flow(backend, directory, "delay", DELAY_ROUNDS * streams, start=start)
    cells = []
    for number in range(len(streams)):
        rounds = came[number :: len(streams)]
        middle = median(abs(each.median - DELAY) for each in rounds)
        worst = median(_worst_but_one_percent(each, DELAY) for each in rounds)
        within = middle <= DELAY_GOALS[0] and worst <= DELAY_GOALS[1]
        cells.append(Cell(f"{1000 * middle:.2f} / {1000 * worst:.2f}", within))
    return cells


def _worst_but_one_percent(came: Arrived, asked: float) -> float:
    """The 99th percentile of the deviations, which are to both sides."""
    return sorted(abs(each - asked) for each in came.percentiles)[99]


def _loss(backend: str, directory: Path) -> list[Cell]:
    stream = Stream(LOSS_OF, 4000, f"{{from: {SENDER}, to: {RECEIVER}, loss: {LOSS:.0%}}}")
    [came] = _flow(backend, directory, "loss", [stream])
    low, high = interval(LOSS_OF, LOSS, SURE)
    lost = LOSS_OF - came.arrived
    return [Cell(str(lost), low <= lost <= high)]


def _rate(backend: str, directory: Path) -> list[Cell]:
    streams = [
        Stream(
            count,
            2 * bits // (8 * RATE_PAYLOAD),
            f"{{from: {SENDER}, rate: {name}, queue: {count}}}",
            size=RATE_PAYLOAD,
        )
        for name, (bits, count) in RATES.items()
    ]
    cells = []
    came_and_asked = zip(_flow(backend, directory, "rate", streams), RATES.values(), strict=True)
    for came, (asked, _) in came_and_asked:
        bits = 8 * (RATE_PAYLOAD + HEADERS) * (came.arrived - 1) / came.seconds
        cells.append(Cell(f"{bits / asked - 1:+.1%}", abs(bits / asked - 1) <= RATE_GOAL))
    return cells


def _pass_through(backend: str, directory: Path) -> list[Cell]:
    def flow(start: str) -> float:
        return _flow(backend, directory, "pass-through", [PASS_THROUGH], start=start)[0].median

    def over_a_cable() -> float:
        try:
            return direct.stream(PASS_THROUGH).median
        except MachineUnfit:
            return 0.0  # then all that datagrams are under way counts for the wire

    # Without the wire: on docker the engine's own network, on netns no network at all.
    without = over_a_cable if backend == "netns" else partial(flow, _PLAIN)
    both: dict[str, Callable[[], float]] = {"with": partial(flow, _WIRED), "without": without}
    own, other = (1000 * median(taken) for taken in in_turn(both, PASS_THROUGH_ROUNDS).values())
    added = own - other
    return [
        Cell(f"{own:.3f} / {other:.3f}"),
        Cell(f"{added:.3f}", added < 1000 * PASS_THROUGH_GOAL),
    ]


def _highest_rate(backend: str, directory: Path) -> list[Cell]:
    """The highest step of the ladder that one of two streams comes over whole, as all below."""
    streams = [Stream(int(rate * LADDER_SECONDS), rate) for rate in LADDER for _ in range(2)]
    came = _flow(backend, directory, "ladder", streams, start=_WIRED)
    reached = 0
    for number, rate in enumerate(LADDER):
        tries = (2 * number, 2 * number + 1)
        whole = [each for each in tries if came[each].arrived == streams[each].count]
        # A sender that does not keep the pace reaches no step.
        if not any(came[each].sent_in < LADDER_SECONDS * PACE for each in whole):
            break
        reached = rate
    return [Cell(str(reached))]


def _replays(usable: Sequence[str], directory: Path) -> list[Row]:
    """Play the same with one seed, again and again: the same must be decided and must arrive."""
    first: Decided | None = None
    cells = []
    for backend in usable:
        path = scenario(directory, "replays", [FIRST, REPLAYED])
        times = ("--repeat", str(REPLAYS[backend]), "--jobs", str(AT_ONCE), "--seed", str(SEED))
        replays = play_repeatedly(path, backend, directory, *times, unknown=True)
        # Where the machine was too busy to begin nothing was sent, and nothing decided.
        decided = [Decided.of(each, FIRST.count) for each in replays if arrived(each)]
        first = first or next(iter(decided), None)
        same = sum(first is not None and first.is_same_as(each) for each in decided)
        cells.append(Cell(f"{same} of {len(decided)}", same == REPLAYS[backend]))
    told = "" if first is None else f" ({first.lost} lost, {first.twice} twice)"
    return [Row(f"decided and arrived as in the first replay, seed {SEED}{told}", "all", cells)]
