"""The network between nodes: its plan, what passes over the wire, and what is told of it."""

import hashlib
import json
from itertools import chain
from random import Random

import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.wire.checksum import checksums_hold
from peerlab.wire.packet import ARP_TYPE, IPV4_TYPE, Segment, parse
from tests.backend.netns.conftest import NamespaceBench
from tests.wire.captures import captured

pytestmark = pytest.mark.netns

MEGABYTES = 4
LISTENER = """
import hashlib, socket
tcp = socket.create_server(("", 9000))
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("", 9000))
print("listening")
connection, _ = tcp.accept()
digest = hashlib.sha256()
while data := connection.recv(1 << 16):
    digest.update(data)
connection.close()
print("stream", digest.hexdigest())
for _ in range(3):
    print("datagram", hashlib.sha256(udp.recv(1 << 16)).hexdigest())
"""
SENDER = """
import random, socket
data = random.Random(1).randbytes(4 << 20)
with socket.create_connection(("there", 9000)) as stream:
    stream.sendall(data)
try:
    socket.create_connection(("there", 9001))
except ConnectionRefusedError:
    print("refused")
udp = socket.socket(type=socket.SOCK_DGRAM)
for size in (0, 1472, 9000):
    udp.sendto(data[:size], ("there", 9000))
"""
EXCHANGE = """\
title: exchange
nodes: {there: listener, here: sender}
steps:
  - here: {expect: refused}
  - there: {exits: 0}
  - here: {exits: 0}
"""


def frames(evidence: Evidence, node: str) -> list[bytes]:
    """What was captured at a node."""
    data = (evidence.path / "captures" / f"{node}.pcap").read_bytes()
    return [frame for _, frame in captured(data)]


def told(evidence: Evidence, kind: Kind) -> list[Event]:
    """What the wire told of that kind."""
    return [event for event in evidence.journal if event.kind is kind]


@pytest.fixture
def exchange(bench: NamespaceBench) -> Evidence:
    """A stream of some megabytes, datagrams of three sizes, and a connection that is refused."""
    bench.program("listener", LISTENER, more="ready: listening")
    bench.program("sender", SENDER, more="after: [listener]")
    return bench.passes(EXCHANGE, captures=True)


def test_streams_and_datagrams_arrive_whole_are_told_and_captured_with_right_checksums(
    exchange: Evidence,
) -> None:
    data = Random(1).randbytes(MEGABYTES << 20)
    digests = [hashlib.sha256(part).hexdigest() for part in (data, b"", data[:1472], data[:9000])]
    assert exchange.node("there").printed.splitlines() == [
        "listening",
        f"stream {digests[0]}",
        *(f"datagram {digest}" for digest in digests[1:]),
    ]

    here, there = (exchange.node(name).ip for name in ("here", "there"))
    datagrams = told(exchange, Kind.DATAGRAM)
    assert [event.detail["size"] for event in datagrams] == [0, 1472, 9000]
    for event in datagrams:
        assert (event.node, event.detail["to"], event.detail["fate"]) == (
            "here",
            "there",
            "delivered",
        )
        assert event.detail["source"].startswith(f"{here}:")
        assert event.detail["destination"] == f"{there}:9000"
    connections = told(exchange, Kind.CONNECTION)
    assert {event.detail["destination"]: event.text for event in connections} == {
        f"{there}:9000": "closed",
        f"{there}:9001": "refused",
    }
    assert [event.text for event in connections].count("opened") == 1
    (closed,) = [event for event in connections if event.text == "closed"]
    assert (closed.detail["sent"], closed.detail["received"]) == (MEGABYTES << 20, 0)
    (totals,) = told(exchange, Kind.WIRE)
    assert (totals.detail["dropped"], totals.detail["missed"]) == (0, 0)

    both = [frames(exchange, name) for name in ("here", "there")]
    assert sorted(both[0]) == sorted(both[1])
    packets = [packet for frame in both[0] if (packet := parse(frame)) is not None]
    assert all(checksums_hold(packet.frame) for packet in packets)
    assert max(len(packet.frame) for packet in packets) == 14 + 1500
    assert sum(packet.fragmented for packet in packets) == 7
    assert sum(isinstance(packet, Segment) for packet in packets) > 1000


def test_addresses_follow_the_same_plan_as_on_docker_and_lead_nowhere_else(
    bench: NamespaceBench,
) -> None:
    bench.program(
        "explorer",
        """
        import fcntl, json, pathlib, socket, struct
        request = struct.pack("16s24x", b"eth0")
        mac = fcntl.ioctl(socket.socket(), 0x8927, request)[18:24]
        routes = pathlib.Path("/proc/net/route").read_text().splitlines()[1:]
        inet6 = pathlib.Path("/proc/net/if_inet6")
        def attempt(place):
            try:
                socket.create_connection((place, 9))
            except OSError as error:
                return error.strerror
        print(json.dumps([
            sorted(name for _, name in socket.if_nameindex()),
            mac.hex(":"),
            [line.split()[:3] + line.split()[7:8] for line in routes],
            [line.split()[-1] for line in inet6.open()] if inet6.exists() else [],
            attempt("198.51.100.1"),
            attempt("127.0.0.1"),
        ]))
        """,
    )
    evidence = bench.passes("""
        title: plan
        nodes: {"u[1-3]": explorer}
        steps: [{"u[1-3]": {exits: 0}}]
        """)
    for number, node in enumerate(evidence.nodes.values(), start=2):
        assert node.ip == f"10.201.0.{number}"
        told = json.loads(node.printed)
        assert set(told.pop(3)) <= {"lo"}
        assert told == [
            ["eth0", "lo"],
            f"02:42:0a:c9:00:{number:02x}",
            [["eth0", "0000C90A", "00000000", "F0FFFFFF"]],  # in the order of the machine's bytes
            "Network is unreachable",
            "Connection refused",
        ]


def test_nothing_but_ipv4_and_arp_is_heard_in_an_idle_lab(bench: NamespaceBench) -> None:
    bench.program("idle", "print('up')\ninput()")
    evidence = bench.passes(
        """\
title: idle
nodes: {u1: idle, u2: idle}
steps:
  - u[1-2]: {expect: up}
  - u1: {stays-silent: 1500ms}
""",
        captures=True,
    )
    heard = {frame[12:14] for name in ("u1", "u2") for frame in frames(evidence, name)}
    assert heard <= {kind.to_bytes(2) for kind in (IPV4_TYPE, ARP_TYPE)}


def test_a_broadcast_reaches_all_and_one_that_nobody_hears_goes_nowhere(
    bench: NamespaceBench,
) -> None:
    bench.program(
        "shouter",
        """
        import socket
        here = socket.socket(type=socket.SOCK_DGRAM)
        here.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        here.bind(("", 9000))
        print("ready")
        if word := input():
            here.sendto(word.encode(), ("10.201.0.15", 9000))
        print("heard", here.recv(100).decode())
        """,
    )
    all_hear = bench.passes("""
        title: broadcast
        nodes: {"u[1-4]": shouter}
        steps:
          - u[1-4]: {expect: ready}
          - u2: {type: hello}
          - u1: {type: ""}
          - u[3-4]: {type: ""}
          - "u[1-4]": {expect: heard hello}
        """)
    (event,) = told(all_hear, Kind.DATAGRAM)
    assert (event.node, event.detail["to"], event.detail["fate"]) == ("u2", None, "delivered")
    alone = bench.passes("""
        title: alone
        nodes: {u1: shouter}
        steps: [{u1: {expect: ready}}, {u1: {type: hello}}, {u1: {expect: heard hello}}]
        """)
    (event,) = told(alone, Kind.DATAGRAM)
    assert (event.node, event.detail["to"], event.detail["fate"]) == ("u1", None, "nowhere")


def test_the_payload_of_connections_is_never_told(bench: NamespaceBench) -> None:
    bench.program(
        "one",
        """
        import socket
        server = socket.create_server(("", 9000))
        print("ready")
        print(server.accept()[0].recv(100))
        """,
        more="ready: ready",
    )
    bench.program(
        "two",
        """
        import socket
        with socket.create_connection(("u1", 9000)) as stream:
            stream.sendall(b"secret"[::-1])
        """,
        more="after: [one]",
    )
    evidence = bench.passes("""
        title: payload
        nodes: {u1: one, u2: two}
        steps: [{u1: {expect: terces}}, {u1: {exits: 0}}, {u2: {exits: 0}}]
        """)
    of_wire = chain(told(evidence, Kind.CONNECTION), told(evidence, Kind.WIRE))
    assert all("terces" not in event.as_json() for event in of_wire)
