"""The chat server and its clients, beside as little code as does the same, and beside ngircd.

The bare server has a thread for each connection, too, gets and sends the same bytes, and looks at
none of them: what it takes is the limit of what a server of this kind can do in Python, but for
starting a thread each time, where the chat server takes one that has become free. ngircd is
written in C, does all in one thread, and speaks IRC: its list is that of the names, shorter by two
thirds, and a long one waits for Nagle's algorithm (RFC 9293 section 3.7.4), which it leaves on.
It passes messages on by TCP, which the chat server never does: that is another job.

Messages are typed into real clients, a line for each prompt, and count when all receivers show
them; bare peers get an empty line for each, and print one as long.

Each server has one processor: threads that have one lock pass it on between processors at several
times the cost, or do not, by chance, and no server here uses more than one. Where others use the
machine as well, processor time says more than how many were done a second.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.callers import UNDER_WAY, Callers, Pace
from benchmarks.ngircd import Ngircd, find_ngircd
from benchmarks.played import scratch
from benchmarks.sides import BARE, CHAT, IRC, Side, chat_server, gathered
from benchmarks.tables import goal, in_turn, ratio, show
from benchmarks.talks import between_bare_peers, between_clients
from peerlab.errors import MachineUnfit

GOAL = 2.0
"""How many times as long as the bare loop the server may take until its answers are there."""
STEEPER = 2.0
"""How much more each client on the list may cost in the longest list than in the one before."""

_KIB, _MS, _US = 1024.0, 0.001, 0.000001

Load = Callable[[Callers, float], Pace]
Taken = Mapping[str, Sequence[float]]
"""By name of the side, what was measured round after round."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        crowds: how many clients are there when lists are asked for; growing, two at least.
        receivers: how many a message is sent to.
        rounds: how often all is measured, in turn.
        seconds: how long each time.
    """

    crowds: Sequence[int] = (10, 100, 1000)
    receivers: Sequence[int] = (1, 100)
    rounds: int = 41
    seconds: float = 0.05


FULL = Sizes()


def main(sizes: Sizes = FULL) -> None:
    """Print the table."""
    with scratch() as directory:
        table = Table(sizes, directory)
        made = {crowd: table.add_crowd(crowd) for crowd in sizes.crowds}
        for receivers in sizes.receivers:
            table.add_messages(receivers)
    *_, (fewer, before), (more, longest) = made.items()
    steeper = (longest / more) / (before / fewer)
    told = f"each of {more} clients costs a list as much as each of {fewer}: {steeper:.2f} times"
    show(
        f"chat: on loopback, {UNDER_WAY} requests under way, medians of {sizes.rounds} rounds in"
        " turn; last, how many times as much time or memory",
        ("", CHAT, BARE, IRC, "chat / bare"),
        table.rows,
        [table.asking(), *table.notes, goal(told, met=steeper <= STEEPER)],
    )


class Table:
    """Measures, and keeps rows and notes."""

    def __init__(self, sizes: Sizes, directory: Path) -> None:
        self.rows: list[Sequence[str]] = []
        self.notes = [f"others' load on {os.cpu_count()} processors: {os.getloadavg()[0]:.1f}"]
        self._sizes = sizes
        self._directory = directory
        self._busiest = 0.0
        self._ngircd: Ngircd | None = None
        try:
            self._ngircd = find_ngircd(directory)
        except MachineUnfit as unfit:
            self.notes.append(f"ngircd is missing: {unfit}")

    def add_crowd(self, crowd: int) -> float:
        """Add what is to be known of servers with so many clients.

        Returns:
            The seconds in which the chat server answers the first LIST after a login, at best.
        """
        sizes = self._sizes
        with gathered(crowd, self._directory, self._ngircd) as sides:
            if crowd == sizes.crowds[0]:
                self._add_requests("logins", sides, Callers.logins)
            self._add_requests(f"LIST of {crowd:,}", sides, Callers.lists)
            first = {name: side.callers.first_list for name, side in sides.items()}
            taken = in_turn(first, sizes.rounds)
            self._add("  the first after a login, ms", taken, _in(_MS))
            if crowd == sizes.crowds[-1]:
                memory = {name: [side.memory] for name, side in sides.items()}
                self._add("memory of the server for a client, KiB", memory, _in(_KIB))
        return min(taken[CHAT])

    def asking(self) -> str:
        """A note: whether those who ask are what bounds the bare loop."""
        return f"who asks is busy for {self._busiest:.0%} of the bare loop's time at most"

    def add_messages(self, receivers: int) -> None:
        """Add how many messages a client sends to so many others."""
        sizes = self._sizes
        with (
            chat_server(self._directory) as server,
            between_clients(server, receivers) as clients,
            between_bare_peers(receivers) as bare,
        ):
            talks = {CHAT: clients, BARE: bare}
            taken = in_turn(
                {name: partial(talk.pace, sizes.seconds) for name, talk in talks.items()},
                sizes.rounds,
            )
        wall = {name: [each.one for each in paces] for name, paces in taken.items()}
        self._add(f"messages to {receivers}, /s", wall, _a_second)

    def _add_requests(self, what: str, sides: Mapping[str, Side], load: Load) -> None:
        sizes = self._sizes
        figures = in_turn(
            {name: partial(side.figure, load, sizes.seconds) for name, side in sides.items()},
            sizes.rounds,
        )
        self._busiest = max(
            self._busiest, median(each.asking / each.wall for each in figures[BARE])
        )
        wall = {name: [each.wall for each in taken] for name, taken in figures.items()}
        processor = {name: [each.processor for each in taken] for name, taken in figures.items()}
        times = self._add(f"{what}, /s", wall, _a_second)
        spent = self._add("  processor time of the server, µs", processor, _in(_US))
        told = f"{what} within {GOAL:g} times the bare loop, by rate: {times:.2f}"
        self.notes.append(goal(told, met=times <= GOAL))
        self.notes.append(
            f"{what}, by the server's processor time: {spent:.2f} times the bare loop,"
            f" {'within' if spent <= GOAL else 'MORE THAN'} {GOAL:g}: no goal, for the"
            " goal is what clients notice, which has the time of who asks in it"
        )

    def _add(self, what: str, taken: Taken, shown: Callable[[float], str]) -> float:
        cells = (shown(median(taken[side])) if side in taken else "-" for side in (CHAT, BARE, IRC))
        times = ratio(taken[CHAT], taken[BARE])
        self.rows.append((what, *cells, f"{times:.2f}"))
        return times


def _a_second(wall: float) -> str:
    return f"{1 / wall:,.0f}"


def _in(unit: float) -> Callable[[float], str]:
    return lambda cost: f"{cost / unit:,.2f}"
