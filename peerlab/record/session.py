"""A live lab that people type into, and the record of what they did.

Threads: the backend's reader threads tell what nodes print, one thread types. What is seen is
guarded by one lock, so that everybody who watches a node sees the same, in the same order.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from peerlab.backend.base import Backend, RunName, Stream
from peerlab.drive.director import Director
from peerlab.drive.terminal import StepFailed, Terminal
from peerlab.errors import LabError
from peerlab.evidence.folder import Folder
from peerlab.evidence.journal import Event, Journal, Kind
from peerlab.evidence.network import NetworkLog
from peerlab.evidence.reading import Evidence
from peerlab.play import new_run_id, open_terminals
from peerlab.record.confided import default_secrets
from peerlab.record.view import View, secret_prompts
from peerlab.scenario.model import Scenario, Signal

_STREAMS: Final[tuple[Stream, ...]] = ("stdout", "stderr")


class Watcher(Protocol):
    """Who is told what happens at the nodes. Called under a lock: must be quick."""

    def shown(self, node: str, text: str, *, by: object | None, asks_for_secret: bool) -> None:
        """More is seen at a node; `by`: who typed it, who has seen it already."""

    def ended(self, node: str, status: int) -> None:
        """The node's program has ended."""

    def broke(self) -> None:
        """A node was lost."""


class RecordedTerminal(Terminal):
    """A terminal that tells, too, what is open on it."""

    opened: Callable[[str, Stream, str], None] | None = None
    broke: Callable[[], None] | None = None

    def printed(self, stream: Stream, data: bytes) -> None:
        """Take in output."""
        super().printed(stream, data)
        if self.opened is not None:
            self.opened(self.name, stream, self._transcript.open_line(stream))

    def lost(self, reason: str) -> None:
        """Take in that the backend lost the node."""
        super().lost(reason)
        if self.broke is not None:
            self.broke()

    def close_line(self) -> None:
        """Take what is open as it is, so that the journal has it."""
        with self._changed:
            self._flush()

    @property
    def why_lost(self) -> str | None:
        """Why nothing more can be seen of the node; None: it can."""
        return self._lost


class Session:
    """What people did so far, and what they see."""

    def __init__(
        self, scenario: Scenario, evidence: Evidence, observer: Callable[[Event], None]
    ) -> None:
        self.evidence: Final = evidence
        self.scenario: Final = scenario
        self.events: list[Event] = []
        self.hidden: dict[str, list[str]] = defaultdict(list)
        self._watcher: Watcher | None = None
        self._observer = observer
        self._lock = threading.RLock()
        self._typing: object | None = None
        self._views = {
            name: View(secret_prompts(node.program)) for name, node in scenario.nodes.items()
        }
        self._defaults = {
            name: default_secrets(node.program) - {""} for name, node in scenario.nodes.items()
        }
        self._terminals: Mapping[str, RecordedTerminal] = {}
        self._statuses: dict[str, int] = {}

    def begin(self, terminals: Mapping[str, RecordedTerminal]) -> None:
        """Sit down at the terminals."""
        self._terminals = terminals
        for terminal in terminals.values():
            terminal.opened, terminal.broke = self._opened, self._broke

    def set_watcher(self, watcher: Watcher | None) -> None:
        """Tell a watcher from now on; whoever was told before is told no more once this returns."""
        with self._lock:
            self._watcher = watcher

    def take(self, event: Event) -> None:
        """Take in an event of the journal."""
        with self._lock:
            self.events.append(event)
            if event.node in self._views:
                self._see(event, event.node)
        self._observer(event)

    def type(self, node: str, text: str, *, by: object | None = None, secret: bool = False) -> str:
        """Type a line at a node; secret, too, where the program asks for one or its file tells it.

        Returns:
            Why that cannot be done; empty: it was.
        """
        with self._lock:
            secret = secret or self.asks_for_secret(node) or text in self._defaults[node]
            before = len(self.events)
            self._typing = by
        try:
            self._terminals[node].type(text, secret=secret)
        except (StepFailed, LabError) as failure:
            return _told(failure)
        finally:
            with self._lock:
                self._typing = None
                if secret and any(
                    event.kind is Kind.TYPED and event.node == node
                    for event in self.events[before:]
                ):
                    self.hidden[node].append(text)
        return ""

    def do(self, node: str, control: str) -> str:
        """Do something else with a node; returns why that cannot be done, or nothing."""
        terminal = self._terminals[node]
        if node in self._statuses:
            return f"{node} {terminal.state()}"
        doings: dict[str, Callable[[], None]] = {
            "eof": terminal.end_input,
            "pause": terminal.pause,
            "resume": terminal.resume,
            "interrupt": lambda: terminal.signal(Signal.INTERRUPT),
            "kill": lambda: terminal.signal(Signal.KILL),
        }
        try:
            doings[control]()
        except (StepFailed, LabError) as failure:
            return _told(failure)
        return ""

    def watch(self, node: str, begin: Callable[[str, int | None], None]) -> None:
        """Tell what a node has shown so far and its exit status, before anything more happens."""
        with self._lock:
            begin(self._views[node].history, self._statuses.get(node))

    def asks_for_secret(self, node: str) -> bool:
        """Whether a node's program asks for a secret now."""
        with self._lock:
            return self._views[node].asks_for_secret

    def close(self) -> list[Event]:
        """End the record: all that was shown and done until now."""
        for terminal in self._terminals.values():
            terminal.close_line()
        with self._lock:
            return list(self.events)

    @property
    def error(self) -> LabError | None:
        """What broke the lab; None: it holds."""
        reasons = [terminal.why_lost for terminal in self._terminals.values()]
        return next((LabError(reason) for reason in reasons if reason is not None), None)

    def _opened(self, node: str, stream: Stream, line: str) -> None:
        with self._lock:
            self._show(node, self._views[node].opened(stream, line), None)

    def _see(self, event: Event, node: str) -> None:
        view = self._views[node]
        match event.kind:
            case Kind.PRINTED:
                stream: Stream = "stderr" if event.detail["stream"] == "stderr" else "stdout"
                self._show(node, view.ended(stream, event.text), None)
            case Kind.TYPED:
                self._show(node, view.typed(event.text), self._typing)
            case Kind.EXITED:
                self._statuses[node] = int(event.detail["status"])
                if self._watcher is not None:
                    self._watcher.ended(node, self._statuses[node])
            case _:
                pass

    def _show(self, node: str, text: str, by: object | None) -> None:
        if text and self._watcher is not None:
            asks = self._views[node].asks_for_secret
            self._watcher.shown(node, text, by=by, asks_for_secret=asks)

    def _broke(self) -> None:
        with self._lock:
            if self._watcher is not None:
                self._watcher.broke()


@contextmanager
def hold_session(
    scenario: Scenario,
    backend: Backend,
    folder: Path,
    seed: int,
    observer: Callable[[Event], None],
) -> Iterator[Session]:
    """Deploy the nodes of a scenario, start them, and let people type; its steps are not played.

    Args:
        scenario: has the nodes, and the network as it is from the start.
        backend: on which nodes are made.
        folder: for the journal and what nodes print while it lasts.
        seed: where chance starts on the network.
        observer: told every event.

    Raises:
        LabError: the network is not what the scenario asks for, or a node never became ready.
    """
    run = RunName(scenario.name, new_run_id())
    kept = Folder.create(folder, scenario.name, run.run_id, "", {})
    session = Session(scenario, Evidence(kept.path), observer)
    journal = Journal(kept.journal, time.monotonic, session.take)
    network = NetworkLog(journal, kept, folder, seed=seed, captures=False)
    journal.record(Kind.RUN, text=scenario.title, scenario=scenario.name, backend=backend.name)
    with ExitStack() as stack:
        stack.callback(journal.close)
        logs: dict[str, BinaryIO] = {
            name: stack.enter_context(kept.open_log(name)) for name in scenario.nodes
        }
        lab = stack.enter_context(backend.deploy(scenario, run, network))
        terminals = open_terminals(scenario, lab, logs, journal, RecordedTerminal)
        director = Director(scenario, terminals, journal, lab.wire)
        session.begin(terminals)
        if not (director.try_network(seed) and director.start()):
            raise LabError(_why_not(session.events))
        try:
            yield session
        finally:
            director.stop() if lab.owns_nodes else director.leave()


def _told(failure: StepFailed | LabError) -> str:
    if isinstance(failure, LabError):
        return failure.message
    return f"{failure.message}: {failure.node} {failure.state}"


def _why_not(events: list[Event]) -> str:
    failed = [event.text for event in events if event.kind is Kind.STEP_FAILED]
    wrong = [str(event.detail["wrong"]) for event in events if event.detail.get("wrong")]
    return "; ".join([*failed, *wrong]) or "the lab did not come up"
