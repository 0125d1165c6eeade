"""The contract of a backend: the network does what the steps say, whatever the programs are."""

from collections.abc import Mapping, Sequence

import pytest

from peerlab.backend.base import LabWire
from peerlab.drive import director
from peerlab.drive.trial import Finding, Plan, measure
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.wire.checksum import checksums_hold
from peerlab.wire.packet import Datagram, Segment, parse
from tests.contracts.conftest import Bench
from tests.wire.captures import captured

BROADCAST, ARP = b"\xff" * 6, b"\x08\x06"

# Two threads print: each line at once, for print writes its end by itself.
TALKER = """
import os, socket, threading
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("", 5000))

def say(line):
    os.write(1, line.encode() + b"\\n")

def listen():
    while True:
        data, source = udp.recvfrom(2000)
        say(f"got {data.decode(errors='backslashreplace')} from {source[0]}")

threading.Thread(target=listen, daemon=True).start()
say("ready")
for line in open(0):
    whom, *words = line.split()
    for word in words:
        udp.sendto(word.encode(), (whom, 5000))
    say("sent")
"""

STREAMER = """
import socket, sys
name, role = socket.gethostname(), "there"
if name == role:
    listener = socket.create_server(("", 6000))
    print("ready")
    connection, _ = listener.accept()
    while data := connection.recv(65536):
        connection.sendall(data)
else:
    print("ready")
    connection = None
    for line in sys.stdin:
        connection = connection or socket.create_connection((role, 6000))
        connection.sendall(line.encode())
        print("echo", connection.makefile().readline().strip())
"""


@pytest.fixture
def talk(bench: Bench) -> Bench:
    bench.program("talker", TALKER, more="ready: ready")
    bench.program("streamer", STREAMER, more="ready: ready")
    return bench


def datagrams(evidence: Evidence, node: str = "a") -> list[Event]:
    """What the wire told of the datagrams of a node."""
    return [
        event
        for event in evidence.journal
        if event.kind is Kind.DATAGRAM and event.node == node and "cable" not in event.detail
    ]


def variables(evidence: Evidence) -> dict[str, dict[str, str]]:
    (end,) = [event for event in evidence.journal if event.kind is Kind.END]
    known: dict[str, dict[str, str]] = end.detail["variables"]
    return known


def fates(evidence: Evidence, *keys: str) -> list[Sequence[object]]:
    return [
        (event.text, event.detail["fate"], *(event.detail.get(key) for key in keys))
        for event in datagrams(evidence)
    ]


def test_single_datagrams_are_dropped_duplicated_swapped_delayed_and_corrupted(
    talk: Bench,
) -> None:
    evidence = talk.passes("""
        title: exact
        nodes: {a: talker, b: talker}
        steps:
          - wire: {from: a, to: b, drop: 1, duplicate: 2, swap: [4, 5]}
          - wire: {from: a, to: b, delay: {3: 2s}, corrupt: 6}
          - a: {type: "b one two three four five six seven"}
          - b: {expect: '/got two .*\\ngot two .*\\ngot five .*\\ngot four .*\\ngot seven .*\\n/'}
          - b: {expect: got three}
        """)
    assert fates(evidence, "copies", "delay", "damaged", "held") == [
        ("one", "dropped", None, None, None, None),
        ("two", "delivered", 2, None, None, None),
        ("three", "delivered", None, 2.0, None, None),
        ("four", "delivered", None, None, None, True),
        ("five", "delivered", None, None, None, None),
        ("six", "delivered", None, None, "detected", None),
        ("seven", "delivered", None, None, None, None),
    ]
    assert datagrams(evidence)[0].detail["by"] == ["step 1 (drop: 1)"]


def test_a_damaged_datagram_is_delivered_where_that_is_asked_for(talk: Bench) -> None:
    evidence = talk.passes("""
        title: damage
        nodes: {a: talker, b: talker}
        steps:
          - wire: {from: a, to: b, corrupt: 1, corrupt-as: delivered}
          - a: {type: "b damaged"}
          - b: {expect: '/got .* from {a.ip}/'}
        """)
    assert "got damaged" not in evidence.node("b").printed


def test_the_same_seed_decides_the_same_on_every_backend(talk: Bench) -> None:
    words = " ".join(f"{number:03}" for number in range(60))
    text = f"""
        title: lossy
        network: {{impairments: [{{from: a, loss: 30%, duplicate: 20%, delay: 5ms}}]}}
        nodes: {{a: talker, b: talker}}
        steps:
          - a: {{type: "b {words}"}}
          - a: {{expect: sent}}
          - wire: heal
          - a: {{type: "b last"}}
          - b: {{expect: got last}}
        """
    evidence = talk.passes(text, seed=4711)
    decided = [
        "".join(
            "-" if event.detail["fate"] == "dropped" else str(event.detail.get("copies", 1))
            for event in datagrams(evidence)
        )
    ]
    # What the decisions are for this seed, on every backend and every version of Python.
    assert decided == [DECIDED]


DECIDED = "1111--111-1---11-111121-1-1-1--11-111112--1111--111111-112121"


def test_impairments_act_on_tcp_too(talk: Bench) -> None:
    evidence = talk.passes("""
        title: stream
        network: {impairments: [{delay: 30ms, traffic: tcp, port: 6000}], capture: true}
        nodes: {there: streamer, here: streamer}
        steps:
          - here: {type: one}
          - here: {expect: echo one}
          - wire: {from: here, to: there, traffic: tcp, drop: 1}
          - here: {type: two}
          - here: {expect: echo two}
        """)
    # What the wire drops is sent again: it leaves the node twice, and passes once.
    sent, passed = (
        [
            packet.payload
            for _, frame in captured((evidence.path / "captures" / f"{name}.pcap").read_bytes())
            if isinstance(packet := parse(frame), Segment)
            and packet.payload
            and packet.destination_port == 6000
        ]
        for name in ("here", "here-wire")
    )
    for word, lost in ((b"one\n", 0), (b"two\n", 1)):
        assert sent.count(word) == passed.count(word) + lost > lost
    assert set(sent) == set(passed) == {b"one\n", b"two\n"}


def test_a_partition_cuts_both_ways_and_heals_and_what_a_stream_carries_arrives_then(
    talk: Bench,
) -> None:
    evidence = talk.passes("""
        title: partition
        nodes: {a: talker, b: talker, c: talker, there: streamer, here: streamer}
        steps:
          - here: {type: one}
          - here: {expect: echo one}
          - wire: {partition: [[a, here], [b, there]], name: split}
          - a: {type: "b lost"}
          - b: {type: "a lost"}
          - b: {expect: sent}
          - a: {type: "c passes"}
          - c: {expect: got passes}
          - here: {type: two}
          - here: {stays-silent: 500ms}
          - wire: {heal: split}
          - here: {expect: echo two}
          - a: {type: "b heard"}
          - b: {expect: got heard}
        """)
    assert "got lost" not in evidence.node("a").printed + evidence.node("b").printed


def test_a_one_way_partition_cuts_one_way(talk: Bench) -> None:
    evidence = talk.passes("""
        title: one way
        nodes: {a: talker, b: talker}
        steps:
          - wire: {partition: {from: a, to: b}}
          - a: {type: "b lost"}
          - a: {expect: sent}
          - b: {type: "a passes"}
          - a: {expect: got passes}
        """)
    assert fates(evidence) == [("lost", "dropped")]


def test_a_pulled_cable_loses_all_and_works_at_the_same_address_when_it_is_back(
    talk: Bench,
) -> None:
    evidence = talk.passes("""
        title: cable
        nodes: {a: talker, b: talker, there: streamer, here: streamer}
        steps:
          - here: {type: one}
          - here: {expect: echo one}
          - b: unplug
          - there: unplug
          - a: {type: "b lost"}
          - a: {expect: sent}
          - here: {type: two}
          - here: {stays-silent: 300ms}
          - b: plug
          - there: plug
          - a: {type: "b heard"}
          - b: {expect: 'got heard from {a.ip}'}
          - here: {expect: echo two}
        """)
    assert fates(evidence, "by") == [
        ("lost", "dropped", ["the pulled cable of b"]),
        ("heard", "delivered", None),
    ]


def test_what_a_node_sends_as_soon_as_its_cable_is_back_arrives(bench: Bench) -> None:
    bench.program("talker", TALKER)
    again = "".join(
        f"""
          - there: unplug
          - there: plug
          - there: {{type: "here {number}"}}
          - here: {{expect: "got {number} from"}}"""
        for number in range(100)
    )
    bench.passes(f"""
        title: at once
        nodes: {{here: talker, there: talker}}
        steps:
          - here: {{expect: ready}}
          - there: {{expect: ready}}{again}
        """)


def test_a_node_that_starts_again_finds_its_network_as_it_was(talk: Bench) -> None:
    evidence = talk.passes("""
        title: again
        network: {impairments: [{from: a, to: b, drop: 2}]}
        nodes: {a: talker, b: talker}
        steps:
          - a: {type: "b one"}
          - b: {expect: got one}
          - a: restart
          - b: kill
          - b: restart
          - a: {type: "b lost three"}
          - b: {expect: 'got three from {a.ip}'}
        """)
    assert "got lost" not in evidence.node("b").printed


def test_segments_are_joined_by_routers_alone(talk: Bench) -> None:
    talk.passes("""
        title: routed
        network:
          segments: {one: [a], two: [b], three: [c], four: [d]}
          routers:
            r: {joins: [one, two]}
            s: {joins: [two, three]}
        nodes: {a: talker, b: talker, c: talker, d: talker}
        steps:
          - a: {type: "c far"}
          - c: {expect: 'got far from {a.ip}'}
          - c: {type: "a back"}
          - a: {expect: 'got back from {c.ip}'}
          - wire: {from: r, to: c, drop: 1}
          - a: {type: "c lost near"}
          - c: {expect: got near}
        """)


def test_a_nat_hides_who_is_behind_it_and_lets_in_only_what_was_asked_for(talk: Bench) -> None:
    evidence = talk.passes("""
        title: hidden
        network:
          segments: {home: [a], street: [b, c]}
          routers: {nat: {inside: home, outside: street, nat: port-restricted}}
        nodes: {a: talker, b: talker, c: talker}
        steps:
          - b: {type: "nat early"}
          - b: {expect: sent}
          - a: {type: "b out"}
          - a: {expect: sent}
          - b: {expect: '/got out from (?P<public>\\S+)/'}
          - b: {type: "nat back"}
          - a: {expect: 'got back from {b.ip}'}
          - c: {type: "nat stranger"}
          - c: {expect: sent}
          - a: {stays-silent: 300ms}
        """)
    public = variables(evidence)["b"]["public"]
    assert public not in {node.ip for node in evidence.nodes.values()}
    refused = [
        (event.node, event.text, event.detail["by"])
        for event in evidence.journal
        if event.kind is Kind.DATAGRAM and event.detail.get("cable") == "nat"
    ]
    assert refused == [
        ("b", "early", ["nat (no mapping)"]),
        ("c", "stranger", ["nat (filtered)"]),
    ]


def test_captures_show_both_ends_of_a_cable(talk: Bench) -> None:
    evidence = talk.passes("""
        title: captured
        network: {capture: true}
        nodes: {a: talker, b: talker}
        steps:
          - wire: {from: a, to: b, drop: 1, duplicate: 2}
          - a: {type: "b one two"}
          - b: {expect: '/got two.*\\ngot two/'}
        """)

    def payloads(name: str) -> list[bytes]:
        frames = captured((evidence.path / "captures" / f"{name}.pcap").read_bytes())
        packets = [parse(frame) for _, frame in frames if checksums_hold(frame)]
        return [packet.payload for packet in packets if isinstance(packet, Datagram)]

    assert payloads("a") == [b"one", b"two"]
    assert payloads("a-wire") == payloads("b-wire") == payloads("b") == [b"two", b"two"]


def test_a_network_that_is_not_as_asked_for_gives_no_verdict(
    talk: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The wire decides by one seed, and what it should decide is reckoned by another.
    def measured(
        wire: LabWire, tried: Sequence[Plan], seed: int, addresses: Mapping[str, str]
    ) -> list[Finding]:
        return measure(wire, tried, seed + 1, addresses)

    monkeypatch.setattr(director, "measure", measured)
    result = talk.play("""
        title: not as asked
        network: {impairments: [{from: a, loss: 50%}]}
        nodes: {a: talker, b: talker}
        steps:
          - a: {type: "b one"}
          - a: {expect: never}
        """)
    assert result.verdict.outcome == "unknown"
    assert any(
        finding.message.startswith(
            "the wire does not do what the start asks for (loss: 50%): a to b"
        )
        for finding in result.verdict.findings
    )


def test_nodes_need_not_ask_for_hardware_addresses_so_the_first_datagram_goes_at_once(
    talk: Bench,
) -> None:
    evidence = talk.passes("""
        title: known
        network: {impairments: [{from: a, to: b, drop: 1}], capture: true}
        nodes: {a: talker, b: talker}
        steps:
          - a: {type: "b one"}
          - a: {expect: sent}
          - wire: {from: a, to: b, drop: 1}
          - a: {type: "b two three"}
          - b: {expect: got three}
        """)
    assert fates(evidence, "by") == [
        ("one", "dropped", ["the start (drop: 1)"]),
        ("two", "dropped", ["step 3 (drop: 1)"]),
        ("three", "delivered", None),
    ]
    frames = captured((evidence.path / "captures" / "a.pcap").read_bytes())
    asked = [frame for _, frame in frames if frame[:6] == BROADCAST and frame[12:14] == ARP]
    assert asked == []


LARGE = """
import os, socket, sys, threading
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("", 5000))

def say(line):
    os.write(1, line.encode() + b"\\n")

def listen():
    while True:
        say(f"got {udp.recv(10000)[0]}")

threading.Thread(target=listen, daemon=True).start()
say("ready")
for line in sys.stdin:
    whom, *numbers = line.split()
    for number in numbers:
        udp.sendto(bytes([int(number)]) * 4000, (whom, 5000))
    say("sent")
"""


def test_a_datagram_in_fragments_has_one_fate(bench: Bench) -> None:
    some = " ".join(str(number) for number in range(6, 30))
    bench.program("large", LARGE, more="ready: ready")
    evidence = bench.passes(f"""
        title: fragments
        nodes: {{a: large, b: large}}
        steps:
          - wire: {{from: a, to: b, drop: 1, duplicate: 2, corrupt: 4, corrupt-as: delivered}}
          - a: {{type: "b 1 2 3 4 5"}}
          - a: {{expect: sent}}
          - b: {{expect: '/got 2\\ngot 2\\ngot 3\\ngot 5/'}}
          - wire: {{from: a, to: b, loss: 50%, port: 5000}}
          - a: {{type: "b {some}"}}
          - a: {{expect: sent}}
          - wire: heal
          - a: {{type: "b 99"}}
          - b: {{expect: got 99}}
        """)
    told = [event.detail for event in datagrams(evidence)]
    assert [each.get("damaged") for each in told[:5]] == [None, None, None, "detected", None]
    delivered = sum(
        each.get("copies", 1)
        for each in told
        if each["fate"] == "delivered" and "damaged" not in each
    )
    assert evidence.node("b").printed.count("got") == delivered
    assert 1 < len([each for each in told if each["fate"] == "dropped"]) < 23


def test_what_a_rule_does_at_a_router_is_told_with_the_router(talk: Bench) -> None:
    evidence = talk.passes("""
        title: at a router
        network:
          segments: {one: [a], two: [b]}
          routers: {r: {joins: [one, two]}}
        nodes: {a: talker, b: talker}
        steps:
          - wire: {from: r, to: b, drop: 1}
          - a: {type: "b lost found"}
          - b: {expect: got found}
        """)
    told = [event for event in evidence.journal if event.kind is Kind.DATAGRAM]
    assert [
        (event.text, event.detail["fate"], event.detail.get("cable"))
        for event in sorted(told, key=lambda event: (event.text, "cable" in event.detail))
    ] == [
        ("found", "delivered", None),
        ("lost", "delivered", None),
        ("lost", "dropped", "r"),
    ]
