"""What is between the nodes: cables, switches and routers, and the way of each frame through them.

A frame that a node sends goes along the node's cable, where rules may act, to the switch of its
segment, and from there along the cable of the node or router that it is for. It has no sockets:
what arrives is handed to a function. Times are seconds of one clock.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf

from peerlab.wire.agenda import Agenda
from peerlab.wire.cable import Cable, Delivery, Passage
from peerlab.wire.control import Control
from peerlab.wire.court import Court
from peerlab.wire.flows import Connections, Record
from peerlab.wire.packet import ACK, SYN, Datagram, Packet, Segment, is_segment, parse
from peerlab.wire.pcap import Capture
from peerlab.wire.rules import Rule
from peerlab.wire.switch import Switch
from peerlab.wire.trial import is_on_trial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peerlab.wire.router import Router

_GROUP_BIT = 1

STRANGER = "*"
"""Instead of a name; no node is called so. The addresses of a lab are others each time, and what is
decided may not depend on them."""

_MOST_WAITING = 128 << 20
"""Bytes of frames that may wait for their time."""

_MOST_HOPS = 4096
"""How many frames that routers pass on may wait for each other: where NATs lead in a circle, and
rules duplicate, they would have no end."""

FLUSH_AFTER = 0.25
"""Seconds after which what was captured is in the file, so that a killed lab leaves it."""


class Place:
    """Where something is connected to a segment: a node, a router's interface, or the uplink.

    An uplink leads to the rest of the segment, where that is elsewhere.
    """

    __slots__ = ("ip", "mac", "name", "native", "router", "segment")

    def __init__(
        self,
        name: str | None,
        mac: bytes,
        ip: bytes,
        segment: int = 0,
        router: "tuple[Router, int] | None" = None,
        *,
        native: bool = False,
    ) -> None:
        """Take the name (None: an uplink), the addresses, and the router and its interface.

        Where it is `native` the kernel acts on what passes the cable.
        """
        self.name = name
        self.mac = mac
        self.ip = ip
        self.segment = segment
        self.router = router
        self.native = native


class Fabric:
    """The network of a lab, or that part of it which is here."""

    def __init__(
        self,
        places: Sequence[Place],
        give: Callable[[int, bytes], bool],
        control: Control,
        *,
        seed: int,
        names: Mapping[bytes, str],
    ) -> None:
        """Connect what is at the places.

        Args:
            places: numbered in this order.
            give: hands a frame to what is at a place, which is not a router; whether it could.
            control: is told what passes.
            seed: where chance starts.
            names: whose an IPv4 address is, for all of the lab.

        Raises:
            ValueError: two places have an address in common.
        """
        self.places = places
        self.give = give
        self.agenda = Agenda()
        """What is to be done later."""
        self._control = control
        self._names = names
        self._switches = _switches(places)
        self._interfaces = {
            (id(place.router[0]), place.router[1]): number
            for number, place in enumerate(places)
            if place.router is not None
        }
        cable = partial(Cable, seed, self.name_of)
        self._leaving = [
            cable(
                place.name or "",
                leaving=True,
                routes=place.router is not None,
                native=place.native,
            )
            for place in places
        ]
        self._arriving = [
            cable(place.name or "", leaving=False, native=place.native) for place in places
        ]
        self._connections = [Connections() for _ in places]
        self._unplugged: set[str] = set()
        self._releases: dict[tuple[int, bool], float] = {}
        self.captures: dict[tuple[int, bool], Capture] = {}
        """Captures by place, and whether they are at its own end of the cable."""
        self.capture_time = 0
        """Nanoseconds since 1970 at time 0 of the clock."""
        self.flush_at = inf
        """When to call `flush`."""
        self.court: Court | None = None
        """Where datagrams are on trial, if any are."""
        self.frames = self.forwarded = self.dropped = self.nowhere = 0
        self.overflowed = 0
        """How many frames were lost because too much waited."""
        self._waiting = 0
        self._routed: deque[tuple[int, bytes]] = deque()
        self._routing = False

    def put(self, rules: Sequence[Rule], at: float) -> None:
        """Put rules in force."""
        for cable in self._cables():
            cable.put(rules)
        self._release_all(at)

    def heal(self, name: str | None, at: float) -> None:
        """End the rules of a name; None: all."""
        for cable in self._cables():
            cable.heal(name)
        self._release_all(at)

    def by_kernel(self, number: int, *, leaving: bool) -> Sequence[Rule]:
        """The rules that the kernel has to follow at one end of the cable of a place."""
        return self._cable(number, leaving=leaving).by_kernel

    def plug(self, name: str, *, connected: bool) -> Iterable[int]:
        """Connect or disconnect a node; its places, which may be elsewhere."""
        if connected:
            self._unplugged.discard(name)
        else:
            self._unplugged.add(name)
        return [number for number, place in enumerate(self.places) if place.name == name]

    def take(self, number: int, frame: bytes, at: float) -> None:
        """Take a frame that comes in at a place."""
        if is_on_trial(frame):
            if self.court is not None:  # else it comes too late
                self.court.bring(self, number, frame, at)
            return
        self.frames += 1
        if self.places[number].name is None:
            self._cross(number, frame, at)
            return
        if self.captures:
            self._capture(number, frame, at, own=True)
        packet = parse(frame)
        if packet is None:
            self._cross(number, frame, at)
        else:
            self._leave(number, packet, at)

    def flush(self) -> None:
        """Put into the files what was captured."""
        self.flush_at = inf
        for capture in self.captures.values():
            capture.flush()

    def targets(self, frame: bytes, number: int) -> Sequence[int]:
        """The places on the same segment that get a frame which comes from a place."""
        return self._switches[self.places[number].segment].targets(frame, number)

    def finish(self, at: float) -> Iterable[Record]:
        """The records of all connections that are neither refused nor over."""
        for connections in self._connections:
            yield from connections.finish(at)

    @property
    def forgotten(self) -> int:
        """How many connections were no longer followed because there were too many."""
        return sum(connections.forgotten for connections in self._connections)

    def name_of(self, address: bytes) -> str:
        """The name of the node or router that has an address, the same word for all others."""
        return self._names.get(address, STRANGER)

    def _cable(self, number: int, *, leaving: bool) -> Cable:
        return (self._leaving if leaving else self._arriving)[number]

    def _cables(self) -> Iterable[Cable]:
        yield from self._leaving
        yield from self._arriving

    def _release_all(self, at: float) -> None:
        for number in range(len(self.places)):
            for leaving in (True, False):
                self._release(number, at, leaving=leaving)

    def _leave(self, number: int, packet: Packet, at: float) -> None:
        """Send a packet on along the cable of a node or router."""
        cable = self._leaving[number]
        passage: Passage | None = None
        if cable.is_plain:
            arrives = self._cross(number, packet.frame, at)
        else:
            passage, deliveries = cable.carry(packet, at)
            if passage is not None and passage.lost:
                self.dropped += 1
            arrives = self._hand_on(number, deliveries, at, leaving=True)
            # What is delayed is told as delivered: where it is lost later, that is told then.
            later = passage is not None and not passage.lost and passage.departures[0] > at
            arrives |= later or (passage is not None and passage.held)
        if self.places[number].router is None:
            self._record(number, packet, at, arrives=arrives, passage=passage)
        elif passage is not None and passage.by:
            self._tell(number, packet, at, {**passage.told(), "cable": self.places[number].name})

    def _cross(self, number: int, frame: bytes, at: float) -> bool:
        """Bring a frame from the far end of a cable to those whom it is for; whether there is any.

        What becomes of it at their cables, or at a router, is told then and there.
        """
        if self.captures:
            self._capture(number, frame, at, own=False)
        place = self.places[number]
        if place.name in self._unplugged:
            self.dropped += 1
            return False
        targets = self.targets(frame, number)
        if not targets:
            self.nowhere += 1
        for target in targets:
            self._reach(target, frame, at)
        return bool(targets)

    def _reach(self, number: int, frame: bytes, at: float) -> None:
        """Bring a frame to the far end of a cable, and along it."""
        if self.captures:
            self._capture(number, frame, at, own=False)
        if self.places[number].name in self._unplugged:
            self.dropped += 1
            return
        cable = self._arriving[number]
        packet = None if cable.is_plain else parse(frame)
        if packet is None:
            self._hand_over(number, frame, at)
            return
        passage, deliveries = cable.carry(packet, at)
        if passage is not None and passage.by:
            if passage.lost:
                self.dropped += 1
            self._tell(number, packet, at, {**passage.told(), "cable": self.places[number].name})
        self._hand_on(number, deliveries, at, leaving=False)

    def _hand_on(
        self, number: int, deliveries: Iterable[Delivery], at: float, *, leaving: bool
    ) -> bool:
        """Let frames go on beyond the rules of a cable, when they are due."""
        go_on = self._cross if leaving else self._hand_over
        arrives = False
        for due, frame in deliveries:
            if due <= at:
                arrives |= go_on(number, frame, at)
            elif self._waiting > _MOST_WAITING:
                self.overflowed += 1
            else:
                self._waiting += len(frame)
                self.agenda.enter(due, partial(self._late, go_on, number, frame), timed=True)
        cable = self._cable(number, leaving=leaving)
        for passage in cable.lost_late:
            self.dropped += 1
            told = {**passage.told(), "cable": self.places[number].name}
            self._tell(number, passage.packet, at, told)
        cable.lost_late.clear()
        if cable.release_at < inf and self._releases.get((number, leaving)) != cable.release_at:
            self._releases[number, leaving] = cable.release_at
            self.agenda.enter(cable.release_at, partial(self._release, number, leaving=leaving))
        return arrives

    def _late(
        self, go_on: Callable[[int, bytes, float], object], number: int, frame: bytes, at: float
    ) -> None:
        """Let a frame go on that has waited for its time."""
        self._waiting -= len(frame)
        pulled = self._pulled(number, parse(frame)) if self._unplugged else None
        if pulled is not None:
            self._tell_of(pulled, frame, at, [f"the pulled cable of {pulled}"])
        go_on(number, frame, at)

    def _pulled(self, number: int, packet: Packet | None) -> str | None:
        """Whose cable is pulled, of a packet's way from a place."""
        receiver = None if packet is None else self._names.get(packet.destination)
        ends = (self.places[number].name, receiver)
        return next((end for end in ends if end is not None and end in self._unplugged), None)

    def _release(self, number: int, at: float, *, leaving: bool) -> None:
        """Let go what has waited at a cable for too long."""
        cable = self._cable(number, leaving=leaving)
        if cable.release_at <= at:
            self._hand_on(number, cable.release(at), at, leaving=leaving)

    def _hand_over(self, number: int, frame: bytes, at: float) -> bool:
        """Hand a frame to what is at a place; whether it could be given."""
        place = self.places[number]
        if place.router is not None:
            self._route(number, place.router, frame, at)
            return True
        if not self.give(number, frame):
            # The node's queue is full, or its cable is pulled or gone.
            self.dropped += 1
            if place.name is not None and place.name not in self._unplugged:
                self._tell_of(place.name, frame, at, [f"{place.name} (takes no more)"])
            return False
        self.forwarded += 1
        if place.name is not None:
            if self.captures:
                self._capture(number, frame, at, own=True)
            if is_segment(frame):
                packet = parse(frame)
                if isinstance(packet, Segment) and packet.flags & (SYN | ACK) != SYN:
                    self._follow(number, packet, at, place.name)
        return True

    def _route(self, number: int, router: "tuple[Router, int]", frame: bytes, at: float) -> None:
        """Let a router do with a frame what it does; one frame after the other, not nested."""
        device, interface = router
        for leaves_by, forwarded in device.take(interface, frame, at):
            if len(self._routed) < _MOST_HOPS:
                self._routed.append((self._interfaces[id(device), leaves_by], forwarded))
            else:
                self.overflowed += 1
        if device.last_drop is not None and not frame[0] & _GROUP_BIT:
            name = self.places[number].name or ""
            self._tell_of(name, frame, at, [f"{name} ({device.last_drop})"])
        if self._routing:
            return
        self._routing = True
        while self._routed:
            out, forwarded = self._routed.popleft()
            packet = parse(forwarded)
            if packet is None:
                self._cross(out, forwarded, at)
            else:
                self._leave(out, packet, at)
        self._routing = False

    def _capture(self, number: int, frame: bytes, at: float, *, own: bool) -> None:
        capture = self.captures.get((number, own))
        if capture is not None:
            capture.write(self.capture_time + int(at * 1e9), frame)
            self.flush_at = min(self.flush_at, at + FLUSH_AFTER)

    def _record(
        self, number: int, packet: Packet, at: float, *, arrives: bool, passage: Passage | None
    ) -> None:
        """Tell of a packet that a node sent."""
        name = self.places[number].name or ""
        if isinstance(packet, Datagram):
            about: Record = {} if passage is None or not passage.by else passage.told()
            pulled = self._pulled(number, packet)
            if passage is None or not passage.lost:
                about["fate"] = "delivered" if arrives else "nowhere"
                if pulled is not None:
                    by = [rule.place for rule in passage.by] if passage is not None else []
                    about["by"] = [*by, f"the pulled cable of {pulled}"]
                    about["fate"] = "dropped"
            self._tell(number, packet, at, about)
        # What is lost on the way says nothing about a connection, but that it was asked for does.
        elif isinstance(packet, Segment) and (arrives or packet.flags & (SYN | ACK) == SYN):
            self._follow(number, packet, at, name)

    def _tell_of(self, name: str, frame: bytes, at: float, by: list[str]) -> None:
        """Tell that what was under way was dropped at the cable of a node, or by a router."""
        packet = parse(frame)
        if packet is not None:
            self._tell(0, packet, at, {"fate": "dropped", "by": by, "cable": name})

    def _tell(self, number: int, packet: Packet, at: float, about: Record) -> None:
        if isinstance(packet, Datagram):
            origin = self._names.get(packet.source)
            if "cable" not in about:
                origin = self.places[number].name
            self._control.tell_datagram(
                packet, at, origin, self._names.get(packet.destination), about
            )

    def _follow(self, number: int, segment: Segment, at: float, name: str) -> None:
        target = self._names.get(segment.destination)
        for record in self._connections[number].seen(segment, at, name, target):
            self._control.tell(record, at)


def _switches(places: Sequence[Place]) -> Mapping[int, Switch]:
    segments = {place.segment for place in places}
    uplinks = {place.segment: number for number, place in enumerate(places) if place.name is None}
    return {
        segment: Switch(
            (
                (number, place.mac, place.ip)
                for number, place in enumerate(places)
                if place.segment == segment and place.name is not None
            ),
            uplinks.get(segment),
        )
        for segment in segments
    }
