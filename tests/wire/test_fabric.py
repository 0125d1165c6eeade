"""The way of frames between nodes and routers, in memory: nothing takes time but what rules say."""

import json
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from math import inf
from random import Random

import pytest

from peerlab.wire import fabric
from peerlab.wire.checksum import with_checksums
from peerlab.wire.control import Control
from peerlab.wire.fabric import Fabric, Place
from peerlab.wire.nat import Nat
from peerlab.wire.packet import Datagram, packed, parse
from peerlab.wire.router import Interface, Route, Router
from peerlab.wire.rules import Rule
from tests.wire import frames
from tests.wire.test_cable import rule

Make = Callable[..., "Network"]

INSIDE, OUTSIDE = frames.mac(201), frames.mac(202)


class Network:
    """Node u1 at home, u2 and u3 on the street, and a router between the two segments."""

    def __init__(self, nat: str | None = None) -> None:
        home, street = packed("10.9.0.201"), packed("10.9.1.202")
        links = [Interface(INSIDE, home, 24), Interface(OUTSIDE, street, 24)]
        made = nat and Nat(nat, nat, 120.0, street, Random(1))
        self.router = Router(links, [Route(bytes(4), 0, 1)], made or None)
        self.addresses = {1: "10.9.0.1", 2: "10.9.1.2", 3: "10.9.1.3"}
        places = [
            Place(f"u{number}", frames.mac(number), packed(ip), int(number > 1))
            for number, ip in self.addresses.items()
        ]
        places += [
            Place("r", INSIDE, home, 0, (self.router, 0)),
            Place("r", OUTSIDE, street, 1, (self.router, 1)),
        ]
        self.got: dict[int, list[bytes]] = defaultdict(list)
        self.runner, self._ours = socket.socketpair()
        self.control = Control(self._ours, 100)
        names = {place.ip: place.name or "" for place in places}
        self.fabric = Fabric(places, self._give, self.control, seed=1, names=names)
        for number in (1, 2, 3):  # routers ask who is where
            gateway = home if number == 1 else street
            self.fabric.take(number - 1, self.question(number, gateway), 0.0)
        self.got.clear()

    def close(self) -> None:
        self.runner.close()
        self._ours.close()

    def _give(self, number: int, frame: bytes) -> bool:
        self.got[number + 1].append(frame)
        return True

    def question(self, node: int, asked: bytes) -> bytes:
        """A node's ARP request."""
        own = frames.mac(node) + packed(self.addresses[node])
        body = bytes.fromhex("0001080006040001") + own + bytes(6) + asked
        return frames.BROADCAST + frames.mac(node) + b"\x08\x06" + body

    def send(self, node: int, to: str, text: bytes, at: float = 0.0) -> None:
        """Let a node send a datagram, over the router if it is not for its own segment."""
        frame = frames.udp((1, 2), text)
        header = bytearray(frame[:34])
        header[26:30], header[30:34] = packed(self.addresses[node]), packed(to)
        own = to.rsplit(".", 1)[0] == self.addresses[node].rsplit(".", 1)[0]
        gateway = INSIDE if node == 1 else OUTSIDE
        header[:12] = (frames.mac(int(to.rsplit(".", 1)[1])) if own else gateway) + frames.mac(node)
        self.fabric.take(node - 1, with_checksums(bytes(header) + frame[34:]), at)

    def heard(self, node: int) -> list[tuple[str, bytes]]:
        """From where a node got which datagrams."""
        packets = [parse(frame) for frame in self.got[node]]
        return [
            (".".join(map(str, packet.source)), packet.payload)
            for packet in packets
            if isinstance(packet, Datagram)
        ]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes networks that end with the test."""
    with ExitStack() as stack:

        def made(nat: str | None = None) -> Network:
            return stack.enter_context(closing(Network(nat)))

        yield made


def test_packets_reach_another_segment_over_the_router_and_live_shorter(make: Make) -> None:
    network = make()
    network.send(1, "10.9.1.2", b"hello")
    assert network.heard(2) == [("10.9.0.1", b"hello")]
    assert network.got[2][0][22] == 63
    assert network.heard(3) == []


def test_rules_act_at_the_cables_of_a_router_that_they_name(make: Make) -> None:
    network = make()
    network.fabric.put([rule("drop-these", which=[[1, 1]], source=["r"], target=["u2"])], 0.0)
    network.send(1, "10.9.1.2", b"lost")
    network.send(1, "10.9.1.3", b"another")
    network.send(1, "10.9.1.2", b"found")
    assert network.heard(2) == [("10.9.0.1", b"found")]
    assert network.heard(3) == [("10.9.0.1", b"another")]


def test_a_rule_for_everybody_does_not_act_again_at_the_router(make: Make) -> None:
    network = make()
    slow = rule("delay", source=None, seconds=1.0, jitter=0.0, keeps_order=True)
    network.fabric.put([slow], 0.0)
    network.send(1, "10.9.1.2", b"hello")
    assert network.fabric.agenda.due_at == 1.0
    network.fabric.agenda.catch_up(1.0, lambda: 1.0)
    assert network.heard(2) == [("10.9.0.1", b"hello")]
    assert network.fabric.agenda.due_at == inf


def test_a_nat_shows_its_own_address_and_brings_answers_back(make: Make) -> None:
    network = make("endpoint-independent")
    network.send(1, "10.9.1.2", b"hello")
    assert network.heard(2) == [("10.9.1.202", b"hello")]


def test_what_a_router_drops_is_told_with_the_reason(make: Make) -> None:
    network = make("address-dependent")
    network.send(3, "10.9.1.202", b"anyone?")
    network.control.drain(1.0)
    told = network.runner.recv(10_000).decode().splitlines()
    assert '"fate": "dropped", "by": ["r (no mapping)"], "cable": "r"' in told[0]
    assert len(told) == 2  # there, and that it left its node


@pytest.mark.parametrize("leaves", [True, False])
def test_a_pulled_cable_lets_nothing_pass_either_way(make: Make, *, leaves: bool) -> None:
    network = make()
    assert list(network.fabric.plug("u3", connected=False)) == [2]
    sender, target = (3, 2) if leaves else (2, 3)
    network.send(sender, network.addresses[target], b"lost")
    assert network.heard(target) == []
    network.fabric.plug("u3", connected=True)
    network.send(sender, network.addresses[target], b"heard")
    assert [text for _, text in network.heard(target)] == [b"heard"]


def test_rules_of_a_name_end_alone(make: Make) -> None:
    network = make()
    cut: list[Rule] = [rule("cut", source=["u2"], target=["u3"], name="split")]
    network.fabric.put(cut, 0.0)
    network.send(2, "10.9.1.3", b"lost")
    network.fabric.heal("other", 0.0)
    network.send(2, "10.9.1.3", b"lost, too")
    network.fabric.heal("split", 0.0)
    network.send(2, "10.9.1.3", b"heard")
    assert [text for _, text in network.heard(3)] == [b"heard"]


def told(network: Network) -> list[dict[str, object]]:
    """What was told of datagrams so far."""
    network.control.drain(1.0)
    return [json.loads(line) for line in network.runner.recv(100_000).splitlines()]


def delayed(seconds: float) -> Rule:
    return rule("delay", source=["u2"], seconds=seconds, jitter=0.0, keeps_order=True)


def test_a_datagram_that_finds_the_cable_pulled_when_it_is_due_is_told_twice(make: Make) -> None:
    network = make()
    network.fabric.put([delayed(1.0)], 0.0)
    network.send(2, "10.9.1.3", b"late")
    network.fabric.plug("u3", connected=False)
    network.fabric.agenda.catch_up(1.0, lambda: 1.0)
    network.send(2, "10.9.1.3", b"lost at once", 2.0)
    assert network.heard(3) == []
    assert [(each["text"], each["fate"], each.get("cable")) for each in told(network)] == [
        ("late", "delivered", None),
        ("late", "dropped", "u3"),
        ("lost at once", "dropped", None),
    ]


def test_more_than_may_wait_is_lost_and_counted(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fabric, "_MOST_WAITING", 100)
    network = make()
    network.fabric.put([delayed(1.0)], 0.0)
    for _ in range(5):
        network.send(2, "10.9.1.3", b"x" * 20)
    network.fabric.agenda.catch_up(1.0, lambda: 1.0)
    assert len(network.heard(3)) + network.fabric.overflowed == 5
    assert network.fabric.overflowed > 0
    network.send(2, "10.9.1.3", b"room again", 2.0)
    network.fabric.agenda.catch_up(3.0, lambda: 3.0)
    assert network.heard(3)[-1] == ("10.9.1.2", b"room again")


def test_what_goes_round_in_a_circle_ends_with_its_time_to_live(make: Make) -> None:
    network = make()
    # Each of the two has its way out on the other's inside.
    a, b = frames.mac(211), frames.mac(212)
    ends = packed("10.9.2.1"), packed("10.9.2.2")
    round_ = [
        Router([Interface(a, ends[0], 24)], [Route(bytes(4), 0, 0, ends[1])]),
        Router([Interface(b, ends[1], 24)], [Route(bytes(4), 0, 0, ends[0])]),
    ]
    places = [
        Place("a", a, ends[0], 0, (round_[0], 0)),
        Place("b", b, ends[1], 0, (round_[1], 0)),
        Place("u", frames.mac(1), packed("10.9.2.3"), 0),
    ]
    circle = Fabric(places, lambda _n, _f: True, network.control, seed=1, names={})
    frame = bytearray(frames.udp((1, 2), b"round and round"))
    frame[:6], frame[22] = a, 255
    circle.take(2, with_checksums(bytes(frame)), 0.0)
    assert circle.overflowed == 0
