"""What is between the nodes: cables, switches and routers, and the way of each frame through them.

A frame that a node sends goes along the node's cable, where rules may act, to the switch of its
segment, and from there along the cable of the node or router that it is for. It has no sockets:
what arrives is handed to a function. Times are seconds of one clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from math import inf

from peerlab.wire.cable import Cable, Delivery, Passage
from peerlab.wire.control import Control
from peerlab.wire.flows import Connections, Record
from peerlab.wire.packet import ACK, SYN, Datagram, Packet, Segment, dotted, is_segment, parse
from peerlab.wire.pcap import Capture
from peerlab.wire.rules import Rule
from peerlab.wire.switch import Switch
from peerlab.wire.trial import Court, carry, is_on_trial, sealed, stamp_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peerlab.wire.router import Router

_GROUP_BIT = 1

FLUSH_AFTER = 0.25
"""Seconds after which what was captured is in the file, so that a killed lab leaves it."""

LATE = 0.02
"""Seconds after its time from which on a frame counts as late."""


class Place:
    """Where something is connected to a segment: a node, a router's interface, or the uplink.

    An uplink leads to the rest of the segment, where that is elsewhere.
    """

    __slots__ = ("ip", "mac", "name", "router", "segment")

    def __init__(
        self,
        name: str | None,
        mac: bytes,
        ip: bytes,
        segment: int = 0,
        router: "tuple[Router, int] | None" = None,
    ) -> None:
        """Take the name (None: an uplink), the addresses, and the router and its interface."""
        self.name = name
        self.mac = mac
        self.ip = ip
        self.segment = segment
        self.router = router


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
        self._places = places
        self._give = give
        self._control = control
        self._names = names
        self._switches = _switches(places)
        self._interfaces = {
            (id(place.router[0]), place.router[1]): number
            for number, place in enumerate(places)
            if place.router is not None
        }
        cable = partial(Cable, seed, self._name_of)
        self._leaving = [
            cable(place.name or "", leaving=True, routes=place.router is not None)
            for place in places
        ]
        self._arriving = [cable(place.name or "", leaving=False) for place in places]
        self._connections = [Connections() for _ in places]
        self._unplugged: set[str] = set()
        self._due: list[tuple[float, int, Callable[[float], object]]] = []
        self._scheduled = 0
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
        self.timed = self.late = 0
        self.latest = 0.0

    @property
    def due_at(self) -> float:
        """When to call `catch_up` next."""
        return self._due[0][0] if self._due else inf

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

    def plug(self, name: str, *, connected: bool) -> Iterable[int]:
        """Connect or disconnect a node; its places, which may be elsewhere."""
        if connected:
            self._unplugged.discard(name)
        else:
            self._unplugged.add(name)
        return [number for number, place in enumerate(self._places) if place.name == name]

    def take(self, number: int, frame: bytes, at: float) -> None:
        """Take a frame that comes in at a place."""
        if self.court is not None and is_on_trial(frame):
            self._try(number, frame, at, self.court)
            return
        self.frames += 1
        if self._places[number].name is None:
            self._cross(number, frame, at)
            return
        if self.captures:
            self._capture(number, frame, at, own=True)
        packet = parse(frame)
        if packet is None:
            self._cross(number, frame, at)
        else:
            self._leave(number, packet, at)

    def catch_up(self, until: float, clock: Callable[[], float]) -> None:
        """Hand on what is due by then, in order."""
        while self._due and self._due[0][0] <= until:
            due, _, act = heappop(self._due)
            now = max(clock(), due) if until < inf else due
            self.timed += 1
            lateness = now - due
            self.late += lateness > LATE
            self.latest = max(self.latest, lateness)
            act(now)

    def flush(self) -> None:
        """Put into the files what was captured."""
        self.flush_at = inf
        for capture in self.captures.values():
            capture.flush()

    def call_at(self, due: float, act: Callable[[float], object]) -> None:
        """Have something else done when it is due."""
        self._schedule(due, act)

    def finish(self, at: float) -> Iterable[Record]:
        """The records of all connections that are neither refused nor over."""
        for connections in self._connections:
            yield from connections.finish(at)

    @property
    def forgotten(self) -> int:
        """How many connections were no longer followed because there were too many."""
        return sum(connections.forgotten for connections in self._connections)

    def _name_of(self, address: bytes) -> str:
        return self._names.get(address) or dotted(address)

    def _cables(self) -> Iterable[Cable]:
        yield from self._leaving
        yield from self._arriving

    def _release_all(self, at: float) -> None:
        for number in range(len(self._places)):
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
            arrives |= passage is not None and not passage.lost
        if self._places[number].router is None:
            self._record(number, packet, at, arrives=arrives, passage=passage)

    def _cross(self, number: int, frame: bytes, at: float) -> bool:
        """Bring a frame from the far end of a cable to those whom it is for; whether it arrives."""
        if self.captures:
            self._capture(number, frame, at, own=False)
        place = self._places[number]
        if place.name in self._unplugged:
            self.dropped += 1
            return False
        targets = self._switches[place.segment].targets(frame, number)
        if not targets:
            self.nowhere += 1
        arrives = False
        for target in targets:
            arrives |= self._reach(target, frame, at)
        return arrives

    def _reach(self, number: int, frame: bytes, at: float) -> bool:
        """Bring a frame to the far end of a cable, and along it; whether it may arrive."""
        if self.captures:
            self._capture(number, frame, at, own=False)
        if self._places[number].name in self._unplugged:
            self.dropped += 1
            return False
        cable = self._arriving[number]
        packet = None if cable.is_plain else parse(frame)
        if packet is None:
            return self._hand_over(number, frame, at)
        passage, deliveries = cable.carry(packet, at)
        if passage is not None and passage.by:
            if passage.lost:
                self.dropped += 1
            self._tell(number, packet, at, _what_happened(passage, self._places[number].name))
        handed = self._hand_on(number, deliveries, at, leaving=False)
        return handed or not (passage is not None and passage.lost)

    def _hand_on(
        self, number: int, deliveries: Iterable[Delivery], at: float, *, leaving: bool
    ) -> bool:
        """Let frames go on beyond the rules of a cable, when they are due."""
        go_on = self._cross if leaving else self._hand_over
        arrives = False
        for due, frame in deliveries:
            if due <= at:
                arrives |= go_on(number, frame, at)
            else:
                self._schedule(due, partial(go_on, number, frame))
        cable = (self._leaving if leaving else self._arriving)[number]
        if cable.release_at < inf and self._releases.get((number, leaving)) != cable.release_at:
            self._releases[number, leaving] = cable.release_at
            self._schedule(cable.release_at, partial(self._release, number, leaving=leaving))
        return arrives

    def _release(self, number: int, at: float, *, leaving: bool) -> None:
        """Let go what has waited at a cable for too long."""
        cable = (self._leaving if leaving else self._arriving)[number]
        if cable.release_at <= at:
            self._hand_on(number, cable.release(at), at, leaving=leaving)

    def _hand_over(self, number: int, frame: bytes, at: float) -> bool:
        """Hand a frame to what is at a place; whether it could be given."""
        place = self._places[number]
        if place.router is not None:
            self._route(number, place.router, frame, at)
            return True
        if not self._give(number, frame):
            # The node's queue is full, or its cable is pulled or gone.
            self.dropped += 1
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
        """Let a router do with a frame what it does."""
        device, interface = router
        for leaves_by, forwarded in device.take(interface, frame, at):
            out = self._interfaces[id(device), leaves_by]
            packet = parse(forwarded)
            if packet is None:
                self._cross(out, forwarded, at)
            else:
                self._leave(out, packet, at)
        if device.last_drop is not None and not frame[0] & _GROUP_BIT:
            dropped = parse(frame)
            if dropped is not None:
                by = [f"{self._places[number].name} ({device.last_drop})"]
                about: Record = {"fate": "dropped", "cable": self._places[number].name, "by": by}
                self._tell(number, dropped, at, about)

    def _try(self, number: int, frame: bytes, at: float, court: Court) -> None:
        """Bring a datagram on trial to the next end of a cable."""
        stamp = stamp_of(frame)
        trial = None if stamp is None else court.trials.get(stamp[0])
        if trial is None:
            return
        leaves = self._places[number].name is not None
        if leaves:
            self._try_on(trial.leaving, number, carry(trial.leaving, frame, at), at, leaves=True)
        else:
            self._judge(number, frame, at)

    def _judge(self, number: int, frame: bytes, at: float) -> bool:
        """Bring a datagram on trial from the far end of a cable to the node that it is for."""
        stamp = stamp_of(frame)
        place = self._places[number]
        for target in self._switches[place.segment].targets(frame, number):
            trial = None if self.court is None or stamp is None else self.court.trials[stamp[0]]
            if trial is not None and self._places[target].name == trial.receiver:
                arriving = trial.arriving
                deliveries = carry(arriving, frame, at)
                self._try_on(arriving, target, deliveries, at, leaves=False)
            else:
                self._give(target, frame)
        return True

    def _try_on(
        self, cable: Cable, number: int, deliveries: Iterable[Delivery], at: float, *, leaves: bool
    ) -> None:
        """Let datagrams on trial go on when they are due."""
        go_on = self._judge if leaves else self._give_late
        for due, frame in deliveries:
            if due <= at:
                go_on(number, frame, at)
            else:
                self._schedule(due, partial(go_on, number, frame))
        if cable.release_at < inf:

            def release(now: float) -> None:
                if cable.release_at <= now:
                    waited = sealed(cable.release(now))
                    self._try_on(cable, number, waited, now, leaves=leaves)

            self._schedule(cable.release_at, release)

    def _give_late(self, number: int, frame: bytes, _at: float) -> bool:
        return self._give(number, frame)

    def _schedule(self, due: float, act: Callable[[float], object]) -> None:
        self._scheduled += 1
        heappush(self._due, (due, self._scheduled, act))

    def _capture(self, number: int, frame: bytes, at: float, *, own: bool) -> None:
        capture = self.captures.get((number, own))
        if capture is not None:
            capture.write(self.capture_time + int(at * 1e9), frame)
            self.flush_at = min(self.flush_at, at + FLUSH_AFTER)

    def _record(
        self, number: int, packet: Packet, at: float, *, arrives: bool, passage: Passage | None
    ) -> None:
        """Tell of a packet that a node sent."""
        name = self._places[number].name or ""
        if isinstance(packet, Datagram):
            targets = self._switches[self._places[number].segment].targets(packet.frame, number)
            fate = "delivered" if arrives else "dropped" if targets else "nowhere"
            about: Record = {"fate": fate}
            gone = self._unplugged.intersection((name, self._names.get(packet.destination)))
            if passage is not None and passage.by:
                about = _what_happened(passage, None)
            if gone and "by" not in about:
                about = {"fate": "dropped", "by": [f"the pulled cable of {gone.pop()}"]}
            self._tell(number, packet, at, about)
        # What is lost on the way says nothing about a connection, but that it was asked for does.
        elif isinstance(packet, Segment) and (arrives or packet.flags & (SYN | ACK) == SYN):
            self._follow(number, packet, at, name)

    def _tell(self, number: int, packet: Packet, at: float, about: Record) -> None:
        if isinstance(packet, Datagram):
            origin = self._names.get(packet.source)
            if "cable" not in about:
                origin = self._places[number].name
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


def _what_happened(passage: Passage, cable: str | None) -> Record:
    """What the rules of a cable did to a packet; `cable` names the node that it arrives at."""
    about: Record = {"fate": "dropped" if passage.lost else "delivered"}
    about["by"] = [rule.place for rule in passage.by]
    if cable is not None:
        about["cable"] = cable
    if not passage.lost:
        delay = passage.departures[0] - passage.at
        if delay > 0:
            about["delay"] = round(delay, 6)
        if len(passage.departures) > 1:
            about["copies"] = len(passage.departures)
        if passage.damage:
            detected = any(detected for _, detected in passage.damage)
            about["damaged"] = "detected" if detected else "delivered"
        if passage.held:
            about["held"] = True
    return about
