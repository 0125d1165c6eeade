"""The wire at work: a loop that takes frames from sockets and hands them to sockets.

It is to run in a process of its own. What happens to a frame in between is the fabric's. Records of
what passes are written when no frame waits.
"""

from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from math import inf
from select import EPOLLIN, EPOLLOUT, epoll, select
from time import monotonic, time_ns

from peerlab.wire.control import Control
from peerlab.wire.fabric import Fabric, Place
from peerlab.wire.orders import Orders
from peerlab.wire.pcap import Capture
from peerlab.wire.ports import Junction, Port, missed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

_BURST = 32
"""How many frames a port may send before the others have their turn."""

_MOST_WAITING = 10_000
"""How many frames of a port are still taken before a command is obeyed, and when the wire ends."""

_LOOKS_UP = 0.25
"""Seconds that the wire sleeps at most."""

_PATIENCE = 5.0
"""Seconds that the runner may take to read on when the wire ends."""

_LARGEST_FRAME = 65_550
_SELECT_LIMIT = 1024


Captures = Mapping[tuple[str, str], FileIO]
"""Files for captures, by the name of the node and the end of its cable: `own` or `far`."""


def run(  # noqa: PLR0913 - what a wire is made of
    ports: Sequence[Port],
    control: "socket",
    *,
    seed: int,
    junctions: Sequence[Junction] = (),
    names: Mapping[bytes, str] | None = None,
    captures: Callable[[Control], Captures] = lambda _control: {},
    limit: int = 200_000,
) -> None:
    """Be the wire until the runner says `{"command": "end"}` or has gone.

    Args:
        ports: One for each node, and one for each uplink.
        control: A stream socket: commands come in, records go out, each a line of JSON.
        seed: Where chance starts; the same seed and packets have the same fates.
        junctions: The routers between segments.
        names: Whose an address is; those at the ports and junctions if left out.
        captures: Where frames are captured; is given what tells the runner.
        limit: How many datagrams are recorded, and how many connections.

    Raises:
        ValueError: two ports of a segment have an address in common.
    """
    told = Control(control, limit)
    places = [
        Place(port.name, port.mac, port.ip, port.segment, native=bool(port.native))
        for port in ports
    ]
    for junction in junctions:
        places += [
            Place(junction.name, mac, ip, segment, (junction.router, number))
            for number, (segment, mac, ip) in enumerate(junction.interfaces)
        ]
    if names is None:
        names = {place.ip: place.name for place in places if place.name is not None}
    wire = _Wire(ports, places, told, seed, names)
    for (name, end), file in captures(told).items():
        capture = Capture(file)
        for number, place in enumerate(places):
            if place.name == name:
                wire.fabric.captures[number, end == "own"] = capture
    try:
        wire.serve()
    finally:
        wire.fabric.flush()


class _Wire:
    def __init__(
        self,
        ports: Sequence[Port],
        places: Sequence[Place],
        control: Control,
        seed: int,
        names: Mapping[bytes, str],
    ) -> None:
        self._ports = ports
        self._sends = [port.socket.send for port in ports]
        self._control = control
        self.fabric = Fabric(places, self._give, control, seed=seed, names=names)
        self.fabric.capture_time = time_ns() - int(monotonic() * 1e9)
        self._places = places
        self._looked_up = monotonic()
        self._stood_still = 0.0
        self._epoll = epoll()
        self._orders = Orders(self.fabric, ports, control, self._epoll, seed)
        self._epoll.register(control, EPOLLIN)
        self._arrivals = {port.socket.fileno(): number for number, port in enumerate(ports)}
        for descriptor in self._arrivals:
            self._epoll.register(descriptor, EPOLLIN)

    def serve(self) -> None:
        """Hand on frames until the runner says that it is over, or has gone."""
        control, fabric = self._control, self.fabric
        while not control.closed:
            for descriptor, events in self._wait():
                arrival = self._arrivals.get(descriptor)
                if arrival is not None:
                    self._take(arrival, _BURST)
                    fabric.agenda.catch_up(monotonic(), monotonic)
                elif descriptor in self._orders.ends:
                    self._orders.take(descriptor)
                elif self._hear(events):
                    self._finish()
                    return
            now = monotonic()
            fabric.agenda.catch_up(now, monotonic)
            if now >= fabric.flush_at:
                fabric.flush()
            if now >= control.write_at:
                control.write()
                if control.blocked:
                    self._epoll.modify(control, EPOLLIN | EPOLLOUT)

    def _hear(self, events: int) -> bool:
        """Attend to the runner; whether it says that the run is over."""
        if events & EPOLLOUT:
            self._control.resume()
            self._epoll.modify(self._control, EPOLLIN)
        return bool(events & ~EPOLLOUT) and self._over()

    def _give(self, number: int, frame: bytes) -> bool:
        """Give a frame to what is at a port; whether it could be given."""
        try:
            self._sends[number](frame)
        except OSError:
            return False
        return True

    def _wait(self) -> list[tuple[int, int]]:
        """Sleep until there is something to do; which descriptors are ready."""
        now = monotonic()
        # It looks up now and then: so it sees afterwards that it stood still.
        self._stood_still = max(self._stood_still, now - self._looked_up - _LOOKS_UP)
        self._looked_up = now
        wake = min(
            now + _LOOKS_UP,
            self.fabric.flush_at,
            self._control.write_at,
            self.fabric.agenda.due_at,
        )
        left = wake - now
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
        """Do what the runner says; whether it says that the run is over."""
        for command in self._control.read():
            if command.get("command") == "end":
                return True
            # What came before the command has its fate without it.
            self._take_all()
            at = monotonic()
            try:
                self._orders.obey(command, at)
            except (KeyError, TypeError, ValueError, OSError) as error:
                reason = f"{type(error).__name__}: {error}"
                refusal = {"record": "refused", "at": at, "command": command, "reason": reason}
                self._control.tell(refusal, at)
        return False

    def _take_all(self) -> None:
        for arrival in range(len(self._ports)):
            self._take(arrival, _MOST_WAITING)

    def _take(self, arrival: int, most: int) -> None:
        """Take frames from a port while there are any."""
        receive = self._ports[arrival].socket.recv
        for _ in range(most):
            try:
                frame = receive(_LARGEST_FRAME)
            except OSError:
                # Nothing more, or the cable was pulled: the error is told once, then silence.
                return
            self.fabric.take(arrival, frame, monotonic())

    def _finish(self) -> None:
        """Take and deliver what still waits, whenever it is due, and tell how it all ended."""
        fabric = self.fabric
        self._take_all()
        fabric.agenda.catch_up(inf, monotonic)
        self._control.drain(_PATIENCE)
        at = monotonic()
        for record in fabric.finish(at):
            self._control.tell(record, at)
        fabric.flush()
        captures = {
            f"{self._places[number].name}{'' if own else '-wire'}": capture
            for (number, own), capture in fabric.captures.items()
        }
        totals = {
            "record": "totals",
            "at": at,
            "frames": fabric.frames,
            "forwarded": fabric.forwarded,
            "dropped": fabric.dropped,
            "nowhere": fabric.nowhere,
            "timed": fabric.agenda.timed,
            "late": fabric.agenda.late,
            "latest": round(fabric.agenda.latest, 6),
            "stood_still": round(max(0.0, self._stood_still), 3),
            "missed": sum(missed(port.socket) for port in self._ports),
            "overflowed": fabric.overflowed,
            "forgotten": fabric.forgotten,
            "captures": {
                name: capture.ended
                for name, capture in captures.items()
                if capture.ended is not None
            },
            "captured": {name: capture.frames for name, capture in captures.items()},
        }
        self._control.finish(totals, _PATIENCE)
