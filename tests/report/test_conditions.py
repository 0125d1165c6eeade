from pathlib import Path

import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.report.conditions import Band, Conditions, read_conditions
from tests.support.bench import Bench
from tests.support.journals import deployed


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def played(bench: Bench, *wire: str, more: tuple[Event, ...] = (), head: str = "") -> Conditions:
    """Conditions of a run whose steps are these of the wire, one a second."""
    steps = "".join(f"  - wire: {text}\n" for text in wire)
    scenario = bench.load(f"title: x\n{head}nodes: {{u1: chat, u2: chat}}\nsteps:\n{steps}")
    events = [Event(0.0, Kind.RUN), deployed("u1", "10.0.0.1")]
    events += [
        Event(float(number), Kind.STEP, None, f"wire: {text}", {"number": number})
        for number, text in enumerate(wire, start=1)
    ]
    return read_conditions([*events, *more, Event(9.0, Kind.END)], scenario)


def spans(conditions: Conditions) -> list[tuple[int, float, float]]:
    return [(band.number, band.begin, band.end) for band in conditions.bands]


def test_what_is_put_in_force_lasts_until_it_is_healed(bench: Bench) -> None:
    found = played(bench, "{partition: [[u1], [u2]]}", "{loss: 5%}", "heal")
    assert spans(found) == [(1, 1.0, 3.0), (2, 2.0, 3.0)]
    assert [change.text for change in found.changes][-1] == "heal"


def test_healing_by_name_ends_what_has_the_name(bench: Bench) -> None:
    found = played(bench, "{loss: 5%, name: rain}", "{delay: 9ms}", "{heal: rain}")
    assert spans(found) == [(1, 1.0, 3.0), (2, 2.0, 9.0)]


def test_the_same_again_takes_the_place_of_the_first(bench: Bench) -> None:
    found = played(bench, "{delay: 9ms}", "{delay: 8ms}", "{from: u1, delay: 7ms}", "{delay: 0ms}")
    assert spans(found) == [(1, 1.0, 2.0), (2, 2.0, 4.0), (3, 3.0, 9.0)]


def test_what_is_about_single_datagrams_ends_with_the_last_that_came(bench: Bench) -> None:
    hit = Event(5.0, Kind.DATAGRAM, "u1", "x", {"fate": "dropped", "by": ["step 1 (drop: 1)"]})
    assert spans(played(bench, "{from: u1, to: u2, drop: 1}", more=(hit,))) == [(1, 1.0, 5.0)]
    assert spans(played(bench, "{from: u1, to: u2, drop: 1}")) == [(1, 1.0, 9.0)]


def test_what_the_network_does_from_the_start_is_in_force_from_the_start(bench: Bench) -> None:
    head = "network:\n  impairments:\n    - {delay: 20ms}\n"
    found = played(bench, "heal", head=head)
    assert found.bands == [Band(0, "delay: 20ms", 0.0, 1.0)]
    assert found.changes[0].shown == "from the start"


def test_states_of_nodes_last_until_they_end(bench: Bench) -> None:
    story = [
        (1.0, Kind.STARTED),
        (2.0, Kind.PAUSED),
        (3.0, Kind.RESUMED),
        (4.0, Kind.UNPLUGGED),
        (5.0, Kind.PAUSED),
    ]
    events = [Event(at, kind, "u1") for at, kind in story]
    events.append(Event(6.0, Kind.EXITED, "u1", "", {"status": 137, "by": "step"}))
    found = read(bench, events)
    assert {(stretch.state, stretch.begin, stretch.end) for stretch in found.stretches} == {
        ("runs", 1.0, 6.0),
        ("paused", 2.0, 3.0),
        ("paused", 5.0, 6.0),
        ("unplugged", 4.0, 9.0),
    }
    assert [(mark.text, mark.is_odd) for mark in found.marks][-1] == ("exit 137", True)


def read(bench: Bench, events: list[Event]) -> Conditions:
    scenario = bench.load("title: x\nnodes: {u1: chat}\nsteps: [{u1: login}]\n")
    return read_conditions([*events, Event(9.0, Kind.END)], scenario)


def test_a_node_that_started_again_has_not_ended(bench: Bench) -> None:
    ends = tuple(Event(at, Kind.EXITED, node) for at, node in ((1.0, "u1"), (2.0, "u2")))
    again = Event(3.0, Kind.STARTED, "u1", "", {"again": True})
    assert played(bench, "heal", more=(*ends, again)).ended == {"u2": 2.0}
