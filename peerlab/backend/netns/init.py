"""The first process of a lab: makes its network, runs its nodes, tells the runner what happens.

It is process 1 of the lab's PID namespace. It ends as soon as the runner is gone, and with it
everything in the lab.
"""

import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from io import FileIO
from typing import NoReturn

from peerlab.backend.netns import control, syscalls
from peerlab.backend.netns.control import Message
from peerlab.backend.netns.network import Host, Network, close_ports
from peerlab.backend.netns.node import DONE, PAUSE, RESUME, Place, Program, exit_status, live
from peerlab.backend.netns.view import View
from peerlab.wire import engine
from peerlab.wire.junction import junction
from peerlab.wire.ports import Port, try_kernel

_SIGNALS = {
    "interrupt": signal.SIGINT,
    "kill": signal.SIGKILL,
    "stop": signal.SIGTERM,
    "pause": PAUSE,
    "resume": RESUME,
}
_WIRE_ENDS_WITHIN = 5000  # milliseconds
_HASTE = -10
"""The wire's nice value: what a busy machine does meanwhile is not to make it late."""


class StageFailed(Exception):  # noqa: N818 - says what is the case
    """Something that the lab needs cannot be made here."""

    def __init__(self, stage: str, error: OSError) -> None:
        super().__init__(stage, error)
        self.stage = stage
        self.error = error

    def as_message(self) -> Message:
        """For the runner."""
        text = self.error.strerror or str(self.error)
        about = f": {self.error.filename}" if self.error.filename else ""
        return {
            "event": "failed",
            "stage": self.stage,
            "errno": self.error.errno,
            "text": text + about,
        }


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Say in which stage an error came."""
    try:
        yield
    except OSError as error:
        raise StageFailed(name, error) from error


class LabInit:
    """Serves the runner until it says that the lab is over, or is gone."""

    def __init__(
        self, runner: socket.socket, user: int, group: int, limits: dict[int, int]
    ) -> None:
        self._runner = runner
        self._user = user
        self._group = group
        self._limits = limits
        self._pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._places: dict[str, Place] = {}
        self._running: dict[str, int] = {}  # process ids
        self._failures: dict[str, str] = {}  # why a node could not even try its program
        self._captures: dict[tuple[str, str], int] = {}
        self._wire: int | None = None  # can be read once the wire has ended
        self._ready: dict[int, Callable[[], None]] = {}
        self._poll = select.epoll()

    def serve(self) -> None:
        """Do what the runner asks, and tell it what ends."""
        self._poll.register(self._runner, select.EPOLLIN)
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._runner.fileno():
                    self._ready[descriptor]()
                elif not self._obey():
                    self._end()
                    return

    def _obey(self) -> bool:
        """Do what one message asks; False: the runner is gone."""
        received = control.receive(self._runner)
        if received is None:
            return False
        message, descriptors = received
        do: str = message["do"]
        match do:
            case "capture":
                self._captures[message["node"], message["end"]] = descriptors.pop()
            case "deploy":
                self._deploy(message, descriptors[0])
            case "start":
                self._start(message, descriptors)
            case "signal":
                self._signal(message["node"], _SIGNALS[message["signal"]])
            case _:
                raise AssertionError(f"the runner asks for {do}")
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _end(self) -> None:
        """Kill the nodes, and let the wire close its ports: that takes long in no other way."""
        for pid in self._running.values():
            os.kill(pid, signal.SIGKILL)
        if self._wire is not None:
            wire = select.poll()  # select(2) takes no descriptor beyond 1023
            wire.register(self._wire)
            wire.poll(_WIRE_ENDS_WITHIN)

    def _deploy(self, message: Message, wire: int) -> None:
        network = Network()
        try:
            with stage("network"):
                hosts = [Host(**described) for described in message["nodes"]]
                network.make(hosts, self._group, native=message["native"])
            with stage("netem"):
                try_kernel(network.ports[:1])
            with stage("files"):
                view = View(message["exposed"], message["hidden"], user=self._user)
                view.prepare(_hosts(message["hosts"]))
            with stage("wire"):
                self._start_wire(network.ports, wire, message)
        except StageFailed as failed:
            self._tell(failed.as_message())
            return
        self._places = {
            name: Place(name, namespace, view, self._user)
            for name, namespace in network.namespaces.items()
        }
        self._tell({"event": "deployed"})

    def _start_wire(self, ports: list[Port], to_runner: int, message: Message) -> None:
        """Run the wire in a process of its own: whatever the nodes do, frames move on."""
        watched, alive = os.pipe()
        pid = os.fork()
        if pid == 0:
            _be_wire(ports, to_runner, message, self._captures)
        os.close(alive)
        for port in ports:
            port.socket.close()
        self._wire = watched
        self._watch(watched, lambda: self._wire_ended(watched, pid))

    def _start(self, message: Message, descriptors: list[int]) -> None:
        """Run a node's program, in a PID namespace of the node's own."""
        name = message["node"]
        program = Program(
            message["command"],
            message["environment"],
            message["directory"],
            self._limits,
            pty=message["pty"],
        )
        watched, report = os.pipe()
        try:
            pid = self._fork_into_pid_namespace()
            if pid == 0:
                live(self._places[name], program, descriptors, report)
        except OSError as error:
            os.close(watched)
            self._tell({"event": "lost", "node": name, "reason": f"cannot make a process: {error}"})
        else:
            self._running[name] = pid
            self._watch(watched, lambda: self._hear(watched, name, pid))
        finally:
            os.close(report)

    def _fork_into_pid_namespace(self) -> int:
        """Fork, the child into a PID namespace of its own; 0 there, its process id here."""
        syscalls.unshare(syscalls.CLONE_NEWPID)
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid != 0:  # this process's further children are to be in the lab's own again
                syscalls.setns(self._pids, syscalls.CLONE_NEWPID)
        return pid

    def _signal(self, name: str, number: signal.Signals) -> None:
        if name in self._running:
            os.kill(self._running[name], number)

    def _watch(self, descriptor: int, ended: Callable[[], None]) -> None:
        """Call back once no process holds the other end of a pipe any more, or one writes to it."""
        self._ready[descriptor] = ended
        self._poll.register(descriptor, select.EPOLLIN)

    def _forget(self, descriptor: int) -> None:
        """End a watch."""
        self._poll.unregister(descriptor)
        del self._ready[descriptor]
        os.close(descriptor)

    def _hear(self, watched: int, name: str, pid: int) -> None:
        """Take in what a node's first process reports, or its end."""
        report = os.read(watched, 4096)
        if report.strip(DONE):
            self._failures[name] = report.decode(errors="replace")
        elif report:
            self._tell({"event": "settled", "node": name})
        else:
            self._forget(watched)
            self._node_ended(name, pid)

    def _node_ended(self, name: str, pid: int) -> None:
        _, status = os.waitpid(pid, 0)
        del self._running[name]
        failure = self._failures.pop(name, None)
        if failure is None:
            self._tell({"event": "exited", "node": name, "status": exit_status(status)})
        else:
            self._tell({"event": "lost", "node": name, "reason": failure})

    def _wire_ended(self, watched: int, pid: int) -> None:
        self._forget(watched)
        self._wire = None
        _, status = os.waitpid(pid, 0)
        self._tell({"event": "wire-ended", "status": exit_status(status)})

    def _tell(self, message: Message) -> None:
        control.send(self._runner, message)


def _be_wire(
    ports: list[Port], to_runner: int, message: Message, captures: dict[tuple[str, str], int]
) -> NoReturn:
    """Be the wire, in a process just forked."""
    status = 1
    with contextlib.suppress(OSError):  # an ordinary user may not
        os.setpriority(os.PRIO_PROCESS, 0, _HASTE)
    try:
        with socket.socket(fileno=to_runner) as connection:
            seed = message["seed"]
            engine.run(
                ports,
                connection,
                seed=seed,
                junctions=[junction(described, seed) for described in message["routers"]],
                captures=lambda _control: {
                    which: FileIO(descriptor, "wb") for which, descriptor in captures.items()
                },
            )
        close_ports(ports)
        status = 0
    except Exception:  # noqa: BLE001 - nothing above would tell it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _hosts(addresses: list[tuple[str, str]]) -> str:
    lines = ["127.0.0.1\tlocalhost", *(f"{address}\t{name}" for address, name in addresses)]
    return "\n".join(lines) + "\n"
