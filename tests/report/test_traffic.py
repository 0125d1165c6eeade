import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.report.onward import router_addresses
from peerlab.report.passages import Carrier
from peerlab.report.traffic import losses, read_traffic

ADDRESSES = {"10.0.0.1": "u1", "10.0.0.2": "u2", "10.0.0.3": "u3"}


def datagram(at: float = 1.0, text: str = "m1 Hi", **about: object) -> Event:
    told = {"to": "u2", "source": "10.0.0.1:5", "destination": "10.0.0.2:5", "size": 5}
    return Event(at, Kind.DATAGRAM, "u1", text, told | {"fate": "delivered"} | about)


def message(kind: Kind, node: str, number: str = "m1", peer: str = "10.0.0.2") -> Event:
    at = 1.0 if kind is Kind.SENT else 1.5
    return Event(at, kind, node, "Hi there", {"id": number, "peer": peer})


def test_a_datagram_is_named_by_the_message_that_it_carries() -> None:
    (passage,) = read_traffic([datagram(), message(Kind.SENT, "u1")], ADDRESSES).passages
    assert (passage.carrier, passage.what) == (Carrier.UDP, "Hi there")
    assert (passage.source, passage.target, passage.is_odd) == ("u1", "u2", False)


def test_a_datagram_is_not_named_by_a_message_that_has_no_id() -> None:
    sent = Event(1.0, Kind.SENT, "u1", "Hi there", {"id": None, "peer": "10.0.0.2"})
    (passage,) = read_traffic([datagram(text="None of us"), sent], ADDRESSES).passages
    assert passage.what == "None of us"


def test_a_datagram_that_was_lost_says_by_what() -> None:
    lost = datagram(fate="dropped", by=["step 3 (drop: 1)"])
    (passage,) = read_traffic([lost], ADDRESSES).passages
    assert passage.lost
    assert passage.lost_at is None
    assert passage.why == ("step 3 (drop: 1)",)


def test_a_datagram_that_is_lost_later_on_the_way_is_one_passage() -> None:
    later = datagram(1.2, fate="dropped", by=["nat-a (no mapping)"], cable="nat-a")
    (passage,) = read_traffic([later, datagram()], ADDRESSES).passages
    assert (passage.lost, passage.lost_at, passage.at) == (True, "nat-a", 1.0)
    assert passage.why == ("nat-a (no mapping)",)


def test_of_equal_datagrams_the_last_one_before_is_the_one_that_was_lost() -> None:
    events = [datagram(1.0), datagram(2.0), datagram(2.5, fate="dropped", cable="u2")]
    first, second = read_traffic(events, ADDRESSES).passages
    assert (first.lost, second.lost) == (False, True)


def test_what_a_router_gave_another_address_is_a_passage_of_its_own() -> None:
    later = datagram(1.2, fate="dropped", cable="u2", source="192.0.2.1:9")
    first, second = read_traffic([datagram(), later], ADDRESSES).passages
    assert (first.lost, second.lost, second.lost_at) == (False, True, "u2")


def test_delay_copies_and_damage_are_told() -> None:
    odd = datagram(by=["step 2 (delay: 1s)"], delay=1.0, copies=2, damaged="detected")
    traffic = read_traffic([odd], ADDRESSES)
    (passage,) = traffic.passages
    assert (passage.arrives, passage.delay, passage.copies) == (2.0, 1.0, 2)
    assert passage.why == ("step 2 (delay: 1s)", "damaged, and thrown away by the receiver")
    assert [latency.seconds for latency in traffic.latencies] == [1.0]


def test_a_datagram_that_waited_arrives_when_its_message_was_received() -> None:
    waited = datagram(1.0, held=True, by=["step 2 (swap: [1, 2])"])
    events = [waited, datagram(1.2, "m2 Ho"), message(Kind.RECEIVED, "u2")]
    first, second = read_traffic(events, ADDRESSES).passages
    assert (first.held, first.at, first.arrives) == (True, 1.0, 1.5)
    assert (second.held, second.arrives) == (False, 1.2)


def test_a_datagram_that_waited_and_was_not_reported_arrives_with_the_next_of_its_flow() -> None:
    events = [
        datagram(1.0, held=True),
        datagram(1.1, "m8", source="10.0.0.1:6"),
        datagram(1.2, "m9", fate="dropped"),
        datagram(1.3, "m2"),
        datagram(1.4, "m3"),
    ]
    assert read_traffic(events, ADDRESSES).passages[0].arrives == 1.3


def test_what_a_pulled_cable_lost_was_lost_there() -> None:
    lost = datagram(fate="dropped", by=["step 1 (delay: 1s)", "the pulled cable of u2"])
    assert read_traffic([lost], ADDRESSES).passages[0].lost_at == "u2"


def test_a_datagram_to_a_router_goes_on_to_who_received_it() -> None:
    to_router = datagram(1.0, to="nat-a", destination="10.0.0.9:5")
    events = [to_router, message(Kind.RECEIVED, "u3")]
    traffic = read_traffic(events, ADDRESSES, ["nat-a"])
    first, second = traffic.passages
    assert (first.source, first.target, first.lost) == ("u1", "nat-a", False)
    assert (second.source, second.target, second.what) == ("nat-a", "u3", "Hi there")
    assert (second.at, second.arrives) == (1.0, 1.5)
    assert losses(traffic.passages) == {("u1", "nat-a"): (1, 0)}


def test_a_receipt_by_the_node_that_a_datagram_was_sent_to_is_not_of_one_to_a_router() -> None:
    to_router = datagram(1.0, to="nat-a", destination="10.0.0.9:5")
    events = [datagram(), to_router, message(Kind.RECEIVED, "u2")]
    passages = read_traffic(events, ADDRESSES, ["nat-a"]).passages
    assert [passage.target for passage in passages] == ["u2", "nat-a"]
    assert [passage.remark for passage in passages] == ["", "on from nat-a: not seen"]


def test_what_was_lost_behind_a_router_comes_from_it() -> None:
    to_router = datagram(1.0, to="nat-a", destination="10.0.0.9:5")
    behind = datagram(1.0, fate="dropped", cable="u2", by=["step 3 (drop: 1)"])
    first, second = read_traffic([to_router, behind], ADDRESSES, ["nat-a"]).passages
    assert (first.lost, first.remark) == (False, "")
    assert (second.source, second.target, second.lost_at) == ("nat-a", "u2", "u2")


def test_what_was_lost_behind_one_router_is_not_taken_for_what_another_passed_on() -> None:
    payloads = [f"\\x80\\x80\x00{number}" + "\\xff" * 20 for number in (1, 2)]
    first = datagram(1.0, payloads[0], to="nat-a", destination="10.0.0.8:5")
    second = datagram(1.1, payloads[1], to="nat-b", destination="10.0.0.9:5")
    behind = datagram(1.2, payloads[1], to="u3", fate="dropped", cable="u3")
    found = read_traffic([first, second, behind], ADDRESSES, ["nat-a", "nat-b"]).passages
    assert {passage.what for passage in found} == {"RTP"}
    assert [(passage.source, passage.target, passage.remark) for passage in found] == [
        ("u1", "nat-a", "on from nat-a: not seen"),
        ("u1", "nat-b", ""),
        ("nat-b", "u3", ""),
    ]


def test_of_what_a_router_dropped_no_way_on_is_looked_for() -> None:
    to_router = datagram(1.0, to="nat-a")
    drop = datagram(1.0, to="nat-a", fate="dropped", cable="nat-a", by=["nat-a (no mapping)"])
    (passage,) = read_traffic([drop, to_router], ADDRESSES, ["nat-a"]).passages
    assert (passage.lost_at, passage.why) == ("nat-a", ("nat-a (no mapping)",))
    assert passage.remark == ""


def test_the_addresses_of_routers_are_those_that_datagrams_have() -> None:
    events = [datagram(to="nat-a", destination="10.0.0.9:5"), datagram()]
    assert router_addresses(events, ["nat-a", "nat-b"]) == {"nat-a": ["10.0.0.9"], "nat-b": []}


@pytest.mark.parametrize(
    "odd",
    [
        {"delay": "long", "copies": None, "size": []},
        {"delay": float("nan"), "by": 3, "cable": [], "to": {}},
        {"source": None, "destination": 7, "fate": [], "held": "yes", "id": []},
    ],
)
def test_odd_details_are_passed_over(odd: dict[str, object]) -> None:
    event = Event(1.0, Kind.DATAGRAM, "u1", "m1 Hi", dict(datagram().detail) | odd)
    (passage,) = read_traffic([event], ADDRESSES, ["nat-a"]).passages
    assert (passage.at, passage.delay, passage.copies) == (1.0, 0.0, 1)


def test_a_datagram_to_nobody_names_the_address() -> None:
    (passage,) = read_traffic([datagram(to=None, fate="nowhere")], ADDRESSES).passages
    assert (passage.target, passage.lost) == (None, True)
    assert passage.what == "to 10.0.0.2:5: m1 Hi"
    assert passage.why == ("nobody has this address",)


def test_connections_tell_what_became_of_them() -> None:
    about = {"to": "u2", "source": "10.0.0.1:7", "destination": "10.0.0.2:80"}
    events = [
        Event(1.0, Kind.CONNECTION, "u1", state, about | {"sent": 3, "received": 4})
        for state in ("opened", "closed", "refused", "reset", "unanswered")
    ]
    passages = read_traffic(events, ADDRESSES).passages
    assert [(passage.what, passage.why) for passage in passages] == [
        ("TCP to port 80", ()),
        ("TCP closed, 3 B out, 4 B in", ()),
        ("TCP to port 80", ("refused",)),
        ("TCP to port 80", ("reset",)),
        ("TCP to port 80", ("never answered",)),
    ]
    assert [passage.ends for passage in passages] == [False, True, True, True, True]


def test_where_nobody_saw_the_network_messages_are_what_programs_report() -> None:
    events = [
        message(Kind.SENT, "u1"),
        message(Kind.SENT, "u1", "m2", "10.0.0.3"),
        message(Kind.RECEIVED, "u2", peer="10.0.0.1"),
        message(Kind.RECEIVED, "u3", "m3", "10.0.0.1"),
    ]
    traffic = read_traffic(events, ADDRESSES)
    told = {
        (passage.source, passage.target): (passage.arrives, passage.lost, passage.why)
        for passage in traffic.passages
    }
    assert told["u1", "u2"] == (1.5, False, ())
    assert len(traffic.passages) == 3
    assert traffic.passages[1].lost
    assert traffic.passages[1].why == ("nobody reported to have received it",)
    assert traffic.passages[2].why == ("nobody reported to have sent it, or not so often",)
    (latency,) = traffic.latencies
    assert (latency.at, latency.seconds) == (1.0, 0.5)


def test_a_message_to_an_address_of_no_node_is_taken_by_who_received_it() -> None:
    events = [message(Kind.SENT, "u1", peer="192.0.2.1"), message(Kind.RECEIVED, "u3")]
    (passage,) = read_traffic(events, ADDRESSES).passages
    assert (passage.target, passage.lost) == ("u3", False)


def test_losses_are_counted_by_pair_the_most_lost_first() -> None:
    events = [
        datagram(),
        datagram(2.0, to="u3"),
        datagram(3.0, to="u3", fate="dropped"),
        Event(4.0, Kind.CONNECTION, "u1", "opened", {"to": "u2"}),
    ]
    counted = losses(read_traffic(events, ADDRESSES).passages)
    assert list(counted.items()) == [(("u1", "u3"), (1, 1)), (("u1", "u2"), (1, 0))]
