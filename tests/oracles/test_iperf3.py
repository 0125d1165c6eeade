"""What iperf3 says of streams of datagrams, and what the journal says of the same."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from tests.oracles.conftest import OracleBench

pytestmark = pytest.mark.usefixtures("iperf3")

PAYLOAD = 1000
HEADERS = 28
"""Bytes of IPv4 and UDP, which count for a rate."""


def _streams(bench: OracleBench, wire: str, options: str) -> Evidence:
    return bench.passes(f"""
        title: iperf3
        within: 30s
        nodes: {{here: shell, there: shell}}
        steps:
          - there: {{type: "iperf3 -s -1 --forceflush; echo finished"}}
          - there: {{expect: Server listening}}
          - wire: {wire}
          - here: {{type: "iperf3 -c there -u -l {PAYLOAD} {options} -J; echo finished"}}
          - here: {{expect: finished}}
          - there: {{expect: finished}}
        """)


def _told(evidence: Evidence) -> dict[str, Any]:
    """What the client says in the end; the receiving part of it is the server's."""
    said = json.loads(evidence.node("here").printed.removesuffix("finished\n"))
    assert "error" not in said, said["error"]
    end: dict[str, Any] = said["end"]
    return end


def _journalled(evidence: Evidence) -> Sequence[Event]:
    """The stream in the journal, without the greeting that opens it."""
    return [
        event
        for event in evidence.journal
        if event.kind is Kind.DATAGRAM and event.node == "here" and event.detail["size"] == PAYLOAD
    ]


def _lost(events: Sequence[Event]) -> int:
    return sum(event.detail["fate"] == "dropped" for event in events)


@pytest.mark.parametrize(
    ("wire", "lost"),
    [
        ("{from: here, to: there, drop: [5, 10-12, 60]}", 5),
        ("{from: here, to: there, loss: 10%, traffic: udp}", None),
        ("{from: here, traffic: udp, loss: {p: 5%, r: 40%}}", None),
    ],
)
def test_iperf3_counts_as_lost_what_the_journal_says_is_dropped(
    bench: OracleBench, wire: str, lost: int | None
) -> None:
    evidence = _streams(bench, wire, "-b 300k -t 4")
    end, events = _told(evidence), _journalled(evidence)
    assert end["sum_sent"]["packets"] == len(events) > 100
    # What is lost at the very end the server cannot know: it counts up to the last that it saw.
    seen = events[: end["sum_received"]["packets"]]
    assert end["sum_received"]["lost_packets"] == _lost(seen) > 0
    assert lost is None or _lost(events) == lost


def test_iperf3_loses_nothing_where_nothing_is_asked_for(bench: OracleBench) -> None:
    evidence = _streams(bench, "{traffic: tcp, port: 9, delay: 1ms}", "-b 300k -t 4")
    end, events = _told(evidence), _journalled(evidence)
    assert end["sum_sent"]["packets"] == len(events) > 100
    assert end["sum_received"]["lost_packets"] == _lost(events) == 0


def test_iperf3_sees_no_more_than_the_rate(bench: OracleBench) -> None:
    asked = 400_000 * PAYLOAD / (PAYLOAD + HEADERS)
    wire = "{from: here, traffic: udp, rate: 400kbit, queue: 1000}"
    received = _told(_streams(bench, wire, "-b 1600k -t 3"))["sum_received"]
    # Four times as much is sent; when exactly the server begins and ends to count is its own.
    assert asked / 2 < received["bits_per_second"] < asked * 2
    assert received["lost_packets"] == 0


def test_iperf3_loses_what_finds_the_queue_full(bench: OracleBench) -> None:
    wire = "{from: here, traffic: udp, rate: 400kbit, queue: 5}"
    evidence = _streams(bench, wire, "-b 1600k -t 2")
    end, events = _told(evidence), _journalled(evidence)
    assert end["sum_sent"]["packets"] == len(events)
    seen = events[: end["sum_received"]["packets"]]
    assert end["sum_received"]["lost_packets"] == _lost(seen) > len(events) / 2
