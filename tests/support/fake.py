"""A backend in memory: its nodes run small programs of the test, without a process or a thread.

A program is a generator. `node.show(...)` prints, `line = yield` waits for a line of input (None:
the input has ended), `return` ends the program. It runs in the thread that types, so what it
answers is there when the typing is done.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from peerlab.backend.base import Arrival, Departure, RunName, Sink, Stream
from peerlab.errors import LabError, PeerlabError
from peerlab.evidence.network import NetworkLog
from peerlab.scenario.model import Scenario, Signal
from peerlab.wire.packet import dotted
from peerlab.wire.trial import Trial, carry, digest, stamp_of

Running = Generator[None, str | None, int | None]
Program = Callable[["FakeNode"], Running]


class Terminated(Exception):  # noqa: N818 - what a program sees of SIGTERM
    """Raised in a program that is asked to end."""


class ConnectionCut(Exception):  # noqa: N818 - an event, not an error of the test
    """Raised by a program to make the backend lose its node."""


class FakeNode:
    """One node: what the lab sees of it, and what its program sees of the lab."""

    def __init__(self, name: str, ip: str, program: Program, lab: "FakeLab") -> None:
        self.name = name
        self.lab = lab
        self.typed: list[str] = []
        self.log: Mapping[Stream, bytes] | None = None
        self._ip = ip
        self._program = program
        self._running: Running | None = None
        self._sink: Sink | None = None
        self._paused = False
        self._held: list[Callable[[Running], None]] = []

    @property
    def ip(self) -> str:
        """The node's address."""
        return self._ip

    # What the lab does with it.

    def start(self, sink: Sink) -> None:
        """Run the program up to its first wait for input."""
        self._sink = sink
        self._paused = False
        self._held.clear()
        self._running = self._program(self)
        self._go_on(next)

    def write(self, data: bytes) -> None:
        """Give the program its lines."""
        for line in data.decode().removesuffix("\n").split("\n"):
            self.typed.append(line)
            self._go_on(lambda running, line=line: running.send(line))  # type: ignore[misc]

    def end_input(self) -> None:
        """Tell the program that its input has ended."""
        self._go_on(lambda running: running.send(None))

    def signal(self, signal: Signal) -> None:
        """Interrupt or kill the program."""
        if signal is Signal.KILL:
            self.kill()
        else:
            self._go_on(lambda running: running.throw(KeyboardInterrupt()))

    def pause(self) -> None:
        """Let what comes wait."""
        self._paused = True

    def resume(self) -> None:
        """Do what came meanwhile."""
        self._paused = False
        held, self._held = self._held, []
        for go_on in held:
            self._go_on(go_on)

    def stop(self) -> None:
        """Ask the program to end."""
        self._go_on(lambda running: running.throw(Terminated()))

    def logged(self) -> Mapping[Stream, bytes] | None:
        """What the test says that somebody else has kept."""
        return self.log

    def kill(self) -> None:
        """End the program by force, if it runs."""
        if self._running is not None:
            self._running.close()
            self._end(lambda sink: sink.exited(137))

    # What its program does.

    def show(self, output: str | bytes, stream: Stream = "stdout") -> None:
        """Print."""
        data = output.encode() if isinstance(output, str) else output
        if self._sink is not None:
            self._sink.printed(stream, data)

    def _go_on(self, resume: Callable[[Running], None]) -> None:
        if self._running is None:
            return
        if self._paused:
            self._held.append(resume)
            return
        try:
            resume(self._running)
        except StopIteration as stop:
            status: int = stop.value or 0
            self._end(lambda sink: sink.exited(status))
        except KeyboardInterrupt:
            self._end(lambda sink: sink.exited(130))
        except Terminated:
            self._end(lambda sink: sink.exited(143))
        except ConnectionCut as cut:
            reason = str(cut)
            self._end(lambda sink: sink.lost(reason))

    def _end(self, tell: Callable[[Sink], None]) -> None:
        self._running = None
        if self._sink is not None:
            tell(self._sink)


class FakeWire:
    """A network that only notes what steps do with it.

    Attributes:
        late: by how many seconds datagrams on trial are late.
        loses: the numbers of those that never arrive, whatever was decided.
    """

    def __init__(self, seed: int, names: Mapping[str, str]) -> None:
        self.done: list[tuple[object, ...]] = []
        self.late = 0.0
        self.loses: frozenset[int] = frozenset()
        self._seed = seed
        self._names = names

    def put(self, rules: Sequence[Mapping[str, object]]) -> None:
        """Note rules."""
        self.done += [("put", rule) for rule in rules]

    def heal(self, name: str | None) -> None:
        """Note what is healed."""
        self.done.append(("heal", name))

    def check(self) -> None:
        """Be at work."""

    def plug(self, node: str, *, connected: bool) -> None:
        """Note a cable."""
        self.done.append(("plug", node, connected))

    def measure(
        self,
        trials: Sequence[Mapping[str, object]],
        seconds: float,  # noqa: ARG002 - nothing takes time here
    ) -> tuple[list[Departure], list[Arrival]]:
        """Let datagrams on trial have the fate that rules decide."""
        sent, arrived = [], []
        for described in trials:
            trial = Trial(described, self._seed, lambda address: self._names[dotted(address)])
            for number in range(1, trial.count + 1):
                sent.append(Departure(trial.number, number, 1.0))
                frame = trial.frame(number, bytes(6), bytes(6))
                for at, passed in carry(trial.leaving, frame, 1.0):
                    for due, got in carry(trial.arriving, passed, at):
                        stamp = stamp_of(got)
                        if stamp is not None and stamp[1] not in self.loses:
                            arrived.append(Arrival(*stamp, due + self.late, digest(got)))
        return sent, arrived


class FakeLab:
    """The nodes of one run, at 10.0.0.2 and the addresses after it."""

    def __init__(
        self, programs: Mapping[str, Program], *, owns_nodes: bool = True, seed: int = 0
    ) -> None:
        self.owns_nodes = owns_nodes
        self.nodes = {
            name: FakeNode(name, f"10.0.0.{number}", program, self)
            for number, (name, program) in enumerate(programs.items(), start=2)
        }
        self.wire = FakeWire(seed, {node.ip: name for name, node in self.nodes.items()})


class FakeBackend:
    """Makes such labs.

    Attributes:
        refuses: raised instead of making a lab.
        breaks: what goes wrong while a lab is removed.
        labs: the labs made so far.
        left: how many of them were not removed yet.
        prepare: called with every lab that is made.
    """

    name = "fake"
    captures = False

    def __init__(
        self,
        programs: Mapping[str, Program],
        *,
        owns_nodes: bool = True,
        refuses: PeerlabError | None = None,
        breaks: str | None = None,
    ) -> None:
        self.refuses = refuses
        self.breaks = breaks
        self.labs: list[FakeLab] = []
        self.left = 0
        self.closed = False
        self.prepare: Callable[[FakeLab], object] = lambda _lab: None
        self._programs = programs
        self._owns_nodes = owns_nodes

    @contextmanager
    def deploy(
        self,
        scenario: Scenario,
        run: RunName,  # noqa: ARG002 - as every backend
        network: NetworkLog | None = None,
    ) -> Iterator[FakeLab]:
        """Make the nodes; kill what still runs at the end."""
        if self.refuses is not None:
            raise self.refuses
        programs = {
            name: self._programs[node.program.name] for name, node in scenario.nodes.items()
        }
        seed = 0 if network is None else network.seed
        lab = FakeLab(programs, owns_nodes=self._owns_nodes, seed=seed)
        self.prepare(lab)
        self.labs.append(lab)
        self.left += 1
        try:
            yield lab
        finally:
            if lab.owns_nodes:
                for node in lab.nodes.values():
                    node.kill()
            self.left -= 1
        if self.breaks is not None:
            raise LabError(self.breaks)

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
