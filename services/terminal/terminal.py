"""Runs one program and offers its terminal to the lab, one lab at a time.

A single thread waits for all of it: the program, the lab, and the wish to stop. Both directions
are bounded: a lab that does not read makes the program wait as a full pipe does, a program that
does not read makes the lab wait. Without a lab the program never waits.
"""

import contextlib
import json
import os
import select
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from services.terminal.backlog import Backlog
from services.terminal.frames import Frame, FrameError, Kind, encode
from services.terminal.lab import LabConnection
from services.terminal.program import Program

BACKLOG: Final = 1024 * 1024
"""Bytes of output kept for a lab that comes later."""

WAITING: Final = 256 * 1024
"""Bytes under way in one direction from which on their source is not read."""

GRACE: Final = 2.0
"""Seconds that the program may take to end after SIGTERM."""


class Terminal:
    """The terminal of one program."""

    def __init__(self, program: Program, listener: socket.socket, about: Mapping[str, str]) -> None:
        """Serve a program that was just started.

        Args:
            program: the program; it stays the caller's, to be closed.
            listener: where labs connect.
            about: what a lab is told of this node.
        """
        self._program = program
        self._listener = listener
        self._about = about
        self._backlog = Backlog(BACKLOG)
        self._lab: LabConnection | None = None
        self._exit = b""
        self._deadline: float | None = None
        if program.complaint:
            self._printed(Kind.STDERR, f"terminal: {program.complaint}\n".encode())

    def run(self, stop: socket.socket) -> None:
        """Serve until `stop` becomes readable; then give the program a moment to end."""
        try:
            self._look_for_end()
            while not self._over():
                self._step(stop)
        finally:
            if self._lab is not None:
                self._lab.close()

    def _over(self) -> bool:
        if self._deadline is None:
            return False
        told = self._exit and (self._lab is None or not self._lab.unsent)
        return bool(told) or time.monotonic() >= self._deadline

    def _step(self, stop: socket.socket) -> None:
        readable, writable = self._wait(stop)
        if stop in readable:
            self._deadline = time.monotonic() + GRACE
            self._program.resume()
            self._program.terminate()
        if self._listener in readable:
            self._welcome()
        if self._program.input in writable:
            self._program.flush()
        if self._lab is not None:
            self._attend(self._lab, readable, writable)
        for output in [output for output in self._program.outputs if output in readable]:
            self._take(output)
        if self._program.ended in readable:
            self._program.reap()
        self._look_for_end()
        if self._lab is not None and self._lab.finished and not self._lab.unsent:
            self._lab.close()
            self._lab = None
            self._program.resume()

    def _wait(self, stop: socket.socket) -> tuple[Sequence[object], Sequence[object]]:
        """Return what can be read and what can be written to; what has to wait is left alone."""
        program, lab = self._program, self._lab
        reads: list[int | socket.socket | LabConnection] = []
        writes: list[int | LabConnection] = []
        if self._deadline is None:
            reads.append(stop)
        if program.status is None:
            reads.append(program.ended)
        if not self._lab_is_full():
            reads += program.outputs
        if program.unread and program.input is not None:
            writes.append(program.input)
        if lab is None:
            reads.append(self._listener)
        elif not lab.finished and program.unread < WAITING:
            reads.append(lab)
        if lab is not None and lab.unsent:
            writes.append(lab)
        readable, writable, _ = select.select(reads, writes, [], self._patience())
        return readable, writable

    def _patience(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _lab_is_full(self) -> bool:
        return self._lab is not None and self._lab.unsent >= WAITING

    def _welcome(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it is gone again
            return
        self._lab = LabConnection(connection)
        hello = json.dumps({**self._about, "missed": self._backlog.missed})
        self._lab.send(encode(Kind.HELLO, hello.encode()) + self._backlog.replay() + self._exit)

    def _attend(
        self, lab: LabConnection, readable: Sequence[object], writable: Sequence[object]
    ) -> None:
        if lab in writable:
            lab.flush()
        if lab not in readable:
            return
        try:
            frames = lab.receive()
            for frame in frames or ():
                self._obey(frame)
        except FrameError as error:
            _copy(sys.stderr.fileno(), f"terminal: hung up on the lab: {error}\n".encode())
            frames = None
        if frames is None:
            # It still gets what was printed before it hung up.
            self._take_all()
            lab.finished = True

    def _obey(self, frame: Frame) -> None:
        match frame.kind, frame.payload:
            case Kind.INPUT, b"":
                self._program.end_input()
            case Kind.INPUT, data:
                self._program.type(data)
            case Kind.SIGNAL, b"INT":
                self._program.interrupt()
            case Kind.SIGNAL, b"TERM":
                self._program.terminate()
            case Kind.SIGNAL, b"KILL":
                self._program.kill()
            case Kind.SIGNAL, b"STOP":
                self._program.pause()
            case Kind.SIGNAL, b"CONT":
                self._program.resume()
            case kind, _:
                raise FrameError(f"a frame {kind.name} that a lab does not send")

    def _take(self, output: int) -> bool:
        """Take in a piece of output; False if there was none."""
        data = self._program.read(output)
        if data:
            self._printed(self._program.outputs[output], data)
        elif data is not None or self._program.status is not None:
            self._program.close_output(output)
        return bool(data)

    def _take_all(self) -> None:
        """Take in the output that is there now, as far as there is room for it."""
        for output in list(self._program.outputs):
            while not self._lab_is_full() and self._take(output):
                pass

    def _printed(self, kind: Kind, data: bytes) -> None:
        """Copy output to this process's own streams, keep it, and tell the lab."""
        _copy((sys.stdout if kind is Kind.STDOUT else sys.stderr).fileno(), data)
        frame = encode(kind, data)
        self._backlog.add(frame)
        if self._lab is not None:
            self._lab.send(frame)

    def _look_for_end(self) -> None:
        """Tell that the program has ended, after the last of its output."""
        if self._program.status is None or self._exit:
            return
        self._take_all()
        if not self._program.outputs:
            self._exit = encode(Kind.EXIT, str(self._program.status).encode())
            if self._lab is not None:
                self._lab.send(self._exit)


def _copy(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody reads it
        while data:
            data = data[os.write(descriptor, data) :]
