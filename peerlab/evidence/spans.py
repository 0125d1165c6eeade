"""Times that lasted: between an event that begins something and the one that ends it."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from peerlab.evidence.journal import Event, Kind


class Span(NamedTuple):
    """A time, in seconds since the run began; `end` is None where it was not seen to end."""

    begin: float
    end: float | None

    def holds(self, moment: float) -> bool:
        """Whether the moment is in it; its end is not."""
        return self.begin <= moment and (self.end is None or moment < self.end)


def spans(events: Iterable[Event], begins: Kind, ends: Collection[Kind]) -> list[Span]:
    """The times from each event of one kind to the next of those that end it.

    Args:
        events: those of one node, in order.
        begins: the kind that begins a time.
        ends: the kinds that end it; where none has begun they say nothing.
    """
    found: list[Span] = []
    for event in events:
        if event.kind is begins:
            found.append(Span(event.at, None))
        elif event.kind in ends and found and found[-1].end is None:
            found[-1] = Span(found[-1].begin, event.at)
    return found
