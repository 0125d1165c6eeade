import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerlab.wire.checksum import checksums_hold, internet_checksum
from peerlab.wire.nat import BEHAVIOURS, Nat
from peerlab.wire.packet import ACK, SYN, Datagram, IcmpMessage, Packet, parse
from peerlab.wire.router import Interface, Route, Router
from tests.wire import internet
from tests.wire.internet import Site, arp, echo, interface, ip, ipv4, mac, read, report, udp

A, B = ("10.1.0.2", 5000), ("10.2.0.2", 7000)
FAR = ("203.0.113.5", 80)


def interfaces() -> list[Interface]:
    return [interface("10.1.0.1"), interface("10.2.0.1")]


def site(*routes: Route) -> Site:
    return Site(Router(interfaces(), routes), interfaces())


def icmp(packet: Packet) -> IcmpMessage:
    assert isinstance(packet, IcmpMessage)
    return packet


def to_router(frame: bytes, number: int = 0) -> bytes:
    return interfaces()[number].mac + mac(frame[26:30]) + frame[12:]


def test_a_packet_goes_to_its_destination_with_one_less_to_live() -> None:
    way, packet = site().one(0, udp(A, B, b"hello", ttl=64))
    assert way == 1
    assert packet.frame[:12] == mac(ip(B[0])) + interfaces()[1].mac
    assert packet.frame[22] == 63
    assert (packet.source, packet.destination) == (ip(A[0]), ip(B[0]))
    assert packet.payload == b"hello"


def test_padding_of_a_short_frame_is_not_sent_on() -> None:
    [(_, sent)] = site().send(0, udp(A, B) + bytes(30))
    assert len(sent) == 42


def test_options_in_the_header_stay() -> None:
    _, packet = site().one(0, ipv4((A[0], B[0]), 99, b"content", options=b"\x01" * 8))
    assert packet.frame[34:] == b"\x01" * 8 + b"content"


def test_the_longest_prefix_decides_and_its_gateway_gets_the_packet() -> None:
    routes = [
        Route(bytes(4), 0, 0, ip("10.1.0.9")),
        Route(ip("203.0.113.0"), 24, 1, ip("10.2.0.9")),
        Route(ip("203.0.0.0"), 16, 0, ip("10.1.0.8")),
    ]
    found = {
        target: (way, sent[2:6])
        for target in ("203.0.113.5", "203.0.7.5", "8.8.8.8")
        for way, sent in site(*routes).send(0, udp(A, (target, 80)))
    }
    assert found == {
        "203.0.113.5": (1, ip("10.2.0.9")),
        "203.0.7.5": (0, ip("10.1.0.8")),
        "8.8.8.8": (0, ip("10.1.0.9")),
    }


def test_the_network_of_an_interface_needs_no_gateway_even_beside_a_default_route() -> None:
    way, packet = site(Route(bytes(4), 0, 0, ip("10.1.0.9"))).one(0, udp(A, B))
    assert (way, packet.frame[:6]) == (1, mac(ip(B[0])))


@pytest.mark.parametrize("ttl", [0, 1])
def test_a_packet_whose_time_is_up_is_reported_and_quoted_as_it_came(ttl: int) -> None:
    net = site()
    sent = udp(A, B, b"hello", ttl=ttl)
    way, packet = net.one(0, sent)
    message = icmp(packet)
    assert way == 0
    assert (message.kind, message.code) == (11, 0)
    assert (message.source, message.destination) == (ip("10.1.0.1"), ip(A[0]))
    assert message.payload == sent[14:42]
    assert net.dropped == "time to live"


def test_a_packet_without_a_route_is_reported_as_unreachable() -> None:
    net = site()
    _, packet = net.one(0, udp(A, FAR))
    assert (icmp(packet).kind, icmp(packet).code) == (3, 0)
    assert net.dropped == "no route"


def test_what_is_quoted_has_the_whole_header_with_its_options() -> None:
    sent = ipv4((A[0], FAR[0]), 99, bytes(range(20)), options=b"\x01" * 8)
    _, packet = site().one(0, sent)
    assert packet.payload == sent[14 : 14 + 28 + 8]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(report(A[0], FAR[0], udp(B, A)), id="an error"),
        pytest.param(ipv4((A[0], FAR[0]), 1, b"\x0b"), id="an unreadable message"),
        pytest.param(ipv4((A[0], FAR[0]), 17, bytes(20), fragment=100), id="a later fragment"),
    ],
)
def test_no_error_is_reported_about(packet: bytes) -> None:
    net = site()
    assert net.send(0, packet) == []
    assert net.dropped == "no route"


def test_an_error_is_reported_about_a_ping_and_about_a_first_fragment() -> None:
    first = ipv4((A[0], FAR[0]), 17, bytes(24), fragment=0x2000)
    for sent in (echo(A[0], FAR[0], 5), first):
        assert icmp(site().one(0, sent)[1]).kind == 3


@pytest.mark.parametrize("own", ["10.1.0.1", "10.2.0.1"])
def test_a_ping_to_any_address_of_the_router_is_answered(own: str) -> None:
    way, packet = site().one(0, echo(A[0], own, 5))
    message = icmp(packet)
    assert way == 0
    assert (message.kind, message.code) == (0, 0)
    assert (message.source, message.destination) == (ip(own), ip(A[0]))
    assert message.frame[message.start - 4 : message.end] == struct.pack("!HH", 5, 1) + b"ping"


def test_a_damaged_ping_is_not_answered() -> None:
    net = site()
    ping = echo(A[0], "10.1.0.1", 5)
    assert net.send(0, ping[:-1] + b"!") == []
    assert net.dropped == "checksum"


def test_nothing_is_reported_to_who_cannot_be_reached() -> None:
    net = site()
    assert net.send(0, udp(FAR, ("8.8.8.8", 53))) == []
    assert net.dropped == "no route"


def test_a_link_between_two_has_no_address_for_all() -> None:
    links = [interface("10.1.0.1"), interface("10.2.0.0", 31)]
    way, packet = Site(Router(links), links).one(0, udp(A, ("10.2.0.1", 7000)))
    assert (way, packet.destination) == (1, ip("10.2.0.1"))


def test_a_ping_in_fragments_is_not_answered() -> None:
    net = site()
    ping = echo(A[0], "10.1.0.1", 5)
    assert net.send(0, ipv4((A[0], "10.1.0.1"), 1, ping[34:], fragment=0x2000)) == []
    assert net.dropped == "fragment to the router itself"


def test_a_datagram_to_the_router_itself_is_dropped() -> None:
    net = site()
    assert net.send(0, udp(A, ("10.2.0.1", 53))) == []
    assert net.dropped == "to the router itself"


@pytest.mark.parametrize(
    "target",
    [
        "255.255.255.255",
        "10.2.0.255",
        "10.2.0.0",
        "224.0.0.251",
        "240.0.0.1",
        "169.254.1.1",
        "127.0.0.1",
        "0.0.0.0",
    ],
)
def test_what_is_for_all_or_for_this_link_alone_is_never_forwarded(target: str) -> None:
    net = site(Route(bytes(4), 0, 1))
    assert net.send(0, udp(A, (target, 80), ttl=1)) == []
    assert net.dropped == "not to be forwarded"


@pytest.mark.parametrize("source", ["0.0.0.0", "224.0.0.1", "127.0.0.1", "10.1.0.255", "10.2.0.1"])
def test_a_source_that_cannot_be_is_dropped(source: str) -> None:
    net = site()
    assert net.send(0, udp((source, 1), B)) == []
    assert net.dropped == "source"


@pytest.mark.parametrize("to", [b"\xff" * 6, mac(ip("10.1.0.77")), bytes.fromhex("01005e000001")])
def test_a_frame_to_another_hardware_address_is_ignored(to: bytes) -> None:
    router = site().router
    assert router.take(0, to + to_router(udp(A, B))[6:], 0.0) == []
    assert router.last_drop == "not to this router"


def test_a_header_with_a_wrong_checksum_is_dropped() -> None:
    net = site()
    damaged = bytearray(udp(A, B, ttl=1))
    damaged[24] ^= 1
    assert net.send(0, bytes(damaged)) == []
    assert net.dropped == "checksum"


def test_a_damaged_payload_is_forwarded_as_it_is() -> None:
    damaged = udp(A, B, b"hello")[:-1] + b"!"
    [(_, sent)] = site().send(0, damaged)
    assert sent[34:] == damaged[34:]


def test_a_reason_is_forgotten_with_the_next_frame() -> None:
    net = site()
    net.send(0, udp(A, FAR))
    net.send(0, udp(A, B))
    assert net.dropped is None


class TestNeighbours:
    def test_the_router_tells_its_own_address_to_who_asks(self) -> None:
        [(way, answer)] = site().router.take(0, arp(1, A[0], "10.1.0.1"), 0.0)
        assert way == 0
        assert answer[:14] == mac(ip(A[0])) + mac(ip("10.1.0.1")) + b"\x08\x06"
        assert answer[20:42] == (
            b"\0\x02" + mac(ip("10.1.0.1")) + ip("10.1.0.1") + mac(ip(A[0])) + ip(A[0])
        )

    @pytest.mark.parametrize("asked", ["10.1.0.3", "10.2.0.1"])
    def test_it_tells_no_other_address(self, asked: str) -> None:
        router = site().router
        assert router.take(0, arp(1, A[0], asked), 0.0) == []
        assert router.last_drop == "ARP"

    def test_it_asks_for_a_neighbour_and_sends_all_that_waited_once_it_is_told(self) -> None:
        router = site().router
        [(way, question)] = router.take(0, to_router(udp(A, B, b"1")), 0.0)
        assert way == 1
        assert question == arp(1, "10.2.0.1", B[0])
        assert router.take(0, to_router(udp(A, B, b"2")), 0.5) == []
        assert router.last_drop is None
        sent = router.take(1, arp(2, B[0], "10.2.0.1", to=interfaces()[1].mac), 0.6)
        assert [(way, read(frame).payload) for way, frame in sent] == [(1, b"1"), (1, b"2")]

    def test_it_asks_again_after_a_second_and_no_sooner(self) -> None:
        router = site().router
        asked = [len(router.take(0, to_router(udp(A, B)), at)) for at in (0, 0.9, 1, 1.9, 2)]
        assert asked == [1, 0, 1, 0, 1]

    def test_of_more_than_sixteen_packets_the_newest_wait(self) -> None:
        router = site().router
        for number in range(20):
            router.take(0, to_router(udp(A, B, bytes((number,)))), 0.0)
        sent = router.take(1, arp(2, B[0], "10.2.0.1", to=interfaces()[1].mac), 0.1)
        assert [read(frame).payload[0] for _, frame in sent] == list(range(4, 20))

    def test_who_asks_the_router_need_not_be_asked_for(self) -> None:
        router = site().router
        router.take(1, arp(1, B[0], "10.2.0.1"), 0.0)
        [(_, sent)] = router.take(0, to_router(udp(A, B)), 0.0)
        assert read(sent).destination == ip(B[0])

    @pytest.mark.parametrize("target", ["10.2.0.1", B[0]])
    def test_a_newer_message_replaces_what_was_known_even_if_it_is_for_all(
        self, target: str
    ) -> None:
        router = site().router
        router.take(1, arp(1, B[0], "10.2.0.1"), 0.0)
        moved = b"\x02\x99\x99\x99\x99\x99"
        router.take(1, arp(1, B[0], target, hardware=moved), 0.0)
        [(_, sent)] = router.take(0, to_router(udp(A, B)), 0.0)
        assert sent[:6] == moved

    def test_a_neighbour_need_not_be_in_the_network_of_the_interface(self) -> None:
        way, packet = site(Route(bytes(4), 0, 1)).one(0, udp(A, FAR))
        assert (way, packet.frame[:6]) == (1, mac(ip(FAR[0])))

    def test_nobody_has_the_hardware_address_of_a_group(self) -> None:
        router = site().router
        assert router.take(1, arp(1, B[0], "10.2.0.1", hardware=b"\xff" * 6), 0.0) == []
        [(_, sent)] = router.take(0, to_router(udp(A, B)), 0.0)
        assert sent == arp(1, "10.2.0.1", B[0])

    @pytest.mark.parametrize(("place", "value"), [(15, 6), (17, 6), (21, 3)])
    def test_a_message_of_another_kind_is_dropped(self, place: int, value: int) -> None:
        router = site().router
        question = bytearray(arp(1, A[0], "10.1.0.1"))
        question[place] = value
        assert router.take(0, bytes(question), 0.0) == []
        assert router.last_drop == "ARP"

    def test_of_too_many_neighbours_the_first_is_asked_for_again(self) -> None:
        router = Router([interface("10.1.0.1"), interface("10.3.0.1", 16)])
        hosts = [f"10.3.{high}.{low}" for high in range(1, 18) for low in range(1, 242)]
        for host in hosts:  # one more than are remembered
            router.take(1, arp(1, host, "10.3.0.1"), 0.0)
        kinds = [
            router.take(0, to_router(udp(A, (host, 9))), 0.0)[0][1][12:14]
            for host in (hosts[0], hosts[1])
        ]
        assert kinds == [b"\x08\x06", b"\x08\x00"]

    def test_what_waits_for_many_that_never_answer_is_bounded(self) -> None:
        router = Router([interface("10.1.0.1"), interface("10.3.0.1", 16)])
        targets = [f"10.3.{high}.{low}" for high in (1, 2) for low in range(200)]
        for target in targets:
            router.take(0, to_router(udp(A, (target, 9))), 0.0)
        waited = [
            len(router.take(1, arp(2, target, "10.3.0.1"), 0.1)) for target in reversed(targets)
        ]
        assert sum(waited) == 256


@pytest.mark.parametrize(
    "route", [Route(bytes(4), 0, 2), Route(bytes(4), 0, 0, ip("10.2.0.9"))], ids=str
)
def test_a_route_that_leads_nowhere_is_refused(route: Route) -> None:
    with pytest.raises(ValueError, match="interface"):
        Router(interfaces(), [route])


def test_a_nat_of_another_address_is_refused() -> None:
    nat = Nat(*BEHAVIOURS[:2], 120, ip("192.0.2.1"), random.Random(1))
    with pytest.raises(ValueError, match="outside interface"):
        Router(interfaces(), nat=nat)


BEHAVIOUR = st.sampled_from(BEHAVIOURS)
SEEDS = [
    udp(A, B, b"hello"),
    udp(A, ("10.1.0.1", 9)),
    udp(A, ("192.0.2.1", 5000)),
    udp(("192.0.2.100", 7000), ("192.0.2.1", 5000), b"hello"),
    internet.tcp(A, ("192.0.2.100", 7000), SYN),
    internet.tcp(("192.0.2.100", 7000), ("192.0.2.1", 5000), SYN | ACK),
    echo(A[0], "192.0.2.100", 5),
    echo("192.0.2.100", "192.0.2.1", 5, reply=True),
    echo(A[0], "10.1.0.1", 5),
    udp(A, ("192.0.2.100", 7000), b"hello"),
    ipv4((A[0], "192.0.2.100"), 17, struct.pack("!HHHH", 5000, 7000, 40, 0), fragment=0x2000),
    ipv4((A[0], "192.0.2.100"), 17, bytes(16), fragment=1),
    report("192.0.2.77", "192.0.2.1", udp(("192.0.2.1", 5000), ("192.0.2.100", 7000))),
    report(A[0], "192.0.2.100", udp(("192.0.2.100", 7000), A)),
    arp(1, "10.1.0.2", "10.1.0.1"),
    arp(2, "192.0.2.100", "192.0.2.1"),
]
CHANGES = st.dictionaries(st.integers(0, 80), st.integers(0, 255), max_size=3)
FRAMES = st.tuples(
    st.integers(0, 1), st.sampled_from(SEEDS) | st.binary(max_size=80), CHANGES, st.booleans()
)


def damaged(seed: bytes, changes: dict[int, int], interface: Interface, *, sealed: bool) -> bytes:
    """A seed with some bytes changed, and with a right IP checksum again if so wished."""
    frame = bytearray(interface.mac + seed[6:] if len(seed) > 6 else seed)
    for place, value in changes.items():
        if place < len(frame):
            frame[place] = value
    if sealed and len(frame) >= 34:
        frame[24:26] = b"\0\0"
        header = bytes(frame[14 : 14 + (frame[14] & 15) * 4])
        frame[24:26] = internet_checksum(header).to_bytes(2)
    return bytes(frame)


@given(mapping=BEHAVIOUR, filtering=BEHAVIOUR, traffic=st.lists(FRAMES, max_size=12))
@settings(max_examples=200, deadline=None)
def test_whatever_comes_nothing_raises_and_no_checksum_becomes_wrong(
    mapping: str, filtering: str, traffic: list[tuple[int, bytes, dict[int, int], bool]]
) -> None:
    nat = Nat(mapping, filtering, 120, ip("192.0.2.1"), random.Random(1), limit=8)
    links = [interface("10.1.0.1"), interface("192.0.2.1")]
    for router in (Router(links, nat=nat), Router(links)):
        for answer in ("10.1.0.2", "192.0.2.100"):
            router.take(answer.startswith("192"), arp(1, answer, answer[:-1] + "1"), 0.0)
        bad = False
        for at, seed, changes, sealed in traffic:
            frame = damaged(seed, changes, links[at], sealed=sealed)
            bad = bad or (parse(frame) is not None and not checksums_hold(frame))
            for way, sent in router.take(at, frame, 1.0):
                assert sent[6:12] == links[way].mac
                packet = parse(sent)
                if packet is not None:
                    header = sent[14 : 14 + (sent[14] & 15) * 4]
                    assert internet_checksum(header) == 0
                    assert checksums_hold(sent) or bad
                    assert not isinstance(packet, Datagram) or packet.frame[22] > 0
