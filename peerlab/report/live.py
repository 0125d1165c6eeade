"""What a person sees while runs are under way: progress on a terminal, and the transcript."""

import errno
import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from peerlab.evidence.journal import Event, Kind
from peerlab.report.escape import escape_line
from peerlab.report.remarks import remark_on
from peerlab.scenario.model import Scenario, WireStep

_WIRE: Final = "wire"
_WIDTH: Final = 100
_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_red")


class Screen(Console):
    """A console that raises BrokenPipeError when nobody reads any more, as a file does."""

    def on_broken_pipe(self) -> None:
        """Raise what has happened, where a console would end the thread that prints."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class Progress:
    """A table of the runs under way and what each of their nodes is doing. Safe for threads."""

    def __init__(self, console: Console) -> None:
        self._runs: dict[str, dict[str, str]] = {}
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()
        self.live = Live(
            get_renderable=self._render, console=console, refresh_per_second=8, transient=True
        )

    def observe(self, scenario: Scenario, event: Event) -> None:
        """Take in an event of a run."""
        with self._lock:
            if event.kind is Kind.RUN:
                self._runs[scenario.name] = {}
                self._began[scenario.name] = time.monotonic()
            elif event.kind is Kind.END or event.kind is Kind.BROKE:
                self._runs.pop(scenario.name, None)
            elif event.node is not None and scenario.name in self._runs:
                doing = _doing(event)
                if doing is not None:
                    self._runs[scenario.name][event.node] = doing

    def _render(self) -> RenderableType:
        with self._lock:
            return Group(*(self._table(name, nodes) for name, nodes in self._runs.items()))

    def _table(self, name: str, nodes: Mapping[str, str]) -> Table:
        table = Table.grid(padding=(0, 2))
        seconds = time.monotonic() - self._began[name]
        table.add_row(Text(escape_line(name), style="bold"), Text(f"{seconds:.1f} s", style="dim"))
        for node, doing in nodes.items():
            table.add_row(f"  {node}", Text(doing, style="dim", overflow="ellipsis", no_wrap=True))
        return table


def _doing(event: Event) -> str | None:
    match event.kind:
        case Kind.STEP | Kind.TYPED | Kind.PRINTED:
            verb = {Kind.STEP: "", Kind.TYPED: "types ", Kind.PRINTED: "prints "}[event.kind]
            last = event.text.rstrip().rpartition("\n")[2].strip()
            text = escape_line(last[:_WIDTH])
            return f"{verb}{text}"[:_WIDTH] if text else None
        case Kind.DEPLOYED:
            return f"has the address {event.detail['ip']}"
        case Kind.STARTED | Kind.READY:
            return event.kind.value
        case _:
            return _remark(event)


class Follower:
    """Prints the interleaved transcript of a run as it happens; of one run at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open: dict[tuple[str, str], Text] = defaultdict(Text)
        self._colours: dict[str, str] = {}
        self._width = 0

    def observe(self, scenario: Scenario, event: Event) -> None:
        """Take in an event; the journal tells one at a time, in order."""
        if event.kind is Kind.RUN:
            self._width = max(len(name) for name in (*scenario.nodes, *_others(scenario)))
            self._console.print(Text(escape_line(scenario.title), style="bold"))
        elif event.node is not None:
            self._tell(scenario.name, event, event.node)
        elif event.kind is Kind.STEP:
            line = Text.assemble((f"{_WIRE:{self._width}} | ", "dim"), (_of_wire(event), "bold"))
            self._console.print(line, soft_wrap=True, highlight=False)

    def _tell(self, run: str, event: Event, node: str) -> None:
        key = (run, node)
        if event.kind is Kind.PRINTED:
            for line in event.text.splitlines(keepends=True):
                self._open[key].append(escape_line(line.removesuffix("\n")))
                if line.endswith("\n"):
                    self._line(key)
        elif event.kind is Kind.TYPED:
            self._open[key].append(escape_line(event.text), style="bold")
            self._line(key)
        elif (remark := _remark(event)) is not None:
            if self._open[key]:
                self._line(key)
            self._open[key].append(f"({remark})", style="dim")
            self._line(key)

    def _line(self, key: tuple[str, str]) -> None:
        node = key[1]
        colour = self._colours.setdefault(node, _COLOURS[len(self._colours) % len(_COLOURS)])
        line = Text.assemble((f"{node:{self._width}} | ", colour), self._open.pop(key))
        self._console.print(line, soft_wrap=True, highlight=False)


def _others(scenario: Scenario) -> Sequence[str]:
    """Who has lines in the transcript beside the nodes."""
    return [_WIRE] if any(isinstance(step, WireStep) for step in scenario.steps) else []


def _of_wire(event: Event) -> str:
    """What a step does to the network: its source without the word that stands before it."""
    return escape_line(event.text.removeprefix(f"{_WIRE}: "))


def _remark(event: Event) -> str | None:
    """What is said of a node, also that the rest of its output is not kept."""
    return f"truncated: {event.text}" if event.kind is Kind.TRUNCATED else remark_on(event)
