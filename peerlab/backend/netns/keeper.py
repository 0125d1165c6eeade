"""The process that holds a lab, seen from the runner: started, asked, listened to, ended."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from peerlab.backend.netns import control
from peerlab.backend.netns.control import Message
from peerlab.backend.netns.obstacles import explain
from peerlab.backend.netns.pump import Pump
from peerlab.backend.netns.terminal import NamespaceNode
from peerlab.backend.wire import WireControl, Wires
from peerlab.errors import LabError
from peerlab.scenario.model import Signal

_ROOT: Final = Path(__file__).resolve().parents[3]
_BOOT: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from peerlab.backend.netns.launch import main; sys.exit(main(int(sys.argv[2])))"
)
_DEPLOY_WITHIN: Final = 60.0
_END_WITHIN: Final = 10.0
_CHUNK: Final = 64 * 1024
_TAIL: Final = 2000

Record = Mapping[str, Any]


class Keeper:
    """The process of one lab. Everything in the lab ends with it."""

    def __init__(self, name: str, record: Callable[[Record], None] | None = None) -> None:
        """Start the process.

        Args:
            name: of the run, for the names of threads.
            record: called with what the wire tells, in a thread of its own; None: nobody asks.

        Raises:
            LabError: it cannot be started.
        """
        self.pump = Pump(f"lab {name}")
        self._record = record
        self._nodes: Mapping[str, NamespaceNode] = {}
        self._serving = False
        self._ending = False
        self._cause: str | None = None
        self._wire_over = threading.Event()
        self._told_totals = False
        self._rest = b""
        self._wire, self._wire_end = socket.socketpair()
        self._wire_control = WireControl("the wire", self._wire.sendall)
        self.wire = Wires([self._wire_control])
        self._asking = threading.Lock()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the lab
        self._control, theirs = control.pair()
        with theirs:
            try:
                self._process = self._launch(theirs.fileno())
            except OSError as error:
                for held in (self._control, self._wire, self._wire_end, self._complaints):
                    held.close()
                self.pump.close()
                raise LabError(f"cannot start the lab: {error}") from error

    def _launch(self, control_end: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOOT, str(_ROOT), str(control_end)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            pass_fds=[control_end],
            start_new_session=True,  # Ctrl-C in the runner's terminal is not for the lab
            cwd="/",
        )

    def deploy(self, request: Message) -> None:
        """Have the network and the nodes' places made.

        Raises:
            MachineUnfit: this machine does not allow it.
            LabError: the process ended instead.
        """
        with self._wire_end:
            self.ask(request, [self._wire_end.fileno()])
        self._control.settimeout(_DEPLOY_WITHIN)
        try:
            received = control.receive(self._control)
        except TimeoutError:
            raise LabError(f"the lab was not made within {_DEPLOY_WITHIN:g} s") from None
        self._control.settimeout(None)
        if received is None:
            raise LabError(self._why_it_ended())
        event, _ = received
        if event["event"] == "failed":
            raise explain(event["stage"], event["errno"], event["text"])

    def serve(self, nodes: Mapping[str, NamespaceNode]) -> None:
        """From now on, tell the nodes what happens to them."""
        self._nodes = nodes
        self._serving = True
        self.pump.watch(self._wire.fileno(), self._take_records)
        self.pump.watch(self._control.fileno(), self._take_event)

    def ask(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Ask the lab's first process for something.

        Raises:
            LabError: it is gone.
        """
        try:
            with self._asking:
                control.send(self._control, message, descriptors)
        except OSError as error:
            raise LabError(f"the lab is gone: {self._why_it_ended()}") from error

    def close(self) -> None:
        """End every program, take the wire's last records, and wait until nothing is left."""
        self._ending = True
        self._end_programs()
        self._end_wire()
        self.pump.forget(self._control.fileno())
        self._control.close()
        with suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the lab's first process dies with it
            self._process.wait()
        self.pump.close()
        for node in self._nodes.values():
            if node.life is not None:
                node.life.hang_up()
        self._wire.close()
        self._wire_end.close()
        self._complaints.close()

    def _end_programs(self) -> None:
        lives = [(node, node.life) for node in self._nodes.values() if node.life is not None]
        for node, life in lives:
            if not life.over.is_set():
                with suppress(LabError):  # it is gone, and its programs with it
                    node.signal(Signal.KILL)
        for _, life in lives:
            life.over.wait(_END_WITHIN)

    def _end_wire(self) -> None:
        if self._serving:
            with suppress(OSError):
                self._wire.sendall(b'{"command": "end"}\n')
            self._wire_over.wait(_END_WITHIN)
            if not self._told_totals and self._record is not None and self._cause is None:
                self._record({"record": "silent", "part": "the wire"})

    def _take_event(self) -> None:
        try:
            received = control.receive(self._control)
        except OSError:
            if self._ending:  # closed meanwhile, in another thread
                return
            raise
        if received is None:
            self.pump.forget(self._control.fileno())
            self._lose(self._cause or self._why_it_ended())
            return
        event, _ = received
        match event["event"]:
            case "exited":
                self._nodes[event["node"]].exited(event["status"])
            case "settled":
                self._nodes[event["node"]].settled()
            case "lost":
                self._nodes[event["node"]].lost(event["reason"])
            case "wire-ended" if not self._ending:
                # What programs would say to that is of no interest: the lab ends at once.
                self._cause = f"the wire ended: {self._last_complaint()}"
                self._process.kill()

    def _lose(self, reason: str) -> None:
        self._wire_control.lost(reason)
        for node in self._nodes.values():
            node.lost(reason)

    def _take_records(self) -> None:
        try:
            data = self._wire.recv(_CHUNK)
        except ConnectionResetError:  # the wire went before it had read everything
            data = b""
        if not data:
            self.pump.forget(self._wire.fileno())
            self._wire_over.set()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            for line in lines:
                record = json.loads(line)
                self._told_totals |= record["record"] == "totals"
                if not self._wire_control.take(record) and self._record is not None:
                    self._record(record)
        except OSError as error:
            self._record = None
            self._lose(f"cannot keep the evidence: {error}")

    def _why_it_ended(self) -> str:
        """The last of what the process complained of before it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_WITHIN)
        return self._last_complaint()

    def _last_complaint(self) -> str:
        self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, self._complaints.tell() - _TAIL))
        lines = self._complaints.read().decode(errors="backslashreplace").splitlines()
        return lines[-1] if lines else "its process ended without a word"
