"""What each terminal of a session showed and was told, in order. No I/O and no clock."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import apart
from peerlab.scenario.model import Scenario
from peerlab.scenario.values import no_variables


@dataclass(frozen=True, slots=True)
class Typed:
    """A line that was typed, when the dialogue was `offset` characters long."""

    position: int
    offset: int
    text: str
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Control:
    """Something else that was done with the node: `act` is its name in a scenario."""

    position: int
    offset: int
    act: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The program ended, and the lab did not end it."""

    position: int
    offset: int
    status: int


Item = Typed | Control | Ended


@dataclass(frozen=True, slots=True)
class Unasked:
    """A notice: a line that the program printed unasked."""

    position: int
    text: str


@dataclass(slots=True)
class Stream:
    """One terminal. Positions count the events of all terminals, in the order of time.

    Attributes:
        text: the dialogue, as expectations see it.
    """

    node: str
    text: str = ""
    items: list[Item] = field(default_factory=list)
    notices: list[Unasked] = field(default_factory=list)
    _positions: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)

    def add(self, position: int, text: str) -> None:
        """Take in dialogue."""
        self.text += text
        self._positions.append(position)
        self._ends.append(len(self.text))

    def length_at(self, position: int) -> int:
        """How long the dialogue was after the event of that position."""
        index = bisect_right(self._positions, position)
        return self._ends[index - 1] if index else 0

    def position_of(self, offset: int) -> int:
        """Of which position the character before `offset` is."""
        return self._positions[bisect_left(self._ends, offset)] if offset else -1

    def limit(self, item: int) -> int:
        """How far the dialogue reached when the item of that index came; its end, if none did."""
        return self.items[item].offset if item < len(self.items) else len(self.text)

    @property
    def is_typed_into(self) -> bool:
        """Whether anybody typed a line there; else what it shows is nobody's dialogue."""
        return any(isinstance(item, Typed) for item in self.items)


_CONTROLS: Final = {
    Kind.INPUT_ENDED: "eof",
    Kind.PAUSED: "pause",
    Kind.RESUMED: "resume",
}


def read_streams(
    scenario: Scenario, events: Iterable[Event], hidden: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Stream], list[Event]]:
    """Take a session apart.

    Args:
        scenario: has the nodes and their programs.
        events: the journal of the session.
        hidden: for each node, the secret lines typed there, which the journal does not have.

    Returns:
        The streams by node, and the events in the order of time, which positions count.
    """
    # A line is told when it ends, and has the time at which it began.
    ordered = sorted(events, key=lambda event: event.at)
    streams = {name: Stream(name) for name in scenario.nodes}
    secrets = {name: iter(hidden.get(name, ())) for name in scenario.nodes}
    for position, event in enumerate(ordered):
        if event.node not in streams:
            continue
        stream = streams[event.node]
        offset = len(stream.text)
        match event.kind:
            case Kind.PRINTED:
                _print(scenario, stream, position, event)
            case Kind.TYPED:
                is_secret = bool(event.detail.get("secret"))
                text = next(secrets[event.node]) if is_secret else event.text
                stream.items.append(Typed(position, offset, text, is_secret))
                stream.add(position, "\n")
            case Kind.SIGNALLED:
                act = str(event.detail["signal"])
                stream.items.append(Control(position, offset, act))
            case Kind.INPUT_ENDED | Kind.PAUSED | Kind.RESUMED:
                stream.items.append(Control(position, offset, _CONTROLS[event.kind]))
            case Kind.EXITED if event.detail["by"] != "lab":
                stream.items.append(Ended(position, offset, int(event.detail["status"])))
            case _:
                pass
    return streams, ordered


def _print(scenario: Scenario, stream: Stream, position: int, event: Event) -> None:
    notices = scenario.nodes[stream.node].program.notices
    if not event.detail.get("notice") or notices is None:
        stream.add(position, event.text)
        return
    before, notice = apart(event, notices.compile(no_variables))
    stream.add(position, before)
    stream.notices.append(Unasked(position, notice.removesuffix("\n")))
