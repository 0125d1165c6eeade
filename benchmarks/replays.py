"""What the wire decided about each datagram of a run, to be compared with another run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.played import Played
from benchmarks.streams import SENDER, arrived
from peerlab.evidence.journal import Event, Kind

_SAME_DELAY = 2e-6
"""Seconds: the journal rounds them to millionths."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a datagram."""

    fate: str
    copies: int
    delay: float

    def is_same_as(self, other: Self) -> bool:
        """Whether the same became of another."""
        same = (self.fate, self.copies) == (other.fate, other.copies)
        return same and abs(self.delay - other.delay) <= _SAME_DELAY


@dataclass(frozen=True, slots=True)
class Decided:
    """The fates of datagrams by their numbers, and the sorted numbers of those that arrived."""

    fates: Mapping[int, Fate]
    numbers: Sequence[int]

    @classmethod
    def of(cls, played: Played, before: int) -> Self:
        """The last stream of a run, in which so many datagrams were sent before it."""
        *_, came = arrived(played)
        told = [
            event
            for event in played.evidence.journal
            if event.kind is Kind.DATAGRAM and event.node == SENDER
        ]
        return cls({_number(event): _fate(event) for event in told[before:]}, came.numbers)

    @property
    def lost(self) -> int:
        """How many were lost."""
        return sum(each.fate == "dropped" for each in self.fates.values())

    @property
    def twice(self) -> int:
        """How many arrived twice."""
        return sum(each.copies > 1 for each in self.fates.values())

    def is_same_as(self, other: Self) -> bool:
        """Whether the same was decided, and the same arrived."""
        return (
            self.numbers == other.numbers
            and self.fates.keys() == other.fates.keys()
            and all(fate.is_same_as(other.fates[number]) for number, fate in self.fates.items())
        )


def _number(event: Event) -> int:
    return int(event.text.split(maxsplit=1)[0])


def _fate(event: Event) -> Fate:
    detail = event.detail
    return Fate(detail["fate"], detail.get("copies", 1), detail.get("delay", 0.0))
