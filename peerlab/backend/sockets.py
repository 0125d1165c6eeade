"""Plays on nodes that run already, over the Unix sockets on which they offer their terminals.

A lab in a container drives its neighbours that way, without any right on the engine. The nodes'
side is services/terminal; docs/terminal.md says what goes over the sockets. The nodes outlive
the lab, and no more than one lab at a time sits at a terminal.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from peerlab.backend.base import RunName, Sink
from peerlab.backend.frames import Decoder, Frame, encode
from peerlab.errors import LabError, MachineUnfit, UsageError
from peerlab.evidence.network import NetworkLog
from peerlab.scenario.course import acts_of_nodes
from peerlab.scenario.model import Restart, Scenario, Signal

DIRECTORY: Final = Path("/run/terminals")
"""Where the sockets are unless PEERLAB_TERMINALS says otherwise."""

MAX_PAYLOAD: Final = 64 * 1024
"""Bytes of one frame; longer data goes in several."""

_WITHIN: Final = 30.0
_PAUSE: Final = 0.05
_SIGNALS: Final = {Signal.INTERRUPT: b"INT", Signal.KILL: b"KILL"}


class FrameKind(IntEnum):
    """What a frame carries; the first four come from the node, the others from the lab."""

    HELLO = 0
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    INPUT = 4
    SIGNAL = 5


class SocketNode:
    """A node whose terminal is at the other end of a connection."""

    def __init__(self, name: str, connection: socket.socket) -> None:
        """Take over a connection and wait for the node to introduce itself.

        Raises:
            TimeoutError: it did not in the time that the connection allows.
            ConnectionError: it hung up.
            LabError: it is no terminal, or has forgotten some of its output.
        """
        self._name = name
        self._connection = connection
        self._frames = _receive(connection)
        self._ip = self._introduced()
        self._reader: threading.Thread | None = None
        self._closed = False
        connection.settimeout(None)

    def _introduced(self) -> str:
        try:
            frame = next(self._frames)
            hello = json.loads(frame.payload)
            ip, missed = str(hello["ip"]), int(hello["missed"])
        except StopIteration:
            raise ConnectionAbortedError from None
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(f"what answers for {self._name} is no terminal: {error}") from None
        if missed:
            raise LabError(
                f"{self._name} has printed {missed} bytes more than its terminal keeps",
                hint="start the node anew, and the lab with it",
            )
        return ip

    @property
    def ip(self) -> str:
        """The node's address."""
        return self._ip

    def start(self, sink: Sink) -> None:
        """Tell the sink everything that the program has printed and will print."""
        self._reader = threading.Thread(
            target=self._read, args=(sink,), name=f"terminal of {self._name}", daemon=True
        )
        self._reader.start()

    def write(self, data: bytes) -> None:
        """Write to the program's standard input."""
        for start in range(0, len(data), MAX_PAYLOAD):
            self._send(FrameKind.INPUT, data[start : start + MAX_PAYLOAD])

    def end_input(self) -> None:
        """Close standard input; on a pseudo-terminal the node types Ctrl-D."""
        self._send(FrameKind.INPUT, b"")

    def signal(self, signal: Signal) -> None:
        """Send a signal; on a pseudo-terminal the node types an interrupt as Ctrl-C."""
        self._send(FrameKind.SIGNAL, _SIGNALS[signal])

    def pause(self) -> None:
        """Let the program and what it started stand still, once its terminal hears of this."""
        self._send(FrameKind.SIGNAL, b"STOP")

    def resume(self) -> None:
        """Let them go on."""
        self._send(FrameKind.SIGNAL, b"CONT")

    def stop(self) -> None:
        """Ask the program to end."""
        self._send(FrameKind.SIGNAL, b"TERM")

    def logged(self) -> None:
        """Nobody else keeps a log that the lab could read."""

    def close(self) -> None:
        """Hang up and wait for the reader."""
        self._closed = True
        with contextlib.suppress(OSError):  # the node has hung up already
            self._connection.shutdown(socket.SHUT_RDWR)
        if self._reader is not None:
            self._reader.join()
        self._connection.close()

    def _send(self, kind: FrameKind, payload: bytes) -> None:
        # The node may have gone meanwhile: then the reader tells it.
        with contextlib.suppress(OSError):
            self._connection.sendall(encode(Frame(kind, payload)))

    def _read(self, sink: Sink) -> None:
        reason = "its terminal has gone"
        try:
            for frame in self._frames:
                match FrameKind(frame.kind):
                    case FrameKind.STDOUT:
                        sink.printed("stdout", frame.payload)
                    case FrameKind.STDERR:
                        sink.printed("stderr", frame.payload)
                    case FrameKind.EXIT:
                        sink.exited(int(frame.payload))
                        return
                    case kind:
                        raise ValueError(f"a frame {kind.name} that no node sends")  # noqa: TRY301
        except (OSError, ValueError) as error:
            reason = str(error)
        if not self._closed:
            sink.lost(reason)


def _receive(connection: socket.socket) -> Iterator[Frame]:
    decoder = Decoder(MAX_PAYLOAD)
    while data := connection.recv(MAX_PAYLOAD):
        yield from decoder.feed(data)


@dataclass(frozen=True, slots=True)
class SocketsLab:
    """The nodes at whose terminals the lab sits."""

    nodes: Mapping[str, SocketNode]
    owns_nodes: bool = False
    wire: None = None


class SocketsBackend:
    """Finds the terminals of a scenario's nodes in a directory: `<node>.sock`."""

    name: Final = "sockets"
    captures: Final = False

    def __init__(self, directory: Path | None = None, *, within: float = _WITHIN) -> None:
        """Use the sockets of a directory.

        Args:
            directory: where they are; else as PEERLAB_TERMINALS says, else DIRECTORY.
            within: seconds that all nodes together may take until they are there.
        """
        self._directory = directory or Path(os.environ.get("PEERLAB_TERMINALS") or DIRECTORY)
        self._within = within

    def close(self) -> None:
        """Nothing serves all runs."""

    @contextmanager
    def deploy(
        self,
        scenario: Scenario,
        run: RunName,  # noqa: ARG002 - as every backend
        network: NetworkLog | None = None,  # noqa: ARG002 - as every backend
    ) -> Iterator[SocketsLab]:
        """Sit down at the terminals; get up when the context ends.

        Raises:
            UsageError: the scenario asks for what nodes that run already cannot have.
            MachineUnfit: a node is not there.
            LabError: what is there is no terminal, or its output is not complete.
        """
        _refuse_what_needs_a_start(scenario)
        deadline = time.monotonic() + self._within
        with ExitStack() as connections:
            yield SocketsLab(
                {
                    name: connections.enter_context(closing(self._sit_down(name, deadline)))
                    for name in scenario.nodes
                }
            )

    def _sit_down(self, name: str, deadline: float) -> SocketNode:
        path = self._directory / f"{name}.sock"
        # Nothing tells when a socket appears: look again later.
        later = threading.Event()
        while True:
            try:
                return _dial(name, path, deadline)
            except TimeoutError:
                raise MachineUnfit(
                    f"the terminal {path} of {name} is taken",
                    hint="another lab sits at it: wait for its end",
                ) from None
            except (FileNotFoundError, ConnectionError, BlockingIOError):
                if time.monotonic() >= deadline:
                    raise self._missing(name, path) from None
            except OSError as error:
                raise MachineUnfit(f"cannot connect to {path}: {error.strerror}") from error
            later.wait(_PAUSE)

    def _missing(self, name: str, path: Path) -> MachineUnfit:
        there = sorted(found.stem for found in self._directory.glob("*.sock"))
        return MachineUnfit(
            f"the node {name} is not there: nobody answers at {path}",
            hint=f"start it, or play a scenario with the nodes that are there: {', '.join(there)}"
            if there
            else "start the nodes first; `docker compose up` starts those of compose.yaml",
        )


def _refuse_what_needs_a_start(scenario: Scenario) -> None:
    if scenario.scripts_network:
        raise UsageError(
            f"{scenario.path} changes the network, and the backend `sockets` has nothing to do "
            "with the network of its nodes",
            hint="use `--backend docker` or `--backend netns`",
        )
    for node in scenario.nodes.values():
        if node.environment:
            raise UsageError(
                f"{node.name} has an environment of its own in {scenario.path}, but runs "
                "already when the backend is `sockets`",
                hint="set it where the node is started, or use `--backend docker`",
            )
    for name, act in acts_of_nodes(scenario):
        if isinstance(act, Restart):
            raise UsageError(
                f"{name} is restarted in {scenario.path}, but the backend `sockets` starts nothing",
                hint="use `--backend docker`",
            )


def _dial(name: str, path: Path, deadline: float) -> SocketNode:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(max(_PAUSE, deadline - time.monotonic()))
        connection.connect(str(path))
        return SocketNode(name, connection)
    except BaseException:
        connection.close()
        raise
