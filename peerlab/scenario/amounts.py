"""Kinds of values that the network is described with: times, percentages, rates, chosen packets."""

from collections.abc import Iterable
from typing import Final

from peerlab.scenario.kinds import MAX_COUNT, Kind, scalar_kind, whole_number
from peerlab.scenario.reading import Reading
from peerlab.scenario.source import quoted
from peerlab.scenario.tree import Items, Tree
from peerlab.scenario.values import parse_numbers, parse_percent, parse_rate, parse_time

Numbers = tuple[int, int]
"""A range of numbers, its first and its last."""

_LONGEST: Final = 600.0
_LOWEST_RATE: Final = 100
_HIGHEST_RATE: Final = 100 * 1000**3


def _parse_time(text: str) -> float:
    seconds = parse_time(text)
    if seconds > _LONGEST:
        raise ValueError(f"got {quoted(text)}, expected at most 10m")
    return seconds


def _parse_rate(text: str) -> int:
    bits = parse_rate(text)
    if bits and not _LOWEST_RATE <= bits <= _HIGHEST_RATE:
        raise ValueError(f"got {quoted(text)}, expected 100bit to 100gbit, or 0bit for no limit")
    return round(bits)


TIME: Final = scalar_kind(
    "a time such as 250us, 100ms or 1.5s",
    "bad-duration",
    _parse_time,
    {"type": "string", "pattern": r"^\d+(\.\d+)?(us|ms|s|m)$"},
    "a number with its unit, none of them negative, 10m at most; 0ms ends a delay",
)
PERCENT: Final = scalar_kind(
    "a percentage such as 10%",
    "bad-percent",
    parse_percent,
    {"type": "string", "pattern": r"^\d+(\.\d+)?%$"},
)
RATE: Final = scalar_kind(
    "a rate such as 256kbit or 10mbit",
    "bad-rate",
    _parse_rate,
    {"type": "string", "pattern": r"^\d+(\.\d+)?[kmg]?(bit|bps)$"},
    "as in tc, bit, kbit, mbit and gbit are bits a second, bps, kbps, mbps and gbps are bytes",
)
NUMBER: Final = whole_number(1, MAX_COUNT)
NUMBERS: Final = scalar_kind(
    "a number such as 2, or a range such as 4-6",
    "bad-number",
    parse_numbers,
    {"anyOf": [NUMBER.schema, {"type": "string", "pattern": r"^\d{1,9}(-\d{1,9})?$"}]},
    "the datagrams of each flow are counted from 1 on, which is the next one",
)


def _read_selection(reading: Reading, tree: Tree) -> tuple[Numbers, ...] | None:
    if not isinstance(tree, Items):
        numbers = NUMBERS.read(reading, tree)
        return None if numbers is None else (numbers,)
    if not tree.items:
        reading.report("empty", "got an empty list, expected at least one number", tree.span)
    return disjoint(reading, [(item, NUMBERS.read(reading, item)) for item in tree.items])


SELECTION: Final = Kind(
    {"anyOf": [NUMBERS.schema, {"type": "array", "minItems": 1, "items": NUMBERS.schema}]},
    _read_selection,
)


def disjoint(
    reading: Reading, written: Iterable[tuple[Tree, Numbers | None]]
) -> tuple[Numbers, ...]:
    """Ranges in the order of their numbers; one with a number of another in it is reported."""
    found: list[Numbers] = []
    ranges = [(numbers, tree) for tree, numbers in written if numbers is not None]
    for numbers, tree in sorted(ranges, key=lambda pair: pair[0]):
        if found and numbers[0] <= found[-1][1]:
            message = f"got the number {numbers[0]} twice, expected every number once"
            reading.report("bad-number", message, tree.span, "keep one of them")
        else:
            found.append(numbers)
    return tuple(found)


def overlap(some: Iterable[Numbers], others: Iterable[Numbers]) -> int | None:
    """The first number that is in ranges of both, or None."""
    known = list(others)
    both = (
        max(first, other_first)
        for first, last in some
        for other_first, other_last in known
        if first <= other_last and other_first <= last
    )
    return min(both, default=None)
