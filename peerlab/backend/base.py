"""What every backend gives. The director knows nothing else of it."""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from peerlab.evidence.network import NetworkLog
from peerlab.scenario.model import Scenario, Signal

Stream = Literal["stdout", "stderr"]


class Sink(Protocol):
    """Where a node's output goes. Called from a thread of the backend, in order."""

    def printed(self, stream: Stream, data: bytes) -> None:
        """The program printed these bytes; on a pseudo-terminal all of it is stdout."""

    def exited(self, status: int) -> None:
        """The program ended: last call. 128 + n stands for the end by signal n."""

    def lost(self, reason: str) -> None:
        """The backend lost the node: last call, too."""


class LabNode(Protocol):
    """One deployed node."""

    @property
    def ip(self) -> str:
        """The node's address, known once the lab is deployed."""

    def start(self, sink: Sink) -> None:
        """Start the program; every byte that it prints goes to the sink.

        Once a sink was told that it has exited the program can be started again, with another sink
        or the same: as new, but at the same address, with the same name.

        Raises:
            LabError: it cannot be started.
        """

    def write(self, data: bytes) -> None:
        """Write to the program's standard input. Nothing happens once the program has ended."""

    def end_input(self) -> None:
        """Close the program's standard input.

        Raises:
            LabError: this connection cannot do that.
        """

    def signal(self, signal: Signal) -> None:
        """Send a signal to the program. Nothing happens once the program has ended.

        One that is paused can be killed, too; an interrupt is sent only to one that is not.
        """

    def pause(self) -> None:
        """Let all of the node stand still from now on; what is written waits.

        Nothing happens once the program has ended.

        Raises:
            LabError: it cannot be paused here.
        """

    def resume(self) -> None:
        """Let the paused node go on. Nothing happens once the program has ended."""

    def stop(self) -> None:
        """Ask the program to end in order (SIGTERM). Nothing happens once it has ended.

        It is not paused then.
        """

    def logged(self) -> Mapping[Stream, bytes] | None:
        """What somebody else has kept of the program's output, over all its starts; None: nobody.

        Asked for once the program has ended.

        Raises:
            LabError: it cannot be read.
        """


class Departure(NamedTuple):
    """A datagram on trial as it left its node: of which trial it is, and its number there."""

    trial: int
    number: int
    at: float


class Arrival(NamedTuple):
    """A datagram on trial as it arrived; the digest tells whether it was changed."""

    trial: int
    number: int
    at: float
    digest: int


class LabWire(Protocol):
    """The network of a lab, as steps change it. All raise LabError where it does not obey."""

    def put(self, rules: Sequence[Mapping[str, object]]) -> None:
        """Put rules in force, as `Rule.as_dict` describes them; they are when this returns."""

    def heal(self, name: str | None) -> None:
        """End the rules of that name; None: all."""

    def check(self) -> None:
        """Wait until it shows that it is at work."""

    def plug(self, node: str, *, connected: bool) -> None:
        """Put a node's cable in, or pull it."""

    def measure(
        self, trials: Sequence[Mapping[str, object]], seconds: float
    ) -> tuple[Sequence[Departure], Sequence[Arrival]]:
        """Send datagrams on trial (`peerlab.wire.trial`), and wait for so long for what arrives."""


class Lab(Protocol):
    """A deployed topology."""

    @property
    def nodes(self) -> Mapping[str, LabNode]:
        """The nodes, by name."""

    @property
    def wire(self) -> LabWire | None:
        """The network as steps can change it; None: where the scenario has no step that does."""

    @property
    def owns_nodes(self) -> bool:
        """Whether the lab stops its nodes at the end of a run; False: they outlive it."""


@dataclass(frozen=True, slots=True)
class RunName:
    """What tells one run from all others."""

    scenario: str
    run_id: str

    @property
    def project(self) -> str:
        """The run's name where a Compose project has its own: `peerlab-demo-1a2b3c`."""
        slug = re.sub("[^a-z0-9]+", "-", self.scenario.lower())
        return f"peerlab-{slug[:40].strip('-')}-{self.run_id.rsplit('-', 1)[-1]}"


class Backend(Protocol):
    """Makes labs. One backend serves all runs of a process, from several threads."""

    @property
    def name(self) -> str:
        """As `--backend` takes it."""

    @property
    def captures(self) -> bool:
        """Whether it can capture what passes between the nodes."""

    def deploy(
        self, scenario: Scenario, run: RunName, network: NetworkLog | None = None
    ) -> AbstractContextManager[Lab]:
        """Make nodes and network; when the context ends nothing of them is left.

        What the backend sees of the network it tells to `network`.

        Raises:
            MachineUnfit: an image is missing and cannot be built, or namespaces are not allowed.
            UsageError: the backend cannot do what the scenario or the call asks for.
            LabError: the engine or the system refused.
        """

    def close(self) -> None:
        """End what serves all runs."""
