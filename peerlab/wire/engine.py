"""The wire at work: a loop that takes frames from the nodes and hands them on.

It is to run in a process of its own. Between taking a packet and handing it on stands a
decision, its fate: when it arrives, how often, and how changed. Records of what passes are
written when no frame waits.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from io import FileIO
from math import inf
from select import EPOLLIN, EPOLLOUT, epoll, select
from struct import unpack
from time import monotonic, time_ns

from peerlab.wire.control import Control
from peerlab.wire.flows import Connections
from peerlab.wire.packet import ACK, SYN, Datagram, Packet, Segment, parse
from peerlab.wire.pcap import Capture
from peerlab.wire.switch import Switch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

Fate = Callable[[Packet, str, str, float, random.Random], Sequence[tuple[float, bytes]]]
"""Decides on a packet from one node for another, at a time in seconds of the monotonic clock.

Gives each frame to deliver, and after how many seconds; chance comes from the generator alone.
A packet for several nodes is decided for each. Frames that hold no IPv4 packet are handed on
without asking, so they use up no chance.
"""

_BURST = 32
"""How many frames a port may send before the others have their turn."""

_LAST_FRAMES = 10_000
"""How many frames of a port are still taken when the wire ends."""

_FLUSH_AFTER = 0.25
"""Seconds after which what was captured is in the file, so that a killed lab leaves it."""

_PATIENCE = 5.0
"""Seconds that the runner may take to read on when the wire ends."""

_LARGEST_FRAME = 65_550
_SELECT_LIMIT = 1024

_SOL_PACKET, _PACKET_STATISTICS = 263, 6


class Port:
    """Where a node is connected to the wire."""

    __slots__ = ("ip", "mac", "name", "socket")

    def __init__(self, name: str, mac: bytes, ip: bytes, socket: "socket") -> None:
        """Take the node's name and addresses (6 and 4 bytes) and a non-blocking socket.

        A raw packet socket is bound to the wire's end of the node's cable, for all protocols,
        and ignores outgoing frames. Each `recv` gives a frame as the node sent it, each `send`
        takes one to it.
        """
        self.name = name
        self.mac = mac
        self.ip = ip
        self.socket = socket


def pass_through(
    packet: Packet, _origin: str, _target: str, _at: float, _chance: random.Random
) -> tuple[tuple[float, bytes]]:
    """The fate on a perfect network: once, at once, unchanged."""
    return ((0.0, packet.frame),)


def run(
    ports: Sequence[Port],
    control: "socket",
    *,
    seed: int,
    captures: Mapping[str, int] | None = None,
    fate: Fate = pass_through,
    limit: int = 200_000,
) -> None:
    """Be the wire until the runner says `{"command": "end"}` or has gone.

    Args:
        ports: One for each node.
        control: A stream socket: commands come in, records go out, each a line of JSON.
        seed: Where chance starts; the same seed and packets have the same fates.
        captures: Descriptors of files, by the name of the node whose frames are captured there:
            those that it sends, and those that it gets.
        fate: What happens to a packet.
        limit: How many datagrams are recorded, and how many connections.

    Raises:
        ValueError: two ports have an address in common.
    """
    wire = _Wire(ports, Control(control, limit), fate, random.Random(seed))  # noqa: S311
    for number, port in enumerate(ports):
        if captures and port.name in captures:
            file = FileIO(captures[port.name], "wb", closefd=False)
            wire.captures[number] = Capture(file)
    try:
        wire.serve()
    finally:
        wire.flush()


class _Wire:
    def __init__(
        self, ports: Sequence[Port], control: Control, fate: Fate, chance: random.Random
    ) -> None:
        self.captures: list[Capture | None] = [None] * len(ports)
        self._ports = ports
        self._names = [port.name for port in ports]
        self._sends = [port.socket.send for port in ports]
        self._control = control
        self._fate = fate
        self._chance = chance
        self._switch = Switch((port.mac, port.ip) for port in ports)
        self._connections = Connections()
        self._due: list[tuple[float, int, int, bytes]] = []
        self._delayed = 0
        self._frames = self._forwarded = self._dropped = self._nowhere = 0
        self._flush_at = inf
        self._wall = time_ns() - int(monotonic() * 1e9)
        self._epoll = epoll()
        self._epoll.register(control, EPOLLIN)
        self._arrivals = {port.socket.fileno(): number for number, port in enumerate(ports)}
        for descriptor in self._arrivals:
            self._epoll.register(descriptor, EPOLLIN)

    def serve(self) -> None:
        """Hand on frames until the runner says that it is over, or has gone."""
        control = self._control
        while not control.closed:
            for descriptor, events in self._wait():
                arrival = self._arrivals.get(descriptor)
                if arrival is not None:
                    self._take(arrival, _BURST)
                    self._deliver(until=monotonic())
                    continue
                if events & EPOLLOUT:
                    control.resume()
                    self._epoll.modify(control, EPOLLIN)
                if events & ~EPOLLOUT and self._over():
                    self._finish()
                    return
            now = monotonic()
            self._deliver(until=now)
            if now >= self._flush_at:
                self.flush()
            if now >= control.write_at:
                control.write()
                if control.blocked:
                    self._epoll.modify(control, EPOLLIN | EPOLLOUT)

    def flush(self) -> None:
        """Put into the files what was captured."""
        self._flush_at = inf
        for capture in self.captures:
            if capture is not None:
                capture.flush()

    def _wait(self) -> list[tuple[int, int]]:
        """Sleep until there is something to do; which descriptors are ready."""
        wake = min(self._flush_at, self._control.write_at, self._due[0][0] if self._due else inf)
        if wake == inf:
            return self._epoll.poll()
        left = wake - monotonic()
        milliseconds = int(left * 1000)
        if milliseconds > 0:
            # Python rounds up to milliseconds; half of one less lets it arrive where it should.
            return self._epoll.poll((milliseconds - 0.5) / 1000)
        if left <= 0:
            return self._epoll.poll(0)
        if self._epoll.fileno() >= _SELECT_LIMIT:
            return self._epoll.poll(left)
        # The last part of a millisecond: select counts in microseconds.
        ready, _, _ = select((self._epoll,), (), (), left)
        return self._epoll.poll(0) if ready else []

    def _over(self) -> bool:
        """Whether the runner says that the run is over."""
        for command in self._control.read():
            if command.get("command") == "end":
                return True
            at = monotonic()
            self._control.tell({"record": "refused", "at": at, "command": command}, at)
        return False

    def _take(self, arrival: int, most: int) -> None:
        """Take frames from a port while there are any."""
        receive = self._ports[arrival].socket.recv
        for _ in range(most):
            try:
                frame = receive(_LARGEST_FRAME)
            except OSError:
                # Nothing more, or the cable was pulled: the error is told once, then silence.
                return
            self._pass(frame, arrival, monotonic())

    def _pass(self, frame: bytes, arrival: int, at: float) -> None:
        """Bring one frame where it goes, and tell of it."""
        self._frames += 1
        if self.captures[arrival] is not None:
            self._capture(arrival, frame, at)
        targets = self._switch.targets(frame, arrival)
        if not targets:
            self._nowhere += 1
        packet = parse(frame)
        if packet is None:
            for target in targets:
                self._send(target, frame)
            return
        arrives = False
        for target in targets:
            arrives |= self._decide(packet, arrival, target, at)
        self._record(packet, at, arrival, targets, arrives=arrives)

    def _decide(self, packet: Packet, arrival: int, target: int, at: float) -> bool:
        """Let a packet have its fate on the way to one node; whether any of it arrives."""
        names = self._names
        fate = self._fate(packet, names[arrival], names[target], at, self._chance)
        if not fate:
            self._dropped += 1
        arrives = False
        for delay, frame in fate:
            if delay > 0:
                self._delayed += 1
                heappush(self._due, (at + delay, self._delayed, target, frame))
                arrives = True
            elif self._send(target, frame):
                arrives = True
        return arrives

    def _send(self, target: int, frame: bytes) -> bool:
        """Give a frame to a node; whether it could be given."""
        try:
            self._sends[target](frame)
        except OSError:
            # The node's queue is full, or its cable is pulled or gone.
            self._dropped += 1
            return False
        self._forwarded += 1
        if self.captures[target] is not None:
            self._capture(target, frame, monotonic())
        return True

    def _deliver(self, until: float) -> None:
        """Give the nodes what is due by then, in order."""
        while self._due and self._due[0][0] <= until:
            _, _, target, frame = heappop(self._due)
            self._send(target, frame)

    def _capture(self, port: int, frame: bytes, at: float) -> None:
        capture = self.captures[port]
        if capture is not None:
            capture.write(self._wall + int(at * 1e9), frame)
            self._flush_at = min(self._flush_at, at + _FLUSH_AFTER)

    def _record(
        self, packet: Packet, at: float, arrival: int, targets: Sequence[int], *, arrives: bool
    ) -> None:
        origin = self._names[arrival]
        target = self._names[targets[0]] if len(targets) == 1 else None
        if isinstance(packet, Datagram):
            fate = "delivered" if arrives else "dropped" if targets else "nowhere"
            self._control.tell_datagram(packet, at, origin, target, fate)
        # What is lost on the way says nothing about a connection, but that it was asked for does.
        elif isinstance(packet, Segment) and (arrives or packet.flags & (SYN | ACK) == SYN):
            for record in self._connections.seen(packet, at, origin, target):
                self._control.tell(record, at)

    def _finish(self) -> None:
        """Take and deliver what still waits, whenever it is due, and tell how it all ended."""
        for arrival in range(len(self._ports)):
            self._take(arrival, _LAST_FRAMES)
        self._deliver(until=inf)
        self._control.drain(_PATIENCE)
        at = monotonic()
        for record in self._connections.finish(at):
            self._control.tell(record, at)
        self.flush()
        totals = {
            "record": "totals",
            "at": at,
            "frames": self._frames,
            "forwarded": self._forwarded,
            "dropped": self._dropped,
            "nowhere": self._nowhere,
            "missed": sum(_missed(port.socket) for port in self._ports),
            "forgotten": self._connections.forgotten,
            "captures": {
                name: capture.ended
                for name, capture in zip(self._names, self.captures, strict=True)
                if capture is not None and capture.ended is not None
            },
        }
        self._control.finish(totals, _PATIENCE)


def _missed(socket: "socket") -> int:
    """How many frames came faster than they were taken, since the socket was made."""
    try:
        _, dropped = unpack("II", socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
    except OSError:
        return 0
    return int(dropped)
