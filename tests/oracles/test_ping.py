"""What ping says of the network."""

import re

import pytest

from tests.oracles.conftest import OracleBench
from tests.oracles.dissection import echoes

pytestmark = pytest.mark.usefixtures("ping")

LOOSELY = 500.0
"""Milliseconds by which a machine that is busy may be late."""
PATIENTLY = "-c 2 -i 1.5"
"""Once it has had an answer, ping waits for the last one little longer than its interval."""


def _pings(bench: OracleBench, options: str, *wire: str) -> list[str]:
    """What ping says under each of these, one after the other."""
    steps = "".join(
        f"""
          - wire: heal
          - wire: {each}
          - here: {{type: "ping -n {options} there; echo finished"}}
          - here: {{expect: finished, within: 60s}}"""
        for each in wire
    )
    evidence = bench.passes(f"""
        title: ping
        nodes: {{here: shell, there: shell, elsewhere: shell}}
        steps:{steps}
        """)
    *said, _ = evidence.node("here").printed.split("finished\n")
    return said


def _counts(said: str) -> tuple[int, int]:
    found = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    assert found is not None, said
    return int(found[1]), int(found[2])


def _round_trips(said: str) -> tuple[float, float]:
    """The shortest and the mean, in milliseconds."""
    found = re.search(r"rtt min/avg/max/mdev = ([\d.]+)/([\d.]+)/", said)
    assert found is not None, said
    return float(found[1]), float(found[2])


def test_ping_sees_the_delay_of_both_directions_together(bench: OracleBench) -> None:
    asked = {
        "{between: [here, there], delay: 40ms}": 80,
        "{from: here, delay: 60ms}": 60,
        "{to: here, delay: 60ms}": 60,
        "{node: there, delay: 30ms}": 60,
        "{delay: 20ms}": 40,
        "{delay: 20ms, from: here, to: elsewhere}": 0,
    }
    for said, (wire, least) in zip(_pings(bench, PATIENTLY, *asked), asked.items(), strict=True):
        assert _counts(said) == (2, 2), wire
        shortest, mean = _round_trips(said)
        assert shortest >= least, wire
        assert mean < least + LOOSELY, wire


def test_ping_sees_jitter_within_its_bounds(bench: OracleBench) -> None:
    [said] = _pings(bench, "-c 10 -i 0.1", "{from: here, to: there, delay: 50ms, jitter: 30ms}")
    times = [float(time) for time in re.findall(r"time=([\d.]+) ms", said)]
    assert len(times) in {9, 10}
    assert min(times) >= 20
    assert max(times) < 80 + LOOSELY
    assert max(times) - min(times) > 5


def test_ping_gets_nothing_where_everything_is_lost(bench: OracleBench) -> None:
    wires = (
        "{loss: 100%}",
        "{from: here, to: there, loss: 100%}",
        "{from: there, to: here, loss: 100%}",
        "{to: there, loss: 100%}",
        "{partition: [[here, elsewhere], [there]]}",
        "{partition: {from: there, to: [here]}}",
    )
    for wire, said in zip(wires, _pings(bench, "-c 2 -i 0.1 -W 0.5", *wires), strict=True):
        assert _counts(said) == (2, 0), wire


def test_ping_loses_nothing_where_the_wire_speaks_of_other_traffic(bench: OracleBench) -> None:
    wires = (
        "{from: here, to: there, drop: [1-100]}",
        "{traffic: udp, loss: 100%}",
        "{traffic: tcp, port: 12345, loss: 100%}",
        "{between: [there, elsewhere], loss: 100%}",
        "{partition: [[here, there], [elsewhere]]}",
    )
    for wire, said in zip(wires, _pings(bench, PATIENTLY, *wires), strict=True):
        assert _counts(said) == (2, 2), wire


def test_ping_gets_through_again_after_heal_and_plug(bench: OracleBench) -> None:
    evidence = bench.passes(f"""
        title: heal
        nodes: {{here: shell, there: shell}}
        steps:
          - wire: {{loss: 100%, name: storm}}
          - here: {{type: "ping -n -c 2 -i 0.2 -W 0.5 there; echo finished"}}
          - here: {{expect: finished}}
          - wire: {{heal: storm}}
          - here: {{type: "ping -n {PATIENTLY} there; echo finished"}}
          - here: {{expect: finished}}
          - there: unplug
          - here: {{type: "ping -n -c 2 -i 0.2 -W 0.5 there; echo finished"}}
          - here: {{expect: finished}}
          - there: plug
          - here: {{type: "ping -n {PATIENTLY} there; echo finished"}}
          - here: {{expect: finished}}
        """)
    said = evidence.node("here").printed.split("finished\n")
    assert [_counts(each) for each in said[:4]] == [(2, 0), (2, 2), (2, 0), (2, 2)]


@pytest.mark.usefixtures("tshark")
def test_ping_loses_as_many_as_the_captures_lack(bench: OracleBench) -> None:
    evidence = bench.passes("""
        title: loss
        nodes: {here: shell, there: shell}
        steps:
          - wire: {between: [here, there], loss: 25%}
          - here: {type: "ping -n -c 30 -i 0.05 -W 0.5 there; echo finished"}
          - here: {expect: finished}
        """)
    sent, received = _counts(evidence.node("here").printed)
    captures = evidence.path / "captures"
    at_here, beyond = (echoes(captures / f"{name}.pcap") for name in ("here", "here-wire"))
    at_there, before = (echoes(captures / f"{name}.pcap") for name in ("there", "there-wire"))
    assert sent == at_here["requests"] == 30
    assert at_here["replies"] - received in {0, 1}
    # Of requests some are lost on here's cable, of replies some on there's.
    assert sent > beyond["requests"] == before["requests"] == at_there["requests"]
    assert at_there["replies"] == at_there["requests"]
    assert at_there["replies"] > before["replies"] == beyond["replies"] == at_here["replies"]


def test_ping_sees_duplicates(bench: OracleBench) -> None:
    [said] = _pings(bench, PATIENTLY, "{from: here, to: there, duplicate: 100%}")
    found = re.search(r"(\d+) packets transmitted, (\d+) received, \+(\d+) duplicates", said)
    assert found is not None, said
    # It ends with the first answer to its last request, so the copy of that one is not awaited.
    assert found.groups() in {("2", "2", "1"), ("2", "2", "2")}
