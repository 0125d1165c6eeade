"""One direction of a node's cable: what the rules that act there make of each packet.

A packet meets the effects in the order of `effects.EFFECTS`. All of them decide about every packet
when it comes, then what was decided is done, up to the first that loses the packet, or lets it wait
for others. Pure: times are arguments, in seconds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf

from peerlab.wire.checksum import with_checksums, with_identification
from peerlab.wire.effects import HELD_FOR, Delay, Effect, Rate, SwapThese
from peerlab.wire.native import has_room
from peerlab.wire.packet import Datagram, Packet
from peerlab.wire.rules import Rule

_MOST_FRAGMENTED = 256
"""Of how many packets in fragments it is remembered what was decided."""

_DAMAGE = ("corrupt", "corrupt-these")

_MOST_KNOWN = 4096
"""How many kinds of packets are remembered with the rules that speak about them."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peerlab.wire.flows import Record

Delivery = tuple[float, bytes]
"""When a frame is to be handed on, and the frame."""

_Known = tuple["_Flow", ...]
_Waiting = tuple[int, "Passage", int]
"""A packet that waits: its number in its flow, and at which decision it goes on."""


class _Flow:
    """A rule at work on one flow."""

    __slots__ = ("effect", "held", "rule", "until")

    def __init__(self, rule: Rule, effect: Effect) -> None:
        self.rule = rule
        self.effect = effect
        self.held: list[_Waiting] = []
        self.until = inf
        """When what waits goes on without what it waits for."""


class Passage:
    """One packet on its way along the cable."""

    __slots__ = ("at", "by", "damage", "decisions", "departures", "held", "lost", "packet")

    def __init__(self, packet: Packet, at: float) -> None:
        self.packet = packet
        self.at = at
        self.decisions: list[tuple[_Flow, float]] = []
        self.departures = [at]
        """When it leaves; several times where it was duplicated."""
        self.held = False
        """Whether it waits, or has waited, for others."""
        self.lost = False
        self.damage: list[tuple[int, bool]] = []
        self.by: list[Rule] = []
        """The rules that did something to it; where it is lost, the last one lost it."""

    def told(self) -> "Record":
        """What the rules did to it, for people and programs."""
        about: Record = {"fate": "dropped" if self.lost else "delivered"}
        about["by"] = [rule.place for rule in self.by]
        if self.lost:
            return about
        if self.held:
            about["held"] = True
        elif self.departures[0] > self.at:
            about["delay"] = round(self.departures[0] - self.at, 6)
        if len(self.departures) > 1:
            about["copies"] = len(self.departures)
        if self.damage:
            detected = any(detected for _, detected in self.damage)
            about["damaged"] = "detected" if detected else "delivered"
        return about

    def frames(self) -> Iterator[bytes]:
        """The frames as they leave; of a packet in fragments each copy is another packet."""
        frame = self._frame()
        yield frame
        while True:
            yield with_identification(frame) if self.packet.fragmented else frame

    def _frame(self) -> bytes:
        frame = self.packet.frame
        for bit, detected in self.damage:
            changed = bytearray(frame)
            # Where there is no payload the header's last byte suffers.
            last = max(self.packet.start, self.packet.end) - 1
            changed[min(self.packet.start + bit // 8, last)] ^= 1 << bit % 8
            frame = bytes(changed) if detected else with_checksums(bytes(changed))
        return frame


class Cable:
    """What is done to the packets that leave a node, or to those that arrive at it."""

    def __init__(
        self,
        seed: int,
        name_of: Callable[[bytes], str],
        node: str,
        *,
        leaving: bool,
        routes: bool = False,
        native: bool = False,
    ) -> None:
        """Know where chance starts, whose an address is, and which way of whose cable this is.

        Args:
            seed: the same seed, rules and packets have the same decisions.
            name_of: the name of the node that has an IPv4 address; any text for a stranger's.
            node: whose cable it is.
            leaving: whether packets leave the node here; else they arrive at it.
            routes: whether the node is a router, whose packets are others'.
            native: whether the kernel does here what it can.
        """
        self._seed = seed
        self._name_of = name_of
        self._node = node
        self._leaving = leaving
        self._routes = routes
        self._native = native
        self._rules: list[Rule] = []
        self.by_kernel: Sequence[Rule] = ()
        """The rules that the kernel has to follow: it is as if they were not here."""
        self._flows: dict[tuple[str, str, str, int], _Flow] = {}
        self._known: dict[tuple[object, ...], _Known] = {}
        self.release_at = inf
        """When to call `release` at the latest."""
        self._fragmented: dict[tuple[bytes, bytes, int, int], list[tuple[_Flow, float]]] = {}
        self.lost_late: list[Passage] = []
        """Packets that were lost after they had waited for others; for whoever tells of them."""

    def put(self, rules: Iterable[Rule]) -> None:
        """Put rules in force, those that are for this cable, in place of their like."""
        for rule in rules:
            if self._is_for_here(rule):
                self._end(rule.replaces)
                if self._native and has_room(rule, self.by_kernel):
                    self.by_kernel = (*self.by_kernel, rule)
                elif not rule.ends_only:
                    self._rules.append(rule)
        self._rules.sort(key=lambda rule: rule.order)
        self._known.clear()

    def heal(self, name: str | None) -> None:
        """End the rules of a name; None: all. What waited under them goes with `release`."""
        self._end(lambda rule: name is None or rule.name == name)

    @property
    def is_plain(self) -> bool:
        """Whether no rule is in force, and nothing waits."""
        return not self._rules and self.release_at == inf

    def carry(self, packet: Packet, at: float) -> tuple[Passage | None, Sequence[Delivery]]:
        """Let a packet that comes now have its fate.

        Returns:
            What became of it, None where no rule speaks about it; and what is to be handed on, in
            order: packets that have waited for this one among it.
        """
        flows = self._matching(packet)
        if not (flows or (packet.offset and self._fragmented)):
            return None, ((at, packet.frame),)
        passage = Passage(packet, at)
        if packet.fragmented:
            passage.decisions = self._decisions_of_all(packet, flows)
        else:
            passage.decisions = [(flow, flow.effect.draw(packet)) for flow in flows]
        return passage, self._proceed(passage, 0, at)

    def _decisions_of_all(self, packet: Packet, flows: _Known) -> list[tuple[_Flow, float]]:
        """What is decided about a packet in fragments, when its first comes, is for all of them.

        It is not held for others: which of its fragments is the last nobody knows.
        """
        whole = packet.source, packet.destination, packet.protocol, packet.identification
        if packet.offset:
            # Damage in one fragment is enough.
            decided = self._fragmented.get(whole, ())
            return [each for each in decided if each[0].rule.effect not in _DAMAGE]
        drawn = [(flow, flow.effect.draw(packet)) for flow in flows]
        decided = [each for each in drawn if each[0].rule.effect not in HELD_FOR]
        if len(self._fragmented) >= _MOST_FRAGMENTED:
            del self._fragmented[next(iter(self._fragmented))]
        self._fragmented[whole] = decided
        return decided

    def release(self, at: float) -> Sequence[Delivery]:
        """Let go what has waited too long, or for nothing any more; what is to be handed on."""
        released: list[Delivery] = []
        self.release_at = inf
        for key, flow in list(self._flows.items()):
            if flow.until <= at:
                released += self._let_go(flow, at)
            elif flow.held:
                self.release_at = min(self.release_at, flow.until)
            if not flow.held and flow.rule not in self._rules:
                del self._flows[key]
        return released

    def _is_for_here(self, rule: Rule) -> bool:
        if self._leaving:
            return rule.acts_on_leaving(self._node, routes=self._routes)
        return rule.acts_on_arriving(self._node)

    def _end(self, is_over: Callable[[Rule], bool]) -> None:
        self.by_kernel = tuple(rule for rule in self.by_kernel if not is_over(rule))
        ended = {rule.id for rule in self._rules if is_over(rule)}
        self._rules = [rule for rule in self._rules if rule.id not in ended]
        self._known.clear()
        for key, flow in list(self._flows.items()):
            if flow.rule.id in ended:
                if flow.held:
                    flow.until = self.release_at = 0.0
                else:
                    del self._flows[key]

    def _matching(self, packet: Packet) -> _Known:
        """The flows that a packet belongs to, in the order of their effects."""
        if not self._rules:
            return ()
        kind = (
            packet.source,
            packet.destination,
            packet.protocol,
            getattr(packet, "source_port", None),
            getattr(packet, "destination_port", None),
            packet.end > packet.start,
        )
        known = self._known.get(kind)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            source, target = self._name_of(packet.source), self._name_of(packet.destination)
            known = self._known[kind] = tuple(
                self._flow(rule, source, target, packet.protocol)
                for rule in self._rules
                if rule.speaks_of(packet) and self._is_between(rule, source, target)
            )
        return known

    def _is_between(self, rule: Rule, source: str, target: str) -> bool:
        """Whether the other end is one that the rule speaks about.

        The near end is this cable's own node, whatever addresses it puts into its packets.
        """
        if self._leaving:
            return rule.targets is None or target in rule.targets
        return rule.sources is None or source in rule.sources

    def _flow(self, rule: Rule, source: str, target: str, protocol: int) -> _Flow:
        if rule.effect == "rate":
            # One queue for all that share the cable, or for a pair where the rule speaks about it.
            protocol = 0
            if rule.sources is None or rule.targets is None:
                source = target = "*"
        key = rule.id, source, target, protocol
        flow = self._flows.get(key)
        if flow is None:
            effect = rule.flow(self._seed, source, target, protocol)
            flow = self._flows[key] = _Flow(rule, effect)
        return flow

    def _proceed(self, passage: Passage, start: int, at: float) -> list[Delivery]:
        """Do what was decided about a packet, from one decision on; what is to be handed on."""
        behind: list[_Waiting] = []
        for index in range(start, len(passage.decisions)):
            flow, decision = passage.decisions[index]
            if flow.rule not in self._rules and start:
                continue  # it has ended while the packet waited
            if flow.rule.effect in HELD_FOR:
                number, overtaken = _queued(flow, decision)
                behind += overtaken
                if number and not passage.lost:
                    self._hold(flow, (number, passage, index + 1), at)
                    return []
            elif decision and not passage.lost:
                _do(flow, passage, decision)
        handed: list[Delivery] = []
        if not passage.lost:
            handed += zip(passage.departures, passage.frames(), strict=False)
        for waiting in behind:
            handed += self._go_on(waiting, at)
        return handed

    def _hold(self, flow: _Flow, waiting: _Waiting, at: float) -> None:
        waiting[1].by.append(flow.rule)
        waiting[1].held = True
        flow.held.append(waiting)
        if flow.until == inf:
            flow.until = at + HELD_FOR[flow.rule.effect]
            self.release_at = min(self.release_at, flow.until)

    def _let_go(self, flow: _Flow, at: float) -> list[Delivery]:
        """Hand on what waits, in the order in which it came."""
        waiting, flow.held, flow.until = flow.held, [], inf
        return [delivery for each in waiting for delivery in self._go_on(each, at)]

    def _go_on(self, waiting: _Waiting, at: float) -> list[Delivery]:
        _, passage, index = waiting
        passage.departures = [at] * len(passage.departures)
        handed = self._proceed(passage, index, at)
        if passage.lost:
            self.lost_late.append(passage)
        return handed


def _queued(flow: _Flow, decision: float) -> tuple[int, list[_Waiting]]:
    """Of a packet in a flow where packets may wait for others.

    Returns:
        Its number, where it is to wait, else 0; and what has waited for it, in the order in which
        that goes on behind it.
    """
    effect = flow.effect
    if not isinstance(effect, SwapThese):
        overtaken, flow.held = flow.held, []
        flow.until = inf
        return int(decision and not overtaken), overtaken
    if decision == effect.second:
        overtaken, flow.held = flow.held, []
        flow.until = inf
        # The first of the two goes last.
        overtaken.sort(key=lambda waiting: (waiting[0] == effect.first, waiting[0]))
        return 0, overtaken
    return int(decision), []


def _will_detect(packet: Packet, rule: Rule) -> bool:
    """Whether the receiver's system will find the damage.

    It does not where UDP is sent without a checksum (RFC 768). The checksum of a packet in
    fragments cannot be made right in one of them.
    """
    if isinstance(packet, Datagram) and packet.frame[packet.start - 2 : packet.start] == b"\0\0":
        return False
    return bool(rule.arguments["detected"]) or packet.fragmented


def _do(flow: _Flow, passage: Passage, decision: float) -> None:
    """Do one thing to a packet that is not lost yet and waits for nothing."""
    effect, rule = flow.effect, flow.rule
    passage.by.append(rule)
    match rule.effect:
        case "corrupt" | "corrupt-these":
            passage.damage.append((int(decision) - 1, _will_detect(passage.packet, rule)))
        case "duplicate" | "duplicate-these":
            passage.departures *= 2
        case "delay-these":
            passage.departures = [at + decision for at in passage.departures]
        case _ if isinstance(effect, Rate):
            left = [effect.departure(decision, at) for at in passage.departures]
            passage.departures = [at for at in left if at is not None]
            passage.lost = not passage.departures
        case _ if isinstance(effect, Delay):
            passage.departures = [effect.arrival(at + decision) for at in passage.departures]
        case _:
            passage.lost = True
