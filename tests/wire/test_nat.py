import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.wire.checksum import checksums_hold
from peerlab.wire.ends import seal
from peerlab.wire.nat import (
    ADDRESS_AND_PORT_DEPENDENT,
    ADDRESS_DEPENDENT,
    ENDPOINT_INDEPENDENT,
    Nat,
)
from peerlab.wire.packet import ACK, FIN, RST, SYN, Datagram, IcmpMessage, Packet, Segment
from peerlab.wire.router import Route, Router
from tests.wire.internet import (
    Endpoint,
    Site,
    dotted,
    echo,
    icmp,
    interface,
    ip,
    ipv4,
    read,
    report,
    tcp,
    translating,
    udp,
)

A, B = ("10.1.0.2", 5000), ("10.1.0.3", 5000)
WAN = "192.0.2.1"
FAR, OTHER = ("192.0.2.100", 7000), ("192.0.2.101", 7000)
MORE = 0x2000


def nat(
    mapping: str = ENDPOINT_INDEPENDENT,
    filtering: str = ADDRESS_AND_PORT_DEPENDENT,
    *,
    limit: int = 16384,
) -> Nat:
    return Nat(mapping, filtering, 120, ip(WAN), random.Random(7), limit=limit)


def site(kind: Nat | None = None) -> Site:
    return translating(1, kind or nat())


def external(packet: Packet) -> Endpoint:
    assert isinstance(packet, Datagram | Segment)
    return dotted(packet.source), packet.source_port


def internal(packet: Packet) -> Endpoint:
    assert isinstance(packet, Datagram | Segment)
    return dotted(packet.destination), packet.destination_port


def out(net: Site, source: Endpoint, target: Endpoint = FAR, now: float = 0.0) -> Endpoint:
    """The external endpoint that a datagram from inside is given."""
    way, packet = net.one(0, udp(source, target, b"hello"), now)
    assert way == 1
    return external(packet)


def comes_in(net: Site, port: int = 5000, source: Endpoint = FAR, now: float = 0.0) -> bool:
    """Whether a datagram from outside reaches somebody inside."""
    return bool(net.send(1, udp(source, (WAN, port)), now))


def test_a_datagram_leaves_with_the_external_address_and_the_answer_finds_back() -> None:
    net = site()
    way, sent = net.one(0, udp(A, FAR, b"hello"))
    assert way == 1
    assert external(sent) == (WAN, 5000)
    assert (internal(sent), sent.payload, sent.frame[22]) == (FAR, b"hello", 63)
    way, answer = net.one(1, udp(FAR, (WAN, 5000), b"hi"))
    assert way == 0
    assert external(answer) == FAR
    assert (internal(answer), answer.payload, answer.frame[22]) == (A, b"hi", 63)


def test_a_datagram_without_a_checksum_stays_without() -> None:
    bare = bytearray(udp(A, FAR, b"hello"))
    bare[40:42] = b"\0\0"
    _, packet = site().one(0, bytes(bare))
    assert packet.frame[40:42] == b"\0\0"


@given(payload=st.binary(max_size=20), port=st.integers(1, 65535), damage=st.booleans())
def test_a_checksum_that_is_right_stays_right_and_one_that_is_wrong_stays_wrong(
    payload: bytes, port: int, *, damage: bool
) -> None:
    for frame in (udp((A[0], port), FAR, payload + b"."), tcp((A[0], port), FAR, SYN)):
        changed = frame[:-1] + bytes((frame[-1] ^ damage,))
        [(_, sent)] = site(nat(ADDRESS_DEPENDENT)).send(0, changed)
        assert checksums_hold(sent) == (not damage)


class TestMapping:
    def test_an_independent_mapping_keeps_the_port_and_serves_all_destinations(self) -> None:
        net = site()
        assert {out(net, A), out(net, A, OTHER), out(net, A, (FAR[0], 1))} == {(WAN, 5000)}

    def test_a_port_that_is_taken_is_replaced_by_the_next_that_is_as_even_or_odd(self) -> None:
        net = site()
        assert [out(net, (f"10.1.0.{host}", 5000))[1] for host in (2, 3, 4)] == [5000, 5002, 5004]

    def test_after_the_last_port_comes_the_first_that_is_as_even_or_odd(self) -> None:
        net = site()
        assert [out(net, (f"10.1.0.{host}", 65535))[1] for host in (2, 3)] == [65535, 1025]

    def test_ports_of_the_system_stay_among_themselves_as_long_as_there_are_any(self) -> None:
        net = site()
        wanted = [(2, 53), (3, 1023), (4, 1023), (4, 53)]
        ports = [out(net, (f"10.1.0.{host}", port))[1] for host, port in wanted]
        assert ports == [53, 1023, 1, 55]

    def test_where_no_port_of_the_system_is_left_another_is_given(self) -> None:
        net = site()
        for port in range(1, 1024, 2):
            out(net, (A[0], port))
        assert out(net, (B[0], 53)) == (WAN, 1077)

    def test_a_port_of_a_mapping_that_ended_is_free_again(self) -> None:
        net = site()
        out(net, A, now=0)
        assert out(net, B, now=120) == (WAN, 5000)

    def test_udp_and_tcp_have_their_own_ports(self) -> None:
        net = site()
        out(net, A)
        assert external(net.one(0, tcp(B, FAR, SYN))[1]) == (WAN, 5000)

    @pytest.mark.parametrize(
        ("mapping", "count"), [(ADDRESS_DEPENDENT, 2), (ADDRESS_AND_PORT_DEPENDENT, 3)]
    )
    def test_a_dependent_mapping_gives_each_new_destination_a_port_by_chance(
        self, mapping: str, count: int
    ) -> None:
        targets = [FAR, (FAR[0], 7001), OTHER]
        net = site(nat(mapping))
        given_ports = [out(net, A, target)[1] for target in targets]
        assert len(set(given_ports)) == count
        assert 5000 not in given_ports
        assert [out(net, A, target)[1] for target in targets] == given_ports

    def test_the_same_seed_gives_the_same_ports(self) -> None:
        first, second = (site(nat(ADDRESS_DEPENDENT)) for _ in range(2))
        assert out(first, A) == out(second, A)

    def test_of_too_many_mappings_that_used_longest_ago_is_forgotten(self) -> None:
        net = site(nat(limit=2))
        out(net, (A[0], 1111))
        out(net, (A[0], 2222))
        out(net, (A[0], 1111))
        out(net, (A[0], 3333))
        assert [comes_in(net, port) for port in (1111, 2222, 3333)] == [True, False, True]


class TestFiltering:
    @pytest.mark.parametrize(
        ("filtering", "passing"),
        [
            (ENDPOINT_INDEPENDENT, [True, True, True]),
            (ADDRESS_DEPENDENT, [True, True, False]),
            (ADDRESS_AND_PORT_DEPENDENT, [True, False, False]),
        ],
    )
    @pytest.mark.parametrize("protocol", ["udp", "tcp"])
    def test_who_may_answer(self, protocol: str, filtering: str, passing: list[bool]) -> None:
        kind = nat(filtering=filtering)
        net = site(kind)
        net.send(0, udp(A, FAR) if protocol == "udp" else tcp(A, FAR, SYN))
        sources = [FAR, (FAR[0], 7001), OTHER]
        target = (WAN, 5000)
        found = [
            bool(net.send(1, udp(one, target) if protocol == "udp" else tcp(one, target, SYN)))
            for one in sources
        ]
        assert found == passing
        assert kind.refused == passing.count(False)
        assert kind.translated == 1 + passing.count(True)

    def test_what_nobody_asked_for_is_dropped_without_an_answer(self) -> None:
        kind = nat()
        net = site(kind)
        for frame in (udp(FAR, (WAN, 5000)), tcp(FAR, (WAN, 5000), SYN)):
            assert net.send(1, frame) == []
            assert net.dropped == "no mapping"
        out(net, A)
        assert not comes_in(net, source=OTHER)
        assert net.dropped == "filtered"
        assert kind.refused == 3

    def test_what_was_dropped_does_not_cost_the_later_flow_its_port(self) -> None:
        net = site()
        for _ in range(3):
            comes_in(net)
        assert out(net, A) == (WAN, 5000)
        assert comes_in(net)

    @pytest.mark.parametrize("filtering", [ADDRESS_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT])
    def test_a_filter_forgets_a_peer_while_another_keeps_the_mapping(self, filtering: str) -> None:
        net = site(nat(filtering=filtering))
        out(net, A, FAR, now=0)
        out(net, A, OTHER, now=100)
        assert not comes_in(net, source=FAR, now=130)
        assert comes_in(net, source=OTHER, now=130)

    def test_of_too_many_peers_of_one_mapping_the_first_is_forgotten(self) -> None:
        net = site()
        for port in range(1, 1026):
            out(net, A, (FAR[0], port))
        found = [comes_in(net, source=(FAR[0], port)) for port in (1, 2, 1025)]
        assert found == [False, True, True]

    @pytest.mark.parametrize("target", [A[0], "10.1.0.1", "192.0.2.200"])
    def test_nobody_outside_can_address_what_is_not_the_external_address(self, target: str) -> None:
        net = site(nat(filtering=ENDPOINT_INDEPENDENT))
        out(net, A)
        assert net.send(1, udp(FAR, (target, 5000))) == []
        assert net.dropped == "not to the external address"

    def test_nobody_inside_can_pretend_to_be_outside(self) -> None:
        net = site()
        assert net.send(0, udp(("192.0.2.50", 5000), FAR)) == []
        assert net.dropped == "source"


class TestTimeouts:
    def test_a_udp_mapping_ends_after_its_time_without_traffic(self) -> None:
        net = site()
        out(net, A, now=10)
        assert comes_in(net, now=129.9)
        assert not comes_in(net, now=130)

    def test_traffic_from_inside_keeps_a_udp_mapping(self) -> None:
        net = site()
        out(net, A, now=0)
        out(net, A, now=100)
        assert comes_in(net, now=219)

    def test_traffic_from_outside_does_not_keep_a_udp_mapping(self) -> None:
        net = site()
        out(net, A, now=0)
        assert comes_in(net, now=100)
        assert not comes_in(net, now=120)

    @pytest.mark.parametrize(
        ("segments", "idle"),
        [
            pytest.param([(0, SYN)], 240, id="asked"),
            pytest.param([(0, SYN), (1, SYN | ACK)], 240, id="answered"),
            pytest.param([(0, SYN), (1, SYN | ACK), (0, ACK)], 7440, id="open"),
            pytest.param([(0, SYN), (1, SYN), (0, SYN | ACK), (1, ACK)], 7440, id="both opened"),
            pytest.param(
                [(0, SYN), (1, SYN | ACK), (0, ACK), (0, FIN | ACK)], 7440, id="half closed"
            ),
            pytest.param(
                [(0, SYN), (1, SYN | ACK), (0, ACK), (0, FIN | ACK), (1, FIN | ACK)],
                240,
                id="closed",
            ),
            pytest.param([(0, SYN), (1, SYN | ACK), (0, ACK), (1, RST)], 240, id="reset"),
            pytest.param(
                [(0, SYN), (1, RST | ACK), (0, SYN), (1, SYN | ACK), (0, ACK)], 7440, id="again"
            ),
        ],
    )
    def test_a_connection_is_kept_by_how_far_it_is(
        self, segments: list[tuple[int, int]], idle: float
    ) -> None:
        for late, expected in ((idle - 0.1, True), (idle, False)):
            net = site()
            for at, flags in segments:
                ends = (FAR, (WAN, 5000)) if at else (A, FAR)
                assert net.send(at, tcp(*ends, flags), 50)
            assert bool(net.send(1, tcp(FAR, (WAN, 5000), ACK), 50 + late)) is expected

    def test_a_connection_that_was_forgotten_is_not_taken_for_open(self) -> None:
        net = site()
        for at, flags in [(0, SYN), (1, SYN | ACK), (0, ACK)]:
            net.send(at, tcp(*((FAR, (WAN, 5000)) if at else (A, FAR)), flags), 0)
        net.send(0, tcp(A, OTHER, SYN), 7300)  # this keeps the mapping
        net.send(0, tcp(A, FAR, ACK), 7500)
        assert not net.send(1, tcp(FAR, (WAN, 5000), ACK), 7740)

    def test_a_query_is_kept_for_a_minute(self) -> None:
        for late, expected in ((59.9, 1), (60, 0)):
            net = site()
            net.send(0, echo(A[0], FAR[0], 5), 0)
            assert len(net.send(1, echo(FAR[0], WAN, 5, reply=True), late)) == expected


class TestHairpinning:
    def test_two_inside_reach_each_other_by_external_endpoints_and_see_no_others(self) -> None:
        net = site()
        first, second = out(net, A), out(net, B)
        assert net.send(0, udp(A, second, b"1")) == []
        assert net.dropped == "filtered"
        way, packet = net.one(0, udp(B, first, b"2"))
        assert way == 0
        assert (external(packet), internal(packet), packet.payload) == (second, A, b"2")
        assert packet.frame[22] == 63
        way, packet = net.one(0, udp(A, second, b"3"))
        assert (external(packet), internal(packet), packet.payload) == (first, B, b"3")

    def test_an_error_about_it_comes_to_the_sender_in_terms_of_what_was_sent(self) -> None:
        net = site(nat(filtering=ENDPOINT_INDEPENDENT))
        second = out(net, B)
        _, packet = net.one(0, udp(A, second))
        way, error = net.one(0, report(B[0], WAN, packet.frame))
        assert way == 0
        assert (error.source, error.destination) == (ip(WAN), ip(A[0]))
        assert error.payload[12:24] == udp(A, second)[26:38]

    def test_a_port_that_nobody_has_leads_to_nobody(self) -> None:
        net = site()
        assert net.send(0, udp(A, (WAN, 9))) == []
        assert net.dropped == "no mapping"


class TestIcmp:
    def test_a_ping_goes_out_and_its_reply_comes_back(self) -> None:
        net = site()
        way, packet = net.one(0, echo(A[0], FAR[0], 5))
        assert (way, packet.source) == (1, ip(WAN))
        way, packet = net.one(1, echo(FAR[0], WAN, 5, reply=True))
        assert (way, packet.destination) == (0, ip(A[0]))

    def test_pings_of_two_with_one_identifier_are_told_apart(self) -> None:
        net = site()
        identifiers = []
        for host in (A[0], B[0]):
            _, packet = net.one(0, echo(host, FAR[0], 5))
            identifiers.append(int.from_bytes(packet.frame[38:40]))
        assert len(set(identifiers)) == 2
        for host, identifier in zip((A[0], B[0]), identifiers, strict=True):
            _, packet = net.one(1, echo(FAR[0], WAN, identifier, reply=True))
            assert packet.destination == ip(host)
            assert int.from_bytes(packet.frame[38:40]) == 5

    def test_an_identifier_of_zero_comes_back_as_zero_with_a_checksum_that_holds(self) -> None:
        net = site()
        silent = ipv4((A[0], FAR[0]), 1, b"\x08\0\xf7\xff" + bytes(8))
        _, packet = net.one(0, silent)
        identifier = packet.frame[38:40]
        assert any(identifier)
        checksum = (0xFFFF - int.from_bytes(identifier)).to_bytes(2)
        reply = b"\0\0" + checksum + identifier + bytes(6)
        _, packet = net.one(1, ipv4((FAR[0], WAN), 1, reply))
        assert packet.frame[38:40] == b"\0\0"

    @pytest.mark.parametrize(("at", "source", "own"), [(0, A[0], "10.1.0.1"), (1, FAR[0], WAN)])
    def test_the_router_answers_pings_to_itself_from_either_side(
        self, at: int, source: str, own: str
    ) -> None:
        kind = nat()
        way, packet = site(kind).one(at, echo(source, own, 5))
        assert isinstance(packet, IcmpMessage)
        assert (way, packet.kind) == (at, 0)
        assert (packet.source, packet.destination) == (ip(own), ip(source))
        assert kind.translated == 0

    def test_a_reply_that_nobody_asked_for_is_dropped(self) -> None:
        assert site().send(1, echo(FAR[0], WAN, 5, reply=True)) == []

    @pytest.mark.parametrize("kind", [3, 11])
    @pytest.mark.parametrize("protocol", ["udp", "tcp", "icmp"])
    def test_an_error_from_outside_comes_in_and_quotes_what_the_sender_sent(
        self, protocol: str, kind: int
    ) -> None:
        original = {
            "udp": udp(B, FAR, b"hello"),
            "tcp": tcp(B, FAR, SYN),
            "icmp": echo(B[0], FAR[0], 5000),
        }[protocol]
        net = site()
        net.send(0, udp(A, OTHER))
        net.send(0, tcp(A, OTHER, SYN))
        net.send(0, echo(A[0], OTHER[0], 5000))
        _, sent = net.one(0, original)
        way, packet = net.one(1, report("192.0.2.77", WAN, sent.frame, kind, 1))
        assert isinstance(packet, IcmpMessage)
        assert (way, packet.kind, packet.code) == (0, kind, 1)
        assert (packet.source, packet.destination) == (ip("192.0.2.77"), ip(B[0]))
        aged = bytearray(original[14:42])
        aged[8] -= 1
        # The quoted header's checksum follows its addresses and its age, which the way changed.
        assert packet.payload[:10] + packet.payload[12:] == bytes(aged[:10] + aged[12:])

    def test_an_error_about_a_flow_that_is_not_mapped_is_dropped(self) -> None:
        kind = nat()
        net = site(kind)
        out(net, A)
        for about in (udp((WAN, 5001), FAR), udp((WAN, 5000), OTHER), udp(("10.9.9.9", 5000), FAR)):
            assert net.send(1, report("192.0.2.77", WAN, about)) == []
            assert net.dropped == "no mapping"
        assert kind.refused == 3

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            pytest.param(8, 1, id="time to live without its checksum"),
            pytest.param(0, 0x65, id="another version"),
            pytest.param(0, 0x44, id="header too short"),
            pytest.param(0, 0x4F, id="header too long"),
            pytest.param(9, 99, id="another protocol"),
            pytest.param(7, 1, id="a later fragment"),
        ],
    )
    def test_an_error_that_quotes_what_cannot_be_read_is_dropped(
        self, place: int, value: int
    ) -> None:
        net = site()
        _, sent = net.one(0, udp(A, FAR))
        quote = bytearray(sent.frame)
        quote[14 + place] = value
        if place in (7, 9):
            seal(quote, 14)
        message = icmp(3, 3, bytes(4) + bytes(quote[14:42]))
        assert net.send(1, ipv4(("192.0.2.77", WAN), 1, message)) == []
        assert net.dropped == "unreadable ICMP error"

    @pytest.mark.parametrize("damage", [1, 0])
    def test_an_error_comes_in_only_undamaged(self, damage: int) -> None:
        net = site()
        _, sent = net.one(0, udp(A, FAR))
        whole = report("192.0.2.77", WAN, sent.frame)
        changed = whole[:-1] + bytes((whole[-1] ^ damage,))
        assert len(net.send(1, changed)) == 1 - damage

    def test_an_error_from_inside_about_nothing_that_is_mapped_stays_inside(self) -> None:
        net = site()
        assert net.send(0, report(A[0], FAR[0], udp(FAR, A))) == []
        assert net.dropped == "no mapping"

    @pytest.mark.parametrize("kind", [0, 13])
    def test_no_other_message_goes_out(self, kind: int) -> None:
        net = site()
        assert net.send(0, ipv4((A[0], FAR[0]), 1, icmp(kind, 0, bytes(16)))) == []
        assert net.dropped == "protocol not translated"

    def test_an_error_from_inside_tells_nothing_about_the_inside(self) -> None:
        net = site()
        out(net, A)
        _, received = net.one(1, udp(FAR, (WAN, 5000), b"hi"))
        way, packet = net.one(0, report(A[0], FAR[0], received.frame))
        assert way == 1
        assert (packet.source, packet.destination) == (ip(WAN), ip(FAR[0]))
        assert packet.payload[12:28] == udp(FAR, (WAN, 5000), b"hi")[26:42]

    def test_a_packet_whose_time_is_up_costs_no_mapping_and_is_quoted_untranslated(self) -> None:
        kind = nat()
        net = site(kind)
        sent = udp(A, FAR, ttl=1)
        way, packet = net.one(0, sent)
        assert (way, packet.destination, packet.payload) == (0, ip(A[0]), sent[14:42])
        assert not comes_in(net)
        assert net.dropped == "no mapping"

    def test_to_the_outside_the_router_quotes_the_external_endpoint(self) -> None:
        net = site()
        out(net, A)
        sent = udp(FAR, (WAN, 5000), ttl=1)
        way, packet = net.one(1, sent)
        assert (way, packet.source, packet.payload) == (1, ip(WAN), sent[14:42])

    def test_an_unsolicited_datagram_is_not_reported_even_when_its_time_is_up(self) -> None:
        assert site().send(1, udp(FAR, (WAN, 5000), ttl=1)) == []

    def test_another_protocol_is_not_translated(self) -> None:
        net = site()
        for at, ends in enumerate([(A[0], FAR[0]), (FAR[0], WAN)]):
            assert net.send(at, ipv4(ends, 47, bytes(20))) == []
            assert net.dropped == "protocol not translated"


class TestFragments:
    PAYLOAD = bytes(range(32))

    def parts(self, source: Endpoint, target: Endpoint) -> list[bytes]:
        """A datagram in three fragments, eight bytes of payload in the first."""
        whole = udp(source, target, self.PAYLOAD)[34:]
        ends = source[0], target[0]
        return [
            ipv4(ends, 17, whole[:16], fragment=MORE),
            ipv4(ends, 17, whole[16:24], fragment=MORE | 2),
            ipv4(ends, 17, whole[24:], fragment=3),
        ]

    def together(self, sent: list[tuple[int, bytes]]) -> Packet:
        """The datagram that fragments give, which are to be right in all checksums."""
        packets = sorted((read(frame) for _, frame in sent), key=lambda packet: packet.offset)
        content = b"".join(packet.frame[34:] for packet in packets)
        ends = dotted(packets[0].source), dotted(packets[0].destination)
        joined = bytearray(ipv4(ends, 17, content))
        joined[40:42] = content[6:8]  # the checksum that came
        return read(bytes(joined))

    @pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0), (1, 0, 2)])
    def test_fragments_are_translated_in_whatever_order_they_come(
        self, order: tuple[int, ...]
    ) -> None:
        net = site()
        out(net, B)
        sent = [one for at in order for one in net.send(0, self.parts(A, FAR)[at])]
        whole = self.together(sent)
        assert len(sent) == 3
        assert external(whole) == (WAN, 5002)
        assert whole.payload == self.PAYLOAD
        parts = self.parts(FAR, (WAN, 5002))
        back = [one for at in order for one in net.send(1, parts[at])]
        assert internal(self.together(back)) == A

    def test_fragments_of_what_was_refused_are_dropped_too(self) -> None:
        net = site()
        parts = self.parts(FAR, (WAN, 5000))
        assert [net.send(1, part) for part in parts] == [[], [], []]
        assert net.dropped == "first fragment dropped"

    def test_a_fragment_that_waited_too_long_is_not_sent(self) -> None:
        net = site()
        first, second, _ = self.parts(A, FAR)
        assert net.send(0, second, 0) == []
        assert net.dropped is None
        assert len(net.send(0, first, 30)) == 1

    def test_a_packet_is_not_remembered_for_ever(self) -> None:
        net = site()
        first, second, _ = self.parts(A, FAR)
        net.send(0, first, 0)
        assert net.send(0, second, 30) == []

    def test_of_too_many_packets_in_fragments_the_first_is_forgotten(self) -> None:
        net = site()
        for host in range(2, 259):
            source = f"10.1.0.{host}" if host < 255 else f"10.1.0.{host - 200}", 5000 + host
            target = (f"192.0.2.{100 + host // 255}", 7000)
            net.send(0, self.parts(source, target)[0])
        later = [len(net.send(0, self.parts((f"10.1.0.{host}", 1), FAR)[1])) for host in (200, 2)]
        assert later == [1, 0]

    def test_no_more_fragments_wait_than_the_largest_packet_has(self) -> None:
        net = site()
        out(net, B)
        first, second, _ = self.parts(A, FAR)
        for _ in range(100):
            net.send(0, second)
        assert len(net.send(0, first)) == 65

    def test_fragments_turn_back_inside_as_well(self) -> None:
        net = site(nat(filtering=ENDPOINT_INDEPENDENT))
        out(net, B)
        sent = [one for part in self.parts(A, (WAN, 5000)) for one in net.send(0, part)]
        whole = self.together(sent)
        assert (external(whole), internal(whole)) == ((WAN, 5002), B)

    def test_a_first_fragment_that_hides_its_ports_is_dropped(self) -> None:
        net = site()
        assert (
            net.send(0, ipv4((A[0], FAR[0]), 6, struct.pack("!HHI", 1, 2, 3), fragment=MORE)) == []
        )
        assert net.dropped == "protocol not translated"


def test_a_network_behind_two_translations_is_translated_twice() -> None:
    links = [interface("10.1.0.1"), interface("100.64.0.2")]
    own = Nat(ENDPOINT_INDEPENDENT, ENDPOINT_INDEPENDENT, 120, ip("100.64.0.2"), random.Random(1))
    home = Site(Router(links, [Route(bytes(4), 0, 1, ip("100.64.0.1"))], own), links)
    links = [interface("100.64.0.1"), interface(WAN)]
    carrier = Site(Router(links, nat=nat()), links)
    _, middle = home.one(0, udp(A, FAR))
    _, sent = carrier.one(0, middle.frame)
    assert external(middle) == ("100.64.0.2", 5000)
    assert external(sent) == (WAN, 5000)
    _, middle = carrier.one(1, udp(FAR, (WAN, 5000), b"hi"))
    way, packet = home.one(1, middle.frame)
    assert (way, internal(packet), packet.payload) == (0, A, b"hi")


def test_an_unknown_behaviour_is_refused() -> None:
    with pytest.raises(ValueError, match="'cone'"):
        nat("cone")
