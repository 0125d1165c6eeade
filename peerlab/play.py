"""From a scenario to a verdict: deploy, play, collect, judge. Whatever happens, evidence stays."""

import contextlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from peerlab.backend.base import Backend, Lab, RunName
from peerlab.checks.judge import judge
from peerlab.checks.result import Result
from peerlab.drive.director import Director
from peerlab.drive.lines import LineKinds
from peerlab.drive.terminal import Stopped, Terminal
from peerlab.errors import LabError, PeerlabError, UsageError
from peerlab.evidence.folder import Folder
from peerlab.evidence.journal import Event, Journal, Kind
from peerlab.evidence.network import NetworkLog
from peerlab.evidence.reading import Evidence
from peerlab.scenario.model import Program, Scenario, TerminalKind
from peerlab.scenario.values import Pattern, no_variables
from peerlab.secret_values import require_secrets

Observer = Callable[[Scenario, Event], None]


class Stop:
    """Tells all runs of a process to end early and clean up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._abandon: list[Callable[[], None]] = []
        self._requested = False

    def request(self) -> None:
        """End every run under way; runs that begin later end at once."""
        with self._lock:
            self._requested = True
            for abandon in self._abandon:
                abandon()

    @contextlib.contextmanager
    def calls(self, abandon: Callable[[], None]) -> Iterator[None]:
        """Call `abandon` when the stop is requested, at once if it is already."""
        with self._lock:
            self._abandon.append(abandon)
            if self._requested:
                abandon()
        try:
            yield
        finally:
            with self._lock:
                self._abandon.remove(abandon)


def new_run_id() -> str:
    """A run's id: its time in UTC, and what tells it from others of the same second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def play(  # noqa: PLR0913 - all that can be asked of a run
    scenario: Scenario,
    backend: Backend,
    out: Path,
    *,
    observer: Observer | None = None,
    stop: Stop | None = None,
    captures: bool = False,
    seed: int | None = None,
    native: bool = False,
    submission: str | None = None,
    given: Sequence[str] = (),
    secret_values: Mapping[str, str] | None = None,
) -> Result:
    """Play a scenario once and judge it.

    Args:
        scenario: what to play.
        backend: on which nodes are made.
        out: where evidence goes.
        observer: told every event.
        stop: ends the run early.
        captures: whether frames are to be captured, also where no check looks into them.
        seed: where chance starts on the network; None: anywhere. The evidence tells it.
        native: whether the kernel is to impair the network as far as it can.
        submission: whose program is played, for reports.
        given: the programs that were put in the place of others, as `NAME=FILE`, for reports.
        secret_values: those of the scenario's secrets, by name.

    Raises:
        MachineUnfit: the backend cannot run it here, nor any other scenario.
        UsageError: the evidence cannot be written, the backend cannot do what is asked, or a
            secret has no value.
    """
    values = require_secrets([scenario], secret_values or {})
    asked = captures or scenario.network.captures
    if asked and not backend.captures:
        raise UsageError(
            f"the backend {backend.name} cannot capture",
            hint="use `--backend docker` or `--backend netns`",
        )
    if native and not backend.captures:
        raise UsageError(
            f"the backend {backend.name} has no wire that could be native",
            hint="use `--backend docker` or `--backend netns`",
        )
    started, began = time.monotonic(), datetime.now(UTC)
    run = RunName(scenario.name, new_run_id())
    programs = {name: program.text for name, program in scenario.programs.items()}
    folder = Folder.create(out, scenario.name, run.run_id, scenario.text, programs)
    error: PeerlabError | None = None
    interrupted = False
    subscriber = None if observer is None else lambda event: observer(scenario, event)
    journal = Journal(folder.journal, time.monotonic, subscriber, values.values())
    network = NetworkLog(
        journal,
        folder,
        out,
        seed=secrets.randbits(32) if seed is None else seed,
        captures=asked or (scenario.wants_captures and backend.captures),
        native=native,
    )
    journal.record(
        Kind.RUN,
        text=scenario.title,
        scenario=scenario.name,
        file=_from_here(scenario.path),
        run=run.run_id,
        backend=backend.name,
        seed=network.seed,
        wire="native" if native else "userspace",
        submission=submission,
        given=list(given),
        closes=True,
        began=began.isoformat(timespec="milliseconds"),
    )
    try:
        # The logs stay open until the nodes are gone: they may have last words.
        with ExitStack() as logs, backend.deploy(scenario, run, network) as lab:
            opened = {name: logs.enter_context(folder.open_log(name)) for name in scenario.nodes}
            terminals = open_terminals(scenario, lab, opened, journal, Terminal)
            director = Director(scenario, terminals, journal, lab.wire, values)
            _play_on(director, lab, journal, stop or Stop(), network)
    except Stopped:
        interrupted = True
        journal.record(Kind.BROKE, text="the run was interrupted")
    except PeerlabError as broken:
        error = broken
    except OSError as failure:
        error = LabError(f"cannot keep the evidence: {failure}")
    with contextlib.suppress(OSError):  # what cannot be written is missing, and judged so
        if error is not None:
            journal.record(Kind.BROKE, text=error.message)
        journal.close()
    verdict = judge(Evidence(folder.path), scenario)
    folder.write_verdict(verdict.as_dict())
    if error is not None and not isinstance(error, LabError):
        raise error
    seconds = time.monotonic() - started
    return Result(
        scenario,
        backend.name,
        verdict,
        folder.path,
        seconds,
        error,
        interrupted,
        network.seed,
        submission,
        began,
    )


def _from_here(path: Path) -> str:
    """The path as a person types it here; what has no such path is named by its last part."""
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # on another drive
        return path.name


AnyTerminal = TypeVar("AnyTerminal", bound=Terminal)


def open_terminals(
    scenario: Scenario,
    lab: Lab,
    logs: Mapping[str, BinaryIO],
    journal: Journal,
    kind: type[AnyTerminal],
) -> dict[str, AnyTerminal]:
    """The terminals of a deployed lab, of one kind; the journal is told who is where."""
    terminals = {
        name: kind(
            name,
            lab.nodes[name],
            journal,
            logs[name],
            kinds=line_kinds(node.program),
            echoes=node.program.terminal is TerminalKind.PTY,
        )
        for name, node in scenario.nodes.items()
    }
    for name, terminal in terminals.items():
        program = scenario.nodes[name].program
        journal.record(Kind.DEPLOYED, name, ip=terminal.ip, program=program.name)
    return terminals


def _play_on(
    director: Director, lab: Lab, journal: Journal, stop: Stop, network: NetworkLog
) -> None:
    """Play on a deployed lab, up to the last words of its programs.

    Nothing is played on a network that is not what the scenario asks for.
    """
    with stop.calls(director.abandon):
        if not director.try_network(network.seed, native=network.native):
            return
        if director.start():
            director.play()
    compared: list[str] = []
    if lab.owns_nodes:
        director.stop()
        compared = director.compare()
    else:
        director.leave()
    left = not lab.owns_nodes
    journal.record(Kind.END, variables=director.known, compared=compared, left=left)


def line_kinds(program: Program) -> LineKinds:
    """What tells the kinds of lines that a program prints."""

    def compiled(pattern: Pattern | None) -> re.Pattern[str] | None:
        return None if pattern is None else pattern.compile(no_variables)

    messages = program.messages
    return LineKinds(
        compiled(program.notices), compiled(messages.sent), compiled(messages.received)
    )
