"""The network on trial: what is tried, and what is made of what arrives."""

from collections.abc import Callable

import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from tests.support.bench import Bench
from tests.support.fake import FakeLab

SCENARIO = """
title: Tried
network: {impairments: [{from: u1, to: u2, loss: 30%, duplicate: 30%}]}
nodes: {"u[1-3]": talker}
steps:
  - wire: {delay: 50ms, jitter: 20ms, order: free}
  - wire: {from: u1, to: u3, swap: [2, 3], corrupt: 5}
  - wire: {partition: [[u1], [u2]]}
  - wire: heal
  - u1: {expect: ready}
"""


def tried(evidence: Evidence) -> list[Event]:
    return [
        event for event in evidence.journal if event.kind is Kind.WIRE and event.text == "tried"
    ]


def playing(talk: Bench, prepare: Callable[[FakeLab], object]) -> Evidence:
    backend = talk.backend()
    backend.prepare = prepare
    return Evidence(play(talk.load(SCENARIO), backend, talk.out, seed=8).evidence)


def test_every_change_is_tried_before_anything_is_played(talk: Bench) -> None:
    evidence = playing(talk, lambda _lab: None)
    assert evidence.outcome == "passed"
    found = tried(evidence)
    assert [
        (event.detail["step"], event.detail["from"], event.detail["to"]) for event in found
    ] == [
        (0, "u1", "u2"),
        (1, "u1", "u2"),
        (2, "u1", "u3"),
        (3, "u1", "u2"),
        (3, "u2", "u1"),
    ]
    assert all(event.detail["wrong"] is None for event in found)
    assert found[3].detail["expected"] == 0
    assert found[0].detail["expected"] != found[0].detail["sent"]
    first_step = next(event for event in evidence.journal if event.kind is Kind.STEP)
    assert evidence.journal.index(found[-1]) < evidence.journal.index(first_step)


def test_a_scenario_that_changes_nothing_tries_nothing(talk: Bench) -> None:
    evidence = talk.passes("title: x\nnodes: {u1: talker}\nsteps: [{u1: {expect: ready}}]\n")
    assert tried(evidence) == []


@pytest.mark.parametrize(
    ("prepare", "wrong"),
    [
        (lambda lab: setattr(lab.wire, "late", 0.03), "datagrams came 30.0 ms late at the median"),
        (lambda lab: setattr(lab.wire, "loses", frozenset({4})), "and 1, 2, 3, 5, 6"),
    ],
    ids=["late", "lossy"],
)
def test_nothing_is_played_on_a_network_that_is_not_as_asked_for(
    talk: Bench, prepare: Callable[[FakeLab], object], wrong: str
) -> None:
    evidence = playing(talk, prepare)
    assert evidence.outcome == "unknown"
    assert any(wrong in event.detail["wrong"] for event in tried(evidence) if event.detail["wrong"])
    assert not any(event.kind in {Kind.STARTED, Kind.STEP} for event in evidence.journal)


def test_what_is_due_only_later_is_not_waited_for(talk: Bench) -> None:
    evidence = talk.passes("""
        title: Later
        nodes: {"u[1-2]": talker}
        steps:
          - wire: {delay: 5s}
          - u1: {expect: ready}
    """)
    assert [event.detail["expected"] for event in tried(evidence)] == [0]
