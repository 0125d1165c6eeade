"""One container as a node: its terminal, over the engine's attach connection.

The connection is made before the container starts: attaching to a running container can lose
what it printed so far (docker-py issue 2466).
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Protocol

import docker
from docker.errors import APIError, NotFound
from requests.exceptions import RequestException

from peerlab.backend.base import Sink, Stream
from peerlab.backend.docker.engine import engine_errors
from peerlab.backend.frames import Decoder
from peerlab.errors import LabError
from peerlab.scenario.model import Signal

_SIGNALS: Final = {Signal.INTERRUPT: "SIGINT", Signal.KILL: "SIGKILL"}
_STREAMS: Final[dict[int, Stream]] = {1: "stdout", 2: "stderr"}
_CHUNK: Final = 64 * 1024
_INTERRUPT_KEY: Final = b"\x03"
_END_OF_INPUT_KEY: Final = b"\x04"


class _Connection(Protocol):
    """What the attach connection of every transport (Unix, TLS, SSH, pipe) can do."""

    def close(self) -> object: ...
    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> object: ...


class AttachedNode:
    """A container whose standard streams are connected to the lab."""

    def __init__(self, client: docker.APIClient, container: str, ip: str, *, pty: bool) -> None:
        self._client = client
        self.container = container
        """The container's id."""
        self._ip = ip
        self._pty = pty
        self._connection: _Connection | None = None
        self._holder: Any = None  # docker-py's wrapper: another type for every transport
        self._reader: threading.Thread | None = None
        self._sink: Sink | None = None
        self._lost: str | None = None

    @property
    def ip(self) -> str:
        """The node's address."""
        return self._ip

    def start(self, sink: Sink) -> None:
        """Attach, start the container, and read its output in a thread of its own."""
        self.close()
        self._sink = sink
        if self._lost is not None:
            raise LabError(self._lost)
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with engine_errors(f"start the container at {self._ip}"):
            self._holder = self._client.attach_socket(self.container, params=streams)
            self._connection = _raw(self._holder)
            self._client.start(self.container)
        self._reader = threading.Thread(
            target=self._read, args=(self._connection, sink), name=f"attach {self._ip}", daemon=True
        )
        self._reader.start()

    def write(self, data: bytes) -> None:
        """Write to the program's standard input."""
        if self._connection is not None:
            # The program may have ended meanwhile: then the reader tells it.
            with contextlib.suppress(OSError):
                self._connection.sendall(data)

    def end_input(self) -> None:
        """Close standard input; on a pseudo-terminal, as Ctrl-D does it."""
        if self._pty:
            self.write(_END_OF_INPUT_KEY)
        elif isinstance(self._connection, socket.socket):
            with contextlib.suppress(OSError):  # the program has ended meanwhile
                self._connection.shutdown(socket.SHUT_WR)
        else:
            raise LabError(
                "this connection to the engine cannot close a program's input",
                hint="end the program with a command, or give its program file `terminal: pty`",
            )

    def signal(self, signal: Signal) -> None:
        """Send a signal; on a pseudo-terminal an interrupt is typed as Ctrl-C."""
        if self._pty and signal is Signal.INTERRUPT:
            self.write(_INTERRUPT_KEY)
        else:
            self._kill(_SIGNALS[signal])

    def stop(self) -> None:
        """Ask the program to end."""
        self._kill("SIGTERM")

    def logged(self) -> dict[Stream, bytes]:
        """The engine's own log of the container.

        docker-py's `logs` would ask for the kind of terminal, and for each stream, before.
        """
        client = self._client
        with engine_errors(f"read the log of the container at {self._ip}"):
            answer = client.get(
                f"{client.base_url}/v{client.api_version}/containers/{self.container}/logs",
                params={"stdout": 1, "stderr": 1},
                timeout=client.timeout,
            )
            answer.raise_for_status()
        if self._pty:
            return {"stdout": answer.content}
        printed: dict[Stream, list[bytes]] = {"stdout": [], "stderr": []}
        for frame in Decoder().feed(answer.content):
            printed[_STREAMS.get(frame.kind, "stdout")].append(frame.payload)
        return {stream: b"".join(payloads) for stream, payloads in printed.items()}

    def pause(self) -> None:
        """Freeze the container."""
        self._unless_ended("pause", self._client.pause)

    def resume(self) -> None:
        """Let the frozen container go on."""
        self._unless_ended("resume", self._client.unpause)

    def lose(self, reason: str) -> None:
        """Tell that the node is of no use any more."""
        self._lost = reason
        if self._sink is not None:
            self._sink.lost(reason)

    def close(self) -> None:
        """End the connection once the program has ended, and wait for the reader."""
        if self._reader is not None:
            self._reader.join(timeout=5)
        if self._connection is not None:
            self._connection.close()
        if self._holder is not None:
            self._holder.close()

    def _kill(self, name: str) -> None:
        self._unless_ended("signal", lambda container: self._client.kill(container, name))

    def _unless_ended(self, doing: str, do: Callable[[str], object]) -> None:
        """Do what is no error if only the program has ended meanwhile."""
        with engine_errors(f"{doing} the container at {self._ip}"):
            try:
                do(self.container)
            except NotFound:
                return  # somebody has removed it: the reader tells that
            except APIError:
                if self._client.inspect_container(self.container)["State"]["Running"]:
                    raise

    def _read(self, connection: _Connection, sink: Sink) -> None:
        try:
            if self._pty:
                while data := connection.recv(_CHUNK):
                    sink.printed("stdout", data)
            else:
                decoder = Decoder()
                while data := connection.recv(_CHUNK):
                    # As one piece as far as it is: a frame can be as small as a byte.
                    for kind, frames in groupby(decoder.feed(data), attrgetter("kind")):
                        payload = b"".join(frame.payload for frame in frames)
                        sink.printed(_STREAMS.get(kind, "stdout"), payload)
            status = self._client.wait(self.container)["StatusCode"]
        except (OSError, APIError, RequestException, ValueError) as error:
            sink.lost(str(error))
        else:
            sink.exited(status)


def _raw(holder: Any) -> _Connection:  # noqa: ANN401 - see _holder
    """The connection below docker-py's wrapper, which differs between transports."""
    connection: _Connection = getattr(holder, "_sock", holder)
    if isinstance(connection, socket.socket):
        connection.settimeout(None)
    return connection
