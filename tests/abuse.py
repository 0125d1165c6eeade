"""`make abuse`: every attack at its full size, each with a table of what was measured.

`python -m tests.abuse storm datagrams` makes those alone; `--short` as small as in the tests.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.tables import show
from tests.fuzz.flood import hostile_datagrams
from tests.fuzz.names import hostile_messages, hostile_names
from tests.fuzz.replies import hostile_replies
from tests.fuzz.reports import hostile_reports
from tests.fuzz.sessions import hostile_sessions, huge_first_packets
from tests.load.crowd import chatter, storm
from tests.load.greedy import greedy_clients
from tests.load.guessing import guesses
from tests.load.slow import slow_senders
from tests.support.figures import Figure
from tests.support.scale import LONG, SHORT, Scale

ATTACKS: Final[dict[str, Callable[[Scale], Sequence[Figure]]]] = {
    "storm": lambda scale: storm(scale.storm),
    "chatter": lambda scale: chatter(scale.clients, scale.chatter),
    "greedy": lambda scale: greedy_clients(scale.greedy, scale.clients, scale.greed),
    "slow": lambda scale: slow_senders(scale.senders, scale.rounds, scale.login_within),
    "guesses": lambda scale: guesses(scale.guesses, scale.guessers, scale.guess_delay_most),
    "sessions": lambda scale: hostile_sessions(scale.sessions),
    "first-packets": lambda scale: huge_first_packets(scale.first_packets, scale.first_packet),
    "datagrams": lambda scale: hostile_datagrams(scale.datagrams),
    "replies": lambda scale: hostile_replies(scale.replies),
    "names": lambda scale: hostile_names(scale.names),
    "messages": lambda scale: hostile_messages(scale.names),
    "reports": lambda scale: hostile_reports(scale.names),
}


def main(arguments: Sequence[str]) -> int:
    """Make the attacks in turn; return 1 if a figure is not good enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=f"of {', '.join(ATTACKS)}")
    parser.add_argument("--short", action="store_true", help="as small as in the tests")
    given = parser.parse_args(arguments)
    names = given.attacks or list(ATTACKS)
    if unknown := [name for name in names if name not in ATTACKS]:
        parser.error(f"there is no attack {unknown[0]!r}; there are {', '.join(ATTACKS)}")
    # Five hundred clients and what they are told take more descriptors than many shells allow.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    missed = 0
    for name in names:
        began = time.monotonic()
        figures = ATTACKS[name](SHORT if given.short else LONG)
        _tell(name, figures, time.monotonic() - began)
        missed += sum(not figure.is_met for figure in figures)
    print(f"\n{missed} figures missed" if missed else "\nall figures are met")
    return int(missed > 0)


def _tell(name: str, figures: Sequence[Figure], seconds: float) -> None:
    rows = [
        (figure.what, _written(figure.value), figure.goal, "" if figure.is_met else "NOT MET")
        for figure in figures
    ]
    found = [f"{figure.what}: {each}" for figure in figures for each in figure.found]
    show(f"{name}, {seconds:.0f} s", ("", "measured", "asked", ""), rows, found)


def _written(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
