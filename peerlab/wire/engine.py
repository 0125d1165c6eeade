"""The wire at work: a loop that takes frames from sockets and hands them to sockets.

It is to run in a process of its own. What happens to a frame in between is the fabric's. Records of
what passes are written when no frame waits.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import FileIO
from math import inf
from select import EPOLLIN, EPOLLOUT, epoll, select
from struct import unpack
from time import monotonic, time_ns

from peerlab.wire.arp import introduction
from peerlab.wire.control import Control
from peerlab.wire.court import Court
from peerlab.wire.fabric import Fabric, Place
from peerlab.wire.flows import Record
from peerlab.wire.netem import options
from peerlab.wire.packet import dotted, packed
from peerlab.wire.pcap import Capture
from peerlab.wire.rules import Rule
from peerlab.wire.trial import FRAME_TYPE, Trial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

    from peerlab.wire.router import Router

_BURST = 32
"""How many frames a port may send before the others have their turn."""

_MOST_WAITING = 10_000
"""How many frames of a port are still taken before a command is obeyed, and when the wire ends."""

_PATIENCE = 5.0
"""Seconds that the runner may take to read on when the wire ends."""

_LARGEST_FRAME = 65_550
_SELECT_LIMIT = 1024

_SOL_PACKET, _PACKET_STATISTICS = 263, 6


Instruct = Callable[[bytes | None], None]
"""Tells the kernel's netem what to do (`netem.options`); None: to go."""

Native = Mapping[bool, Instruct]
"""For what leaves a node (True), and for what arrives at it (False)."""


class Port:
    """Where a node is connected to the wire."""

    __slots__ = ("ip", "mac", "name", "native", "open_end", "plug", "segment", "socket")

    def __init__(  # noqa: PLR0913 - all that a port is
        self,
        name: str | None,
        mac: bytes,
        ip: bytes,
        socket: "socket",
        *,
        segment: int = 0,
        plug: "Callable[[bool], None] | None" = None,
        open_end: "Callable[[int], socket] | None" = None,
        native: "Native | None" = None,
    ) -> None:
        """Take the node's name and addresses (6 and 4 bytes) and a non-blocking socket.

        A raw packet socket is bound to the wire's end of the node's cable, for all protocols,
        and ignores outgoing frames. Each `recv` gives a frame as the node sent it, each `send`
        takes one to it.

        Without a name it is an uplink: it leads to the part of its segment that is elsewhere.
        `plug` connects and disconnects the cable, so that the node sees it. `open_end` opens the
        node's own end of the cable for frames of one type. With `native` the kernel acts on what
        passes the cable as far as it can.
        """
        self.name = name
        self.mac = mac
        self.ip = ip
        self.socket = socket
        self.segment = segment
        self.plug = plug
        self.open_end = open_end
        self.native = native or {}


class Junction:
    """A router, and where its interfaces are connected."""

    __slots__ = ("interfaces", "name", "router")

    def __init__(
        self, name: str, router: "Router", interfaces: Sequence[tuple[int, bytes, bytes]]
    ) -> None:
        """Take the segment, the hardware address and the IPv4 address of each interface."""
        self.name = name
        self.router = router
        self.interfaces = interfaces


def try_kernel(ports: Iterable[Port]) -> None:
    """Have the kernel do nothing for a moment at these ports, if it is to act there.

    Raises:
        OSError: it has no netem.
    """
    for port in ports:
        for instruct in port.native.values():
            instruct(options((), 0, ""))
            instruct(None)


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
        self._seed = seed
        self._names = names
        self._ends: dict[int, socket] = {}
        self._by_kernel: dict[tuple[int, bool], Sequence[Rule]] = {}
        self._tried: list[Instruct] = []
        self._epoll = epoll()
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
                elif descriptor in self._ends:
                    if fabric.court is not None:
                        fabric.court.take(self._ends[descriptor])
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

    def flush(self) -> None:
        """Put into the files what was captured."""
        for capture in self.fabric.captures.values():
            capture.flush()

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
        wake = min(self.fabric.flush_at, self._control.write_at, self.fabric.agenda.due_at)
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
        """Do what the runner says; whether it says that the run is over."""
        for command in self._control.read():
            if command.get("command") == "end":
                return True
            at = monotonic()
            try:
                self._obey(command, at)
            except (KeyError, TypeError, ValueError):
                self._control.tell({"record": "refused", "at": at, "command": command}, at)
        return False

    def _obey(self, command: Record, at: float) -> None:  # noqa: C901 - one case a command
        """Do what one command asks for, and answer it.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        # What came before the command has its fate without it.
        self._take_all()
        match command:
            case {"command": "rules", "rules": [*described], "reply": reply}:
                self.fabric.put([Rule(rule) for rule in described if isinstance(rule, dict)], at)
            case {"command": "heal", "name": str() | None as name, "reply": reply}:
                self.fabric.heal(name, at)
            case {"command": "plug", "node": str(node), "connected": bool(on), "reply": reply}:
                for number in self.fabric.plug(node, connected=on):
                    plug = self._ports[number].plug if number < len(self._ports) else None
                    if plug is not None:
                        plug(on)
            case {"command": "who", "reply": reply}:
                there = {dotted(each.ip): each.mac.hex() for each in self._places if each.name}
                self._done(reply, macs=there)
                return
            case {"command": "introduce", "neighbours": dict(neighbours), "reply": reply}:
                self._introduce(neighbours, at)
            case {"command": "trials", "trials": [*described], "reply": reply}:
                trials = [
                    Trial(each, self._seed, self._name_of)
                    for each in described
                    if isinstance(each, dict)
                ]
                self._done(reply, macs=self._hold_court(trials))
                return
            case {"command": "try", "macs": dict(macs), "reply": reply} if self.fabric.court:
                self.fabric.court.send(macs)
            case {"command": "judge", "after": int() | float() as after, "reply": reply}:
                self.fabric.agenda.enter(at + after, lambda _at: self._close_court(reply))
                return
            case _:
                raise ValueError(command)
        self._instruct_kernel(at)
        self._done(reply)

    def _instruct_kernel(self, at: float) -> None:
        """Have the kernel follow its rules from now on, and tell where these are new."""
        for number, port in enumerate(self._ports):
            for leaving, instruct in port.native.items():
                rules = self.fabric.by_kernel(number, leaving=leaving)
                if rules != self._by_kernel.get((number, leaving), ()):
                    self._by_kernel[number, leaving] = rules
                    # Without a rule it stays: what is on its way in it would be lost.
                    instruct(options(rules, self._seed, _cable(port, leaving=leaving)))
                    way = "leaving" if leaving else "arriving"
                    places = [rule.place for rule in rules]
                    self._control.tell(
                        {
                            "record": "native",
                            "at": at,
                            "from": port.name,
                            "way": way,
                            "rules": places,
                        },
                        at,
                    )

    def _done(self, reply: object, **told: object) -> None:
        self._control.answer({"record": "done", "at": monotonic(), "reply": reply, **told})

    def _introduce(self, neighbours: Mapping[str, list[tuple[str, str]]], at: float) -> None:
        """Let the nodes that are here know the addresses of their neighbours.

        So a node never has to ask: while it waits for the answer what it sends waits, too, and may
        go out later than a rule that is not for it, or behind what it sent after it.
        """
        for number, place in enumerate(self._places):
            if place.name is not None and place.router is None:
                for ip, mac in neighbours.get(dotted(place.ip), ()):
                    known = bytes.fromhex(mac), packed(ip)
                    self.fabric.hand_over(number, introduction(*known, place.mac, place.ip), at)

    def _hold_court(self, trials: Sequence[Trial]) -> dict[str, str]:
        """Open the nodes' own ends of the cables on trial; the addresses of these nodes."""
        names = {name for trial in trials for name in (trial.sender, trial.receiver)}
        ends: dict[str, tuple[bytes, socket]] = {}
        for port in self._ports:
            if port.name in names and port.open_end is not None:
                ends[port.name] = port.mac, port.open_end(FRAME_TYPE)
        self._ends = {end.fileno(): end for _, end in ends.values()}
        for descriptor in self._ends:
            self._epoll.register(descriptor, EPOLLIN)
        self.fabric.court = Court(trials, ends)
        for instruct, told in self._kernel_on_trial(trials):
            instruct(told)
            self._tried.append(instruct)
        # Of a router any address will do: what is for it is seen at the far end of its cable.
        return {
            place.name: place.mac.hex()
            for place in reversed(self._places)
            if place.name in names and place.name is not None
        }

    def _kernel_on_trial(self, trials: Iterable[Trial]) -> Iterator[tuple[Instruct, bytes]]:
        """What the kernel is told for trials."""
        for trial in trials:
            for port in self._ports:
                for leaving, instruct in port.native.items():
                    rules = trial.by_kernel(port.name, leaving=leaving)
                    if rules:
                        yield instruct, options(rules, self._seed, _cable(port, leaving=leaving))

    def _close_court(self, reply: object) -> None:
        court, self.fabric.court = self.fabric.court, None
        for descriptor, end in self._ends.items():
            self._epoll.unregister(descriptor)
            if court is not None:
                court.take(end)
        self._ends = {}
        if court is None:
            self._done(reply, sent=[], arrived=[])
        else:
            court.close()
            for instruct in self._tried:
                instruct(None)
            self._tried.clear()
            self._done(reply, sent=court.sent, arrived=court.arrived)

    def _name_of(self, address: bytes) -> str:
        return self._names.get(address) or dotted(address)

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
        ended = {
            f"{self._places[number].name}{'' if own else '-wire'}": capture.ended
            for (number, own), capture in fabric.captures.items()
            if capture.ended is not None
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
            "missed": sum(_missed(port.socket) for port in self._ports),
            "forgotten": fabric.forgotten,
            "captures": ended,
        }
        self._control.finish(totals, _PATIENCE)


def _cable(port: Port, *, leaving: bool) -> str:
    return f"{'from' if leaving else 'to'} {port.name}"


def _missed(socket: "socket") -> int:
    """How many frames came faster than they were taken, since the socket was made."""
    try:
        _, dropped = unpack("II", socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
    except OSError:
        return 0
    return int(dropped)
