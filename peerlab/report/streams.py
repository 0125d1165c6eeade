"""The streams of media that nodes received, as their programs tell of them from time to time."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, NodeEvidence
from peerlab.scenario.model import Scenario
from peerlab.scenario.values import MAX_LINE, no_variables

MOST_STREAMS: Final = 6
"""Streams of a run that are shown."""
MOST_POINTS: Final = 120
"""Points of a stream that are shown; where there are more, neighbours become one."""
_MOST: Final = 1e9
"""The largest figure that is believed: a program can print any."""


class Figures(NamedTuple):
    """What a program told of a stream, from its beginning up to a time.

    Attributes:
        at: seconds since the run began.
        expected: packets that were sent.
        lost: how many of them did not come; negative where packets came twice.
        jitter: at that moment, in milliseconds.
    """

    at: float
    expected: int
    lost: int
    jitter: float


@dataclass(frozen=True, slots=True)
class Point:
    """What is shown of a stream at a time; `share` is None where no packet was due.

    Attributes:
        told: the figures of that time; its jitter is the highest since the point before.
        share: percent of the packets since the point before that are lost.
    """

    told: Figures
    share: float | None


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream from one node to another; `name` tells it from others between the same."""

    source: str
    target: str
    name: str
    points: Sequence[Point]

    @property
    def last(self) -> Figures:
        """The last figures that were told."""
        return self.points[-1].told

    @property
    def worst_jitter(self) -> float:
        """The highest jitter, in milliseconds."""
        return max(point.told.jitter for point in self.points)

    @property
    def share(self) -> float:
        """Percent of all its packets that are lost."""
        return _percent(self.last.lost, self.last.expected) or 0.0


def read_streams(evidence: Evidence, scenario: Scenario) -> list[Stream]:
    """The streams that nodes received: those that lost most first, then those with most jitter."""
    streams = []
    for target, node in scenario.nodes.items():
        pattern = node.program.streams
        if pattern is None or target not in evidence.nodes:
            continue
        told = _told(evidence.nodes[target], pattern.compile(no_variables))
        for (source, name), figures in told.items():
            shown = evidence.addresses.get(source, source)
            streams.append(Stream(shown, target, name, _points(figures)))
    return sorted(streams, key=lambda stream: (-stream.share, -stream.worst_jitter))


def _told(node: NodeEvidence, pattern: re.Pattern[str]) -> dict[tuple[str, str], list[Figures]]:
    """The figures of each stream, by where it comes from and its name."""
    told: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    for at, line in _lines(node):
        match = pattern.search(line, 0, MAX_LINE)
        figures = None if match is None else _figures(at, match)
        if match is not None and figures is not None:
            told[match["from"], match["stream"]].append(figures)
    return told


def _lines(node: NodeEvidence) -> Iterator[tuple[float, str]]:
    """Every line that a program printed, and when it ended: lines can come in pieces."""
    begun: dict[str, list[str]] = defaultdict(list)
    for event in node.journal:
        if event.kind is not Kind.PRINTED:
            continue
        pieces = begun[str(event.detail.get("stream"))]
        *ended, rest = event.text.split("\n")
        for line in ended:
            yield event.at, "".join([*pieces, line])
            pieces.clear()
        if rest:
            pieces.append(rest)


def _figures(at: float, match: re.Match[str]) -> Figures | None:
    """The figures in a line; None where one of them is no number, or none that can be."""
    try:
        expected, lost, jitter = (float(match[name]) for name in ("expected", "lost", "jitter"))
    except (TypeError, ValueError):
        return None
    if not (0 <= expected <= _MOST and abs(lost) <= _MOST and 0 <= jitter <= _MOST):
        return None
    return Figures(at, int(expected), int(lost), jitter)


def _points(told: Sequence[Figures]) -> list[Point]:
    """What is shown of figures: of neighbours that become one the last, and the highest jitter."""
    together = -(-len(told) // MOST_POINTS)
    points = []
    before = Figures(0.0, 0, 0, 0.0)
    for start in range(0, len(told), together):
        some = told[start : start + together]
        last = some[-1]._replace(jitter=max(each.jitter for each in some))
        share = _percent(last.lost - before.lost, last.expected - before.expected)
        points.append(Point(last, share))
        before = last
    return points


def _percent(lost: int, expected: int) -> float | None:
    return None if expected <= 0 else 100 * min(1.0, max(0.0, lost / expected))
