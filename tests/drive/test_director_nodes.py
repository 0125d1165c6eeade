"""Several nodes: at the same time, one after the other, started and stopped."""

import pytest

from peerlab.checks.verdict import Outcome
from peerlab.drive.director import start_waves
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from tests.support.bench import Bench, facts, told
from tests.support.programs import TALKER, silent, talker


def test_a_step_for_several_nodes_is_played_by_all_even_if_one_fails(bench: Bench) -> None:
    result = bench.play("""
        title: One of three
        within: 50ms
        nodes: {"u[1-3]": chat}
        steps:
          - u2: {expect: "Name: "}
          - u[1-3]: login
          - u[1-3]: quit
    """)
    evidence = Evidence(result.evidence)
    assert [(event.node, event.text) for event in evidence.failed_steps] == [
        ("u2", "u2 never showed 'Name: '")
    ]
    assert [evidence.node(name).typed for name in ("u1", "u2", "u3")] == ["u1\n", "", "u3\n"]


def test_steps_together_wait_for_each_other(bench: Bench) -> None:
    evidence = bench.passes("""
        title: Both ways at once
        nodes: {"u[1-2]": chat}
        steps:
          - u[1-2]: login
          - together:
              - u1: {hears: B, from: u2}
              - u2: {say: B, to: [u1]}
              - u2: {hears: A, from: u1}
              - u1: {say: A, to: [u2]}
    """)
    numbers = {event.detail["number"] for event in evidence.journal if event.kind is Kind.STEP}
    assert numbers == {1, 2}


def test_steps_of_one_node_keep_their_order_inside_together(talk: Bench) -> None:
    evidence = talk.passes("""
        title: In order
        nodes: {"u[1-2]": talker}
        steps:
          - together:
              - u1: {type: one}
              - u2: {type: other}
              - u1: {expect: one}
              - u1: {type: two}
              - u[1-2]: {type: three}
    """)
    assert evidence.node("u1").typed == "one\ntwo\nthree\n"
    assert evidence.node("u2").typed == "other\nthree\n"


# Start and stop.


def test_a_node_starts_when_those_that_it_needs_are_ready(bench: Bench) -> None:
    bench.program("base", talker, TALKER + "ready: ready\n")
    bench.program("top", talker, TALKER + "after: [base]\n")
    evidence = bench.passes("""
        title: Waves
        nodes: {u1: top, b1: base, u2: top, b2: base}
        steps:
          - u1: {expect: ready}
          - b1: {expect: ready}
    """)
    order = [
        (event.kind.value, event.node)
        for event in evidence.journal
        if event.kind in {Kind.STARTED, Kind.READY}
    ]
    assert sorted(order[:4]) == [
        ("ready", "b1"),
        ("ready", "b2"),
        ("started", "b1"),
        ("started", "b2"),
    ]
    assert sorted(order[4:]) == [("started", "u1"), ("started", "u2")]


def test_start_waves_follow_the_programs_whatever_the_order_of_the_nodes(bench: Bench) -> None:
    bench.program("a", silent)
    bench.program("b", silent, "about: b\nimage: b\nafter: [a]\n")
    bench.program("c", silent, "about: c\nimage: c\nafter: [a, b]\n")
    nodes = "nodes: {c1: c, b1: b, c2: c, a1: a}"
    scenario = bench.load(f"title: Waves\n{nodes}\nsteps: [{{a1: exits}}]\n")
    assert start_waves(scenario) == [("a1",), ("b1",), ("c1", "c2")]


def test_a_program_that_is_not_in_the_scenario_is_not_waited_for(bench: Bench) -> None:
    bench.program("a", silent)
    bench.program("b", silent, "about: b\nimage: b\nafter: [a]\n")
    scenario = bench.load("title: Alone\nnodes: {b1: b}\nsteps: [{b1: exits}]\n")
    assert start_waves(scenario) == [("b1",)]


def test_a_node_that_never_becomes_ready_fails_the_run_before_its_first_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerlab.drive.director.READY_WITHIN", 0.05)
    bench.program("base", talker, TALKER + "ready: steady\n")
    bench.program("top", silent, "about: top\nimage: top\nafter: [base]\n")
    result = bench.play("""
        title: Never ready
        nodes: {u1: top, b1: base}
        steps:
          - u1: {expect: never}
    """)
    evidence = Evidence(result.evidence)
    (event,) = evidence.failed_steps
    assert facts(event) == (
        "b1",
        "b1 never became ready: it did not show 'steady'",
        "ready\n> ",
        "is still running",
    )
    assert (event.detail["line"], event.detail["column"]) == (3, 18)
    assert told(evidence, Kind.STEP) == []
    assert told(evidence, Kind.STARTED) == [("b1", "")]
    assert result.verdict.outcome is Outcome.FAILED


def test_programs_that_still_run_at_the_end_are_stopped_by_the_lab(bench: Bench) -> None:
    evidence = bench.passes("""
        title: Left running
        nodes: {"u[1-2]": chat}
        steps:
          - u[1-2]: login
          - u1: quit
    """)
    ends = {
        event.node: (event.detail["status"], event.detail["by"])
        for event in evidence.journal
        if event.kind is Kind.EXITED
    }
    assert ends == {"u1": (0, "itself"), "u2": (143, "lab")}


def test_a_node_that_a_step_starts_does_not_start_before(talk: Bench) -> None:
    evidence = talk.passes("""
        title: Late
        nodes: {u1: talker, u2: talker}
        steps:
          - u1: {expect: ready}
          - u2: start
          - u2: {expect: ready}
    """)
    kinds = (Kind.STARTED, Kind.STEP)
    order = [(event.kind.value, event.node) for event in evidence.journal if event.kind in kinds]
    assert order == [
        ("started", "u1"),
        ("step", "u1"),
        ("step", "u2"),
        ("started", "u2"),
        ("step", "u2"),
    ]


def test_a_node_that_was_never_started_is_not_stopped(talk: Bench) -> None:
    result = talk.play("""
        title: Too late
        within: 50ms
        nodes: {u1: talker, u2: talker}
        steps:
          - u1: {expect: never}
          - u2: start
    """)
    evidence = Evidence(result.evidence)
    assert told(evidence, Kind.STARTED) == [("u1", "")]
    assert told(evidence, Kind.EXITED) == [("u1", "")]
    assert evidence.complete
