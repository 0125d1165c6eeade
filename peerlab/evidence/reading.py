"""Reads the folder of a run. Works on any machine, without the backend that made it."""

import gc
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from peerlab.errors import UsageError
from peerlab.evidence.files import read_file
from peerlab.evidence.folder import CAPTURES, JOURNAL, NODES, VERDICT
from peerlab.evidence.journal import OF_THE_WIRE, SAID, Event, Kind, read_journal
from peerlab.scenario.values import MAX_LINE


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a program reported it: that it sent it, or that it received it."""

    at: float
    node: str
    direction: Kind
    id: str | None
    peer: str | None
    """The other side as the program named it: its IP address or label."""
    text: str


@dataclass(frozen=True)
class NodeEvidence:
    """What is known of one node."""

    name: str
    journal: Sequence[Event]

    @cached_property
    def course(self) -> Sequence[Event]:
        """What became of the node and its programs: all but what was said, and what the wire tells.

        Few events, in which one can look for something again and again.
        """
        return [
            event
            for event in self.journal
            if event.kind not in SAID and event.kind not in OF_THE_WIRE
        ]

    @cached_property
    def transcript(self) -> str:
        """The terminal as a person would have seen it: what was printed and what was typed.

        Lines say where the program was started again, and from where on its output was not kept.
        """
        return self._shown({Kind.PRINTED, Kind.TYPED}, remarks=True)

    @cached_property
    def printed(self) -> str:
        """What the program printed, without what was typed."""
        return self._shown({Kind.PRINTED})

    @cached_property
    def typed(self) -> str:
        """What was typed, line by line; secrets are masked."""
        return "".join(event.text + "\n" for event in self.journal if event.kind is Kind.TYPED)

    @cached_property
    def messages(self) -> list[Message]:
        """The messages that the program reports to have sent and received, in order."""
        return [
            Message(
                event.at,
                self.name,
                event.kind,
                event.detail.get("id"),
                event.detail.get("peer"),
                event.text,
            )
            for event in self.journal
            if event.kind in {Kind.SENT, Kind.RECEIVED}
        ]

    @cached_property
    def deployed(self) -> Event | None:
        """The event that tells the node's address and program."""
        return self._first(Kind.DEPLOYED)

    @cached_property
    def exited(self) -> Event | None:
        """The event of the program's end, None if it was never seen to end.

        Of a program that was started again it is the end of the last time.
        """
        ended = None
        for event in self.course:
            if event.kind is Kind.EXITED:
                ended = event
            elif event.kind is Kind.STARTED:
                ended = None
        return ended

    @property
    def ip(self) -> str | None:
        """The node's address."""
        return _text(self.deployed, "ip")

    @property
    def program(self) -> str | None:
        """The name of the node's program."""
        return _text(self.deployed, "program")

    @property
    def status(self) -> int | None:
        """The program's exit status, None if it was never seen to end."""
        return None if self.exited is None else self.exited.detail.get("status")

    @property
    def truncated(self) -> bool:
        """Whether it printed more than the lab keeps: the rest is not in the evidence."""
        return self._first(Kind.TRUNCATED) is not None

    def tail(self, lines: int) -> str:
        """The last lines of the transcript."""
        return "\n".join(self.transcript.splitlines()[-lines:])

    def _shown(self, kinds: Collection[Kind], *, remarks: bool = False) -> str:
        """The text of such events; a program that was started again begins a new line."""
        pieces: list[str] = []
        for event in self.journal:
            remark = _remark(event)
            if event.kind in kinds:
                pieces.append(event.text + ("\n" if event.kind is Kind.TYPED else ""))
            elif remark is not None and (remarks or event.kind is Kind.STARTED):
                if pieces and not pieces[-1].endswith("\n"):
                    pieces.append("\n")
                pieces += [remark] if remarks else []
        return "".join(pieces)

    def _first(self, kind: Kind) -> Event | None:
        return next((event for event in self.course if event.kind is kind), None)


def _text(event: Event | None, name: str) -> str | None:
    """A text that an event tells, None where it tells none: journals can have been changed."""
    told = None if event is None else event.detail.get(name)
    return told if isinstance(told, str) else None


def apart(event: Event, notice: re.Pattern[str] | None) -> tuple[str, str]:
    """What stands before a notice on its line, such as a prompt, and the notice.

    Args:
        event: a notice that was printed.
        notice: finds notices in the lines of its program; None: nobody knows any more.
    """
    found = None if notice is None else notice.search(event.text.removesuffix("\n"), 0, MAX_LINE)
    start = 0 if found is None else found.start()
    return event.text[:start], event.text[start:]


def _remark(event: Event) -> str | None:
    """A line of a transcript that nobody printed or typed."""
    if event.kind is Kind.TRUNCATED:
        return f"[truncated: {event.text}]\n"
    if event.kind is Kind.STARTED and "again" in event.detail:
        return "(started again)\n"
    return None


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Keep the garbage collector from looking at a journal again and again.

    None of its events is garbage, nor is what is made of them in the end, and looking costs a third
    of what judging and showing a large run does.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class Evidence:
    """What a run left behind."""

    path: Path

    @cached_property
    def journal(self) -> list[Event]:
        """All events of the run, in order.

        Raises:
            UsageError: this is not the folder of a run.
        """
        try:
            with nothing_collected():
                return list(read_journal(self.path / JOURNAL))
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.path} is not the evidence of a run: {error}") from error

    def of(self, kind: Kind) -> Sequence[Event]:
        """All events of that kind, in order."""
        return self._by_kind.get(kind, ())

    def told_by_wire(self, what: str) -> list[Event]:
        """What the wire, or each part of it, tells under that word, such as `totals`."""
        return [event for event in self.of(Kind.WIRE) if event.text == what]

    @cached_property
    def _by_kind(self) -> Mapping[Kind, list[Event]]:
        found: dict[Kind, list[Event]] = defaultdict(list)
        for event in self.journal:
            found[event.kind].append(event)
        return found

    @cached_property
    def complete(self) -> bool:
        """Whether the run came to its end, so that what is not in the journal did not happen."""
        return bool(self.of(Kind.END)) and self.lacking is None

    @cached_property
    def lacking(self) -> str | None:
        """What tells that the journal of a run that came to its end lacks events; None: nothing."""
        if not (self.of(Kind.END) and self.journal[0].detail.get("closes")):
            return None  # it did not come there, or is of a time when no journal told its end
        last = self.journal[-1]
        if last.kind is not Kind.CLOSED:
            return "the journal was cut off: its last events are missing"
        told, there = last.detail.get("events"), len(self.journal) - 1
        if told != there:
            return f"the journal was changed: it has {there} events, and its end tells of {told}"
        return None

    @cached_property
    def failed_steps(self) -> list[Event]:
        """The steps that did not come true."""
        return [*self.of(Kind.STEP_FAILED)]

    @cached_property
    def wire_totals(self) -> list[Event]:
        """What the wire, or each part of it, tells in the end."""
        return self.told_by_wire("totals")

    @cached_property
    def sees_network(self) -> bool:
        """Whether anything told what passed between the nodes."""
        return any(self.of(kind) for kind in OF_THE_WIRE)

    @cached_property
    def variables(self) -> Mapping[str, Mapping[str, str]]:
        """What was known of each node in the end, by its name; empty where the end did not come."""
        if not self.complete:
            return {}
        known: Mapping[str, Mapping[str, str]] = self.of(Kind.END)[-1].detail.get("variables", {})
        return known

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Which node was called what, as known in the end: nodes by their labels."""
        return {known["label"]: name for name, known in self.variables.items() if "label" in known}

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """The nodes by their IP addresses."""
        return {node.ip: name for name, node in self.nodes.items() if node.ip is not None}

    @cached_property
    def nodes(self) -> dict[str, NodeEvidence]:
        """What is known of each node, by name."""
        events: dict[str, list[Event]] = {}
        for event in self.journal:
            if event.node is not None:
                events.setdefault(event.node, []).append(event)
        return {
            name: NodeEvidence(name, tuple(own))
            for name, own in events.items()
            # Of a router there is nothing but what the wire tells.
            if any(event.kind not in OF_THE_WIRE for event in own)
        }

    def node(self, name: str) -> NodeEvidence:
        """What is known of one node.

        Raises:
            UsageError: there was no such node.
        """
        if name not in self.nodes:
            raise UsageError(
                f"no node {name!r} in {self.path}", hint=f"nodes are: {', '.join(self.nodes)}"
            )
        return self.nodes[name]

    def log(self, node: str) -> bytes:
        """The verbatim output of a node."""
        return read_file(self.path / NODES / f"{node}.log")

    def capture(self, node: str) -> Path:
        """Where the capture of a node is, if there is one: what it sent and what it received."""
        return self.path / CAPTURES / f"{node}.pcap"

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """The verdict as written, empty before the run is judged."""
        path = self.path / VERDICT
        if not path.exists():
            return {}
        verdict: dict[str, Any] = json.loads(read_file(path))
        return verdict

    @property
    def outcome(self) -> str | None:
        """`passed`, `failed` or `unknown`; None before the run is judged."""
        return self.verdict.get("outcome")

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What the verdict rests on."""
        return [found for check in self.verdict.get("checks", []) for found in check["findings"]]
