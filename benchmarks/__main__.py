"""`make bench`: every table in turn; `python -m benchmarks ring steps`: those alone."""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import (
    chat_limits,
    demo,
    floods,
    killed,
    networks,
    ring,
    steps,
    two_recipients,
    verdicts,
    wire,
)
from peerlab.errors import MachineUnfit, PeerlabError

TABLES: dict[str, Callable[[], None]] = {
    "networks": networks.main,
    "two-recipients": two_recipients.main,
    "ring": ring.main,
    "steps": steps.main,
    "floods": floods.main,
    "killed": killed.main,
    "demo": demo.main,
    "wire": wire.main,
    "verdicts": verdicts.main,
    "chat": chat_limits.main,
}


def main(arguments: Sequence[str]) -> int:
    """Print tables; 1 if one of them broke, which is more than that this machine cannot have it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}")
    wanted = parser.parse_args(arguments).tables or list(TABLES)
    if unknown := [name for name in wanted if name not in TABLES]:
        parser.error(f"there is no table {unknown[0]!r}; there are {', '.join(TABLES)}")
    broken = False
    for name in wanted:
        try:
            TABLES[name]()
        except PeerlabError as error:
            broken = broken or not isinstance(error, MachineUnfit)
            print(f"\n{name}: not measured: {error}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
