"""One node as the runner sees it: pipes, or a pseudo-terminal, to its program."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from peerlab.backend.base import Sink, Stream
from peerlab.backend.netns.control import Message
from peerlab.backend.netns.pump import Pump
from peerlab.errors import LabError
from peerlab.scenario.model import Signal

Ask = Callable[[Message, Sequence[int]], None]

_CHUNK: Final = 64 * 1024
_INTERRUPT_KEY: Final = b"\x03"
_END_OF_INPUT_KEY: Final = b"\x04"
_MAX_UNREAD: Final = 16 << 20
_PTY_WITHIN: Final = 10.0
_SETTLES_WITHIN: Final = 10.0


class Life:
    """A program from its start to its last word."""

    def __init__(
        self, pump: Pump, sink: Sink, stdin: int, outputs: Sequence[tuple[int, Stream]]
    ) -> None:
        """Read its outputs, and write to its input; the descriptors are closed in the end.

        Args:
            pump: reads, and writes what cannot be written at once.
            sink: told what the program prints, and its end.
            stdin: descriptor to write to.
            outputs: descriptors to read from.
        """
        self.over = threading.Event()
        self._pump = pump
        self._sink = sink
        self._lock = threading.Lock()
        self._stdin: int | None = stdin
        self._unread = bytearray()
        self._input_ends = False
        self._open = {descriptor for descriptor, _ in outputs}
        self._last_word: Callable[[], None] | None = None
        os.set_blocking(stdin, False)
        for descriptor, stream in outputs:
            pump.watch(descriptor, partial(self._read, descriptor, stream))

    def write(self, data: bytes) -> None:
        """Write to the program's input; what it does not take yet waits.

        Raises:
            LabError: far too much waits.
        """
        with self._lock:
            if self._stdin is None or self._input_ends:
                return
            if len(self._unread) + len(data) > _MAX_UNREAD:
                raise LabError(f"the program left {_MAX_UNREAD} bytes of its input unread")
            waits = bool(self._unread)
            self._unread += data
            if not waits:
                self._write()
                if self._unread and self._stdin is not None:
                    self._pump.watch(self._stdin, self._write_on, write=True)

    def end_input(self) -> None:
        """Close the program's input once it has taken all that was written."""
        with self._lock:
            self._input_ends = True
            if not self._unread:
                self._close_input()

    def exited(self, status: int) -> None:
        """Tell the sink that the program has ended, after all that it printed."""
        with self._lock:
            self._close_input()
        self._end(lambda: self._sink.exited(status))

    def lost(self, reason: str) -> None:
        """Tell the sink that the program is out of reach, after all that it printed.

        Its input stays open: what it would say to the end of that is of no interest.
        """
        self._end(lambda: self._sink.lost(reason))

    def hang_up(self) -> None:
        """Read and write no more."""
        with self._lock:
            for descriptor in self._open:
                self._pump.forget(descriptor)
                os.close(descriptor)
            self._open.clear()
            self._close_input()

    def _end(self, last_word: Callable[[], None]) -> None:
        self._last_word = self._last_word or last_word
        self._finish()

    def _finish(self) -> None:
        """Say the last word, once, when nothing more can come. In the pump's thread alone."""
        if self._last_word is not None and not self._open and not self.over.is_set():
            self._last_word()
            self.over.set()

    def _read(self, descriptor: int, stream: Stream) -> None:
        try:
            data = os.read(descriptor, _CHUNK)
        except OSError:  # nobody holds the pseudo-terminal any more
            data = b""
        if data:
            self._sink.printed(stream, data)
            return
        with self._lock:
            self._pump.forget(descriptor)
            os.close(descriptor)
            self._open.discard(descriptor)
        self._finish()

    def _write_on(self) -> None:
        with self._lock:
            stdin = self._stdin
            self._write()
            if stdin is not None and self._stdin is not None and not self._unread:
                self._pump.forget(stdin)
                if self._input_ends:
                    self._close_input()

    def _write(self) -> None:
        if self._stdin is None:
            return
        try:
            del self._unread[: os.write(self._stdin, self._unread)]
        except BlockingIOError:
            return
        except OSError:  # the program reads no more: its end is told apart from this
            self._close_input()

    def _close_input(self) -> None:
        if self._stdin is not None:
            self._pump.forget(self._stdin)
            os.close(self._stdin)
            self._stdin = None
            self._unread.clear()


class NamespaceNode:
    """A node of a lab made of namespaces."""

    def __init__(self, pump: Pump, ask: Ask, *, ip: str, start: Message) -> None:
        """Represent a node.

        Args:
            pump: reads what its program prints.
            ask: tells the lab's first process to do something.
            ip: the node's address.
            start: what to ask for to start its program.
        """
        self._pump = pump
        self._ask = ask
        self._ip = ip
        self._start = start
        self._life: Life | None = None
        self._settled = threading.Event()

    @property
    def ip(self) -> str:
        """The node's address."""
        return self._ip

    @property
    def life(self) -> Life | None:
        """The program that runs or ran last."""
        return self._life

    def start(self, sink: Sink) -> None:
        """Start the program; every byte that it prints goes to the sink.

        Raises:
            LabError: the node shows no sign of life.
        """
        streams: tuple[Stream, ...] = ("stdout", "stderr")
        stdin, *outputs = self._start_on_pty() if self._pty else self._start_on_pipes()
        self._life = Life(self._pump, sink, stdin, list(zip(outputs, streams, strict=False)))

    def write(self, data: bytes) -> None:
        """Write to the program's standard input."""
        if self._life is not None:
            self._life.write(data)

    def end_input(self) -> None:
        """Close standard input; on a pseudo-terminal, as Ctrl-D does it."""
        if self._life is None:
            return
        if self._pty:
            self._life.write(_END_OF_INPUT_KEY)
        else:
            self._life.end_input()

    def signal(self, signal: Signal) -> None:
        """Send a signal; on a pseudo-terminal an interrupt is typed as Ctrl-C."""
        if self._pty and signal is Signal.INTERRUPT:
            self.write(_INTERRUPT_KEY)
        else:
            self._send(signal.value)

    def stop(self) -> None:
        """Ask the program to end."""
        self._send("stop")

    def logged(self) -> None:
        """Nobody else keeps a log."""

    def exited(self, status: int) -> None:
        """Take in that the program has ended."""
        self._settled.set()
        if self._life is not None:
            self._life.exited(status)

    def lost(self, reason: str) -> None:
        """Take in that the program is out of reach."""
        self._settled.set()
        if self._life is not None:
            self._life.lost(reason)

    def pause(self) -> None:
        """Stop all processes of the node.

        Raises:
            LabError: they do not stop.
        """
        self._send_and_wait("pause")

    def resume(self) -> None:
        """Let all processes of the node go on."""
        self._send_and_wait("resume")

    def settled(self) -> None:
        """Take in that all processes have stopped, or gone on."""
        self._settled.set()

    def _send_and_wait(self, signal: str) -> None:
        if self._life is None or self._life.over.is_set():
            return
        self._settled.clear()
        self._send(signal)
        if not self._settled.wait(_SETTLES_WITHIN):
            raise LabError(f"{self._start['node']} did not {signal}")

    @property
    def _pty(self) -> bool:
        return bool(self._start["pty"])

    def _send(self, signal: str) -> None:
        self._ask({"do": "signal", "node": self._start["node"], "signal": signal}, ())

    def _start_on_pipes(self) -> list[int]:
        stdin, *outputs = (os.pipe() for _ in range(3))
        theirs = [stdin[0], *(write for _, write in outputs)]
        try:
            self._ask(self._start, theirs)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return [stdin[1], *(read for read, _ in outputs)]

    def _start_on_pty(self) -> list[int]:
        """The node makes the pseudo-terminal among its own devices, and sends its other end."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._ask(self._start, [theirs.fileno()])
            ours.settimeout(_PTY_WITHIN)
            try:
                _, (outside, *_), _, _ = socket.recv_fds(ours, 16, 1)
            except (OSError, ValueError) as error:
                raise LabError(f"{self._start['node']} got no pseudo-terminal: {error}") from error
        return [os.dup(outside), outside]
