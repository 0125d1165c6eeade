"""The kinds of NAT as their users see them: classified, and punched through."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.wire.nat import (
    ADDRESS_AND_PORT_DEPENDENT,
    ADDRESS_DEPENDENT,
    BEHAVIOURS,
    ENDPOINT_INDEPENDENT,
    Nat,
)
from tests.wire.internet import Endpoint, Internet, ip, translating

FULL_CONE = ENDPOINT_INDEPENDENT, ENDPOINT_INDEPENDENT
ADDRESS_RESTRICTED = ENDPOINT_INDEPENDENT, ADDRESS_DEPENDENT
PORT_RESTRICTED = ENDPOINT_INDEPENDENT, ADDRESS_AND_PORT_DEPENDENT
SYMMETRIC = ADDRESS_AND_PORT_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT
KINDS = [FULL_CONE, ADDRESS_RESTRICTED, PORT_RESTRICTED, SYMMETRIC]
NAMES = ["full cone", "address-restricted", "port-restricted", "symmetric"]

SERVER = ("192.0.2.100", 3478)
OTHER_PORT, OTHER_ADDRESS, OTHER_BOTH = (
    ("192.0.2.100", 3479),
    ("192.0.2.101", 3478),
    ("192.0.2.101", 3479),
)

Kind = tuple[str, str]


def internet(*kinds: Kind) -> Internet:
    """An internet with a site for each kind of NAT, numbered from 1."""
    return Internet(
        {
            number: translating(
                number, Nat(*kind, 120, ip(f"192.0.2.{number}"), random.Random(number))
            )
            for number, kind in enumerate(kinds, 1)
        }
    )


def reflexive(net: Internet, host: Endpoint, server: Endpoint) -> Endpoint:
    """As what a server sees a host."""
    net.send(host, server, b"who am I")
    source, own, _ = net.last(server[0])
    assert own == server
    return source


def classified(net: Internet, host: str) -> Kind:
    """Mapping and filtering by the tests of RFC 5780, sections 4.3 and 4.4."""
    first, second, third = (
        reflexive(net, (host, 5000), server) for server in (SERVER, OTHER_ADDRESS, OTHER_BOTH)
    )
    if first == second:
        mapping = ENDPOINT_INDEPENDENT
    else:
        mapping = ADDRESS_DEPENDENT if second == third else ADDRESS_AND_PORT_DEPENDENT
    seen = reflexive(net, (host, 6000), SERVER)
    net.send(OTHER_BOTH, seen, b"from another address")
    net.send(OTHER_PORT, seen, b"from another port")
    heard = {source for source, own, _ in net.heard[host] if own == (host, 6000)}
    if OTHER_BOTH in heard:
        return mapping, ENDPOINT_INDEPENDENT
    return mapping, ADDRESS_DEPENDENT if OTHER_PORT in heard else ADDRESS_AND_PORT_DEPENDENT


@pytest.mark.parametrize("filtering", BEHAVIOURS)
@pytest.mark.parametrize("mapping", BEHAVIOURS)
def test_a_nat_is_found_to_be_what_it_was_made(mapping: str, filtering: str) -> None:
    assert classified(internet((mapping, filtering)), "10.1.0.2") == (mapping, filtering)


class Peer:
    """One who knows another's reflexive endpoint, and answers to where it hears from."""

    def __init__(self, net: Internet, host: Endpoint) -> None:
        self.net = net
        self.host = host
        self.seen = reflexive(net, host, SERVER)
        self.target = SERVER

    @property
    def heard(self) -> list[Endpoint]:
        return [source for source, _, _ in self.net.heard[self.host[0]]]

    def start(self) -> None:
        target = self.heard[-1] if self.heard else self.target
        self.net.start(self.host, target, b"probe")


def peers(first: Kind, second: Kind) -> tuple[Internet, Peer, Peer]:
    net = internet(first, second)
    a, b = Peer(net, ("10.1.0.2", 5000)), Peer(net, ("10.2.0.2", 6000))
    a.target, b.target = b.seen, a.seen
    return net, a, b


def arrive(net: Internet) -> None:
    while net.on_the_way:
        net.arrive(0)


@pytest.mark.parametrize("second", KINDS, ids=NAMES)
@pytest.mark.parametrize("first", KINDS, ids=NAMES)
def test_holes_can_be_punched_as_theory_says(first: Kind, second: Kind) -> None:
    net, a, b = peers(first, second)
    for _ in range(3):
        a.start()
        arrive(net)
        b.start()
        arrive(net)
    impossible = {first, second} in ({SYMMETRIC}, {SYMMETRIC, PORT_RESTRICTED})
    assert bool(a.heard and b.heard) is not impossible


@given(first=st.permutations("aabb"), arrivals=st.lists(st.integers(0, 4), max_size=8))
def test_port_restricted_punches_through_port_restricted_whoever_is_first_and_however_late(
    first: list[str], arrivals: list[int]
) -> None:
    net, a, b = peers(PORT_RESTRICTED, PORT_RESTRICTED)
    schedule = iter(arrivals)
    for name in first:
        (a if name == "a" else b).start()
        for _ in range(next(schedule, 0)):
            if net.on_the_way:
                net.arrive(next(schedule, 0) % len(net.on_the_way))
    arrive(net)
    a.start()
    b.start()
    arrive(net)
    assert set(a.heard) == {b.seen} == {("192.0.2.2", 6000)}
    assert set(b.heard) == {a.seen} == {("192.0.2.1", 5000)}


def test_who_comes_before_the_hole_is_open_hears_nothing_and_spoils_nothing() -> None:
    net, a, b = peers(PORT_RESTRICTED, PORT_RESTRICTED)
    b.start()
    net.arrive(0)
    assert net.on_the_way == []
    assert net.sites[1].dropped == "filtered"
    a.start()
    arrive(net)
    assert b.heard == [a.seen]


def test_two_behind_one_nat_reach_each_other_by_their_external_endpoints() -> None:
    net = internet(PORT_RESTRICTED)
    a, b = Peer(net, ("10.1.0.2", 5000)), Peer(net, ("10.1.0.3", 5000))
    a.target, b.target = b.seen, a.seen
    for _ in range(2):
        a.start()
        b.start()
    assert (set(a.heard), set(b.heard)) == ({b.seen}, {a.seen})
