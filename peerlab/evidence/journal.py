"""The ordered record of everything that a run did and saw, one JSON object a line."""

import json
import reprlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, Self

from peerlab.evidence.files import open_file
from peerlab.evidence.mask import Mask


class Kind(StrEnum):
    """What an event tells."""

    RUN = "run"
    """First event: which scenario, on which backend."""
    DEPLOYED = "deployed"
    """A node has its address and is about to start; `ip`, `program`."""
    STARTED = "started"
    """The program starts; `again: true` where it has ended before."""
    PAUSED = "paused"
    """A step has let the whole node stand still."""
    RESUMED = "resumed"
    UNPLUGGED = "unplugged"
    """A step has pulled the node's cable."""
    PLUGGED = "plugged"
    """A step has put it back."""
    READY = "ready"
    STEP = "step"
    """A step begins; `number`, `line`, `column`; the text is the step's source. One without a node
    is the network's."""
    TYPED = "typed"
    PRINTED = "printed"
    """The program printed the text, which may be several lines that came at once; `stream`, and
    `notice: true` where it is a line that came unasked."""
    SENT = "sent"
    """A message was sent; `id` (null where nothing tells it), `peer`. The program says so, or, with
    `by: "script"`, an action that sends it has come to its end."""
    RECEIVED = "received"
    """The program says that it received a message; `id` (null where it has none), `peer`."""
    INPUT_ENDED = "input-ended"
    SIGNALLED = "signalled"
    """A step signalled the program; `signal`: interrupt, terminate or kill."""
    TRUNCATED = "truncated"
    """The node printed more than the lab keeps; what follows is lost."""
    EXITED = "exited"
    """The program ended; `status`, and `by`: `itself`, a `step` that ended it, or the `lab` that
    stopped it at the end of the run. Once for every time that it was started."""
    DATAGRAM = "datagram"
    """A node sent a UDP datagram; the text is the beginning of its payload. `to` (a node, null:
    none or several), `source`, `destination`, `size` (bytes of payload), `fate` (delivered,
    dropped, nowhere); where rules of the scenario did something to it, `by` (which), `delay`
    (seconds), `copies`, `damaged` (detected or delivered), `held` (it waited for others), and
    `cable` where that was not when it left its node but at the cable or router of that name. As
    all events of the wire it has the wire's own time, and may be told after something later."""
    CONNECTION = "connection"
    """What became of a TCP connection that the node asked for; the text is its state: opened,
    refused, unanswered, reset or closed. `to`, `source`, `destination`, `sent` and `received`
    (bytes of payload)."""
    WIRE = "wire"
    """Something else that the wire tells, such as its totals in the end."""
    STEP_FAILED = "step-failed"
    """A step did not come true; `number`, `line`, `column`, `since`, `waited`, `state`, and
    `awaited`: where it waited for output, the patterns of which one would do, each with `text` and
    `regex` (whether that is a regular expression). `truncated: true` where that may have been
    printed when the lab no longer kept the node's output."""
    BROKE = "broke"
    """The lab broke; the text says how."""
    END = "end"
    """Last event of a run that came to its end, but for what the wire tells when it is taken down.
    `variables`; `compared`: the nodes whose output the engine has logged as it was read, to the
    byte."""
    CLOSED = "closed"
    """Last event of a journal that was closed in order; `events`: how many came before it. Where
    the first one has `closes: true` and it is not there, the journal was cut off."""


OF_THE_WIRE: Final = frozenset({Kind.DATAGRAM, Kind.CONNECTION, Kind.WIRE})
"""What the wire tells, of routers as well as of nodes."""
SAID: Final = frozenset({Kind.TYPED, Kind.PRINTED, Kind.SENT, Kind.RECEIVED})
"""What people and programs say to each other: nearly all that there is of a node."""


# Made once: a journal has a hundred thousand lines, and each would look for them again.
_DECODER: Final = json.JSONDecoder()
_KINDS: Final = {kind.value: kind for kind in Kind}
_NUMBERS: Final = frozenset({int, float})

LATEST: Final = 10_000_000
"""Seconds after which nothing happens in a run any more: some hundred days."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when (seconds since the run began), where, what."""

    at: float
    kind: Kind
    node: str | None = None
    text: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """The event as one line of the journal."""
        record: dict[str, Any] = {"at": round(self.at, 6), "kind": self.kind.value}
        if self.node is not None:
            record["node"] = self.node
        record["text"] = self.text
        return json.dumps(record | dict(self.detail), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read one line of a journal.

        Raises:
            ValueError: the line is not an event.
        """
        try:
            record, _ = _DECODER.raw_decode(line)
            at, kind, text = record.pop("at"), _KINDS[record.pop("kind")], record.pop("text")
            node = record.pop("node", None)
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not an event of a journal: {error}") from None
        if not (isinstance(text, str) and (node is None or isinstance(node, str))):
            raise ValueError("not an event of a journal: its text or node is none")
        if type(at) not in _NUMBERS or not 0 <= at <= LATEST:  # nor is NaN between these
            raise ValueError(
                f"not an event of a journal: its time is {reprlib.repr(at)}, "
                f"expected seconds from 0 to {LATEST}"
            )
        return cls(float(at), kind, node, text, record)


class Journal:
    """Writes events in the order in which they are told, and tells them to subscribers.

    Safe to use from several threads. Subscribers are called under the journal's lock, so they
    see the same order as the file, and must be quick. Secrets get neither to them nor to the file.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        subscriber: Callable[[Event], None] | None,
        secrets: Collection[str] = (),
    ) -> None:
        self._mask = Mask(secrets)
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._clock = clock
        self._start = clock()
        self._subscriber = subscriber
        self._lock = threading.Lock()
        self._count = 0
        self._last = 0.0

    def now(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._start

    def moment(self, reading: float) -> float:
        """Seconds between the begin of the run and a reading of the journal's clock."""
        return reading - self._start

    def record(self, kind: Kind, node: str | None = None, text: str = "", **detail: object) -> None:
        """Tell that something happens now."""
        self.append(Event(self.now(), kind, node, text, detail))

    def append(self, event: Event) -> None:
        """Tell an event that has its time already."""
        hide = self._mask.hide
        event = replace(event, text=hide(event.text), detail=hide(event.detail))
        with self._lock:
            if not self._file.closed:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        self._file.write(event.as_json() + "\n")
        self._count += 1
        self._last = event.at
        self._publish(event)

    def _publish(self, event: Event) -> None:
        """Tell the subscriber; one that fails, as a closed terminal does, is told no more."""
        if self._subscriber is not None:
            try:
                self._subscriber(event)
            except OSError:
                self._subscriber = None

    def close(self) -> None:
        """End the record; what is told afterwards (by a late reader thread) is dropped."""
        with self._lock:
            try:
                if not self._file.closed:
                    self._tell(Event(self._last, Kind.CLOSED, detail={"events": self._count}))
            finally:
                self._file.close()


def read_journal(path: Path) -> Iterator[Event]:
    """The events of a journal. A last line cut short, as by `kill -9`, is left out.

    Raises:
        OSError: it cannot be read, is no regular file or too large.
        ValueError: a line is not an event.
    """
    with TextIOWrapper(open_file(path), "utf-8", errors="replace", newline="\n") as file:
        for line in file:
            if line.endswith("\n"):
                yield Event.from_json(line)
