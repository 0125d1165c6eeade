"""Takes down what passed between the nodes: the wire's records, and captures of its frames."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from peerlab.evidence.folder import Folder
from peerlab.evidence.journal import Event, Journal, Kind

_TEXTS: Final = {Kind.DATAGRAM: "text", Kind.CONNECTION: "state"}


class NetworkLog:
    """Where a backend that sees the network tells what it sees."""

    def __init__(
        self,
        journal: Journal,
        folder: Folder,
        evidence: Path,
        *,
        seed: int,
        captures: bool,
        native: bool = False,
    ) -> None:
        """Write to the evidence of a run.

        Args:
            journal: has CLOCK_MONOTONIC for its clock, as the wire.
            folder: where captures go.
            evidence: where the evidence of all runs is.
            seed: where chance starts on this run's network.
            captures: whether frames are to be captured.
            native: whether the kernel is to do what it can.
        """
        self.evidence = evidence
        self.seed = seed
        self.captures = captures
        self.native = native
        self._journal = journal
        self._folder = folder

    def take(self, record: Mapping[str, Any]) -> None:
        """Take down a record of the wire."""
        detail = dict(record)
        name = detail.pop("record")
        kind = Kind(name) if name in _TEXTS else Kind.WIRE
        at = self._journal.moment(detail.pop("at")) if "at" in detail else self._journal.now()
        text = detail.pop(_TEXTS[kind]) if kind in _TEXTS else name
        self._journal.append(Event(at, kind, detail.pop("from", None), text, detail))

    @contextmanager
    def open_captures(
        self, nodes: Collection[str], routers: Collection[str]
    ) -> Iterator[dict[tuple[str, str], BinaryIO]]:
        """Open the files for captures; none if captures are not wanted.

        There are two for each node, `own` and `far`, for the ends of its cable: what the node sends
        and gets, and what becomes of that on the wire. Of a router there is what the wire sees.
        """
        ends = [(name, "own") for name in nodes]
        ends += [(name, "far") for name in (*nodes, *routers)]
        with ExitStack() as files:
            yield {
                (name, end): files.enter_context(
                    self._folder.open_capture(name if end == "own" else f"{name}-wire")
                )
                for name, end in (ends if self.captures else ())
            }
