"""Nodes that stand still, end and start again while they are played with."""

import pytest

from peerlab.checks.verdict import Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import Stop, play
from tests.support.bench import Bench, facts, told
from tests.support.fake import FakeBackend
from tests.support.programs import stubborn

ONE = "title: One node\nwithin: 50ms\nnodes: {u1: talker}\nsteps:\n"


def course(evidence: Evidence) -> list[str]:
    """What happened to nodes, without what they did."""
    kinds = {Kind.STARTED, Kind.PAUSED, Kind.RESUMED, Kind.SIGNALLED, Kind.EXITED}
    return [
        " ".join([event.kind, *(str(value) for value in event.detail.values())])
        for event in evidence.journal
        if event.kind in kinds
    ]


def test_a_paused_node_is_silent_and_takes_what_was_typed_once_it_is_resumed(talk: Bench) -> None:
    evidence = talk.passes(
        ONE + "  - u1: {expect: ready}\n"
        "  - u1: pause\n"
        "  - u1: {type: hello}\n"
        "  - u1: {stays-silent: 10ms}\n"
        "  - u1: resume\n"
        "  - u1: {expect: hello}\n"
    )
    assert course(evidence) == ["started", "paused", "resumed", "exited 143 lab"]


def test_what_a_paused_node_fails_to_show_is_told_with_its_state(talk: Bench) -> None:
    event = talk.fails(
        ONE + "  - u1: pause\n  - u1: {type: hello}\n  - u1: {expect: hello, within: 10ms}\n"
    )
    assert facts(event) == ("u1", "u1 never showed 'hello'", "ready\n> \n", "is paused")


def test_an_interrupt_waits_until_the_node_goes_on(talk: Bench) -> None:
    evidence = talk.passes(
        ONE + "  - u1: pause\n"
        "  - u1: interrupt\n"
        "  - u1: {stays-silent: 10ms}\n"
        "  - u1: resume\n"
        "  - u1: {exits: 130}\n"
    )
    assert course(evidence) == [
        "started",
        "paused",
        "signalled interrupt",
        "resumed",
        "exited 130 itself",
    ]


def test_an_interrupt_that_a_killed_program_did_not_get_is_not_for_the_next_one(
    talk: Bench,
) -> None:
    evidence = talk.passes(
        ONE + "  - u1: pause\n"
        "  - u1: interrupt\n"
        "  - u1: kill\n"
        "  - u1: restart\n"
        "  - u1: pause\n"
        "  - u1: resume\n"
        "  - u1: {type: hello}\n"
        "  - u1: {expect: hello}\n"
    )
    assert evidence.node("u1").status == 143


def test_a_paused_node_can_be_killed(talk: Bench) -> None:
    evidence = talk.passes(ONE + "  - u1: pause\n  - u1: kill\n  - u1: {exits: 137}\n")
    assert course(evidence) == ["started", "paused", "signalled kill", "exited 137 step"]


def test_a_run_that_ends_with_a_paused_node_resumes_it_before_it_stops_it(talk: Bench) -> None:
    evidence = talk.passes(ONE + "  - u1: {expect: ready}\n  - u1: pause\n  - u1: {type: last}\n")
    assert course(evidence) == ["started", "paused", "resumed", "exited 143 lab"]
    assert evidence.node("u1").printed.endswith("last\n> ")


def test_a_paused_node_that_outlives_the_run_is_resumed(talk: Bench) -> None:
    backend = FakeBackend(talk.programs, owns_nodes=False)
    scenario = talk.load(ONE + "  - u1: {expect: ready}\n  - u1: pause\n")
    evidence = Evidence(play(scenario, backend, talk.out).evidence)
    assert course(evidence) == ["started", "paused", "resumed"]


def test_a_run_is_interrupted_while_a_node_is_paused(talk: Bench) -> None:
    scenario = talk.load(ONE + "  - u1: pause\n  - u1: {expect: never, within: 60s}\n")
    stop, backend = Stop(), talk.backend()
    result = play(
        scenario,
        backend,
        talk.out,
        observer=lambda _, event: stop.request() if event.kind is Kind.PAUSED else None,
        stop=stop,
    )
    assert result.interrupted
    assert backend.left == 0


def test_a_stop_waits_until_the_program_has_ended_in_order(talk: Bench) -> None:
    evidence = talk.passes(
        ONE + "  - u1: stop\n  - u1: {exits: 143}\n  - u1: stop\nchecks: [exits: {u1: 143}]\n"
    )
    assert course(evidence) == ["started", "signalled terminate", "exited 143 step"]


def test_a_program_that_does_not_stop_in_time_is_killed(bench: Bench) -> None:
    bench.program("stubborn", stubborn)
    evidence = bench.passes("""
        title: Stubborn
        nodes: {u1: stubborn}
        steps:
          - u1: {expect: here to stay}
          - u1: {stop: , within: 50ms}
          - u1: {expect: last words}
    """)
    assert course(evidence) == [
        "started",
        "signalled terminate",
        "signalled kill",
        "exited 137 step",
    ]


@pytest.mark.parametrize(
    ("before", "happened"),
    [
        ("", ["signalled terminate", "exited 143 step"]),
        ("  - u1: kill\n", ["signalled kill", "exited 137 step"]),
        ("  - u1: stop\n", ["signalled terminate", "exited 143 step"]),
        ("  - u1: {type: exit 0}\n", ["exited 0 itself"]),
        ("  - u1: pause\n", ["paused", "resumed", "signalled terminate", "exited 143 step"]),
    ],
)
def test_a_program_is_started_again_however_it_ended(
    talk: Bench, before: str, happened: list[str]
) -> None:
    evidence = talk.passes(
        ONE + "  - u1: {expect: ready}\n" + before + "  - u1: restart\n"
        "  - u1: {expect: ready}\n"
        "  - u1: {type: exit 3}\n"
        "  - u1: {exits: 3}\n"
        "checks: [exits: {u1: 3}]\n"
    )
    assert course(evidence) == ["started", *happened, "started True", "exited 3 itself"]


def test_after_a_restart_only_what_the_new_program_prints_is_looked_at(talk: Bench) -> None:
    event = talk.fails(
        ONE + '  - u1: {type: "before|* a notice"}\n'
        "  - u1: restart\n"
        "  - u1: {stays-silent: 10ms}\n"
        "  - u1: {expect: before}\n"
    )
    assert facts(event) == ("u1", "u1 never showed 'before'", "ready\n> ", "is still running")


def test_log_and_transcript_go_on_over_a_restart(talk: Bench) -> None:
    evidence = talk.passes(ONE + "  - u1: restart\n  - u1: {expect: ready}\n  - u1: {type: x}\n")
    assert evidence.log("u1") == b"ready\n> ready\n> x\n> "
    node = evidence.node("u1")
    assert node.transcript == "ready\n> \n(started again)\nready\n> x\nx\n> "
    assert node.printed == "ready\n> \nready\n> x\n> "


def test_a_restart_waits_until_the_program_is_ready_again(bench: Bench) -> None:
    bench.program("ready", stubborn, "about: x\nimage: x\nready: here to stay\n")
    evidence = bench.passes("""
        title: Ready
        nodes: {u1: ready}
        steps:
          - u1: kill
          - u1: restart
          - u1: {expect: here to stay}
    """)
    assert told(evidence, Kind.READY) == [("u1", ""), ("u1", "")]


def test_messages_are_counted_over_restarts(bench: Bench) -> None:
    bench.passes("""
        title: Messages before and after
        nodes: {"u[1-2]": chat}
        steps:
          - u[1-2]: login
          - u1: {say: ONE, to: [u2]}
          - u2: {hears: ONE, from: u1}
          - u2: restart
          - u2: login
          - u1: {say: TWO, to: [u2]}
          - u2: {hears: TWO, from: u1}
        checks:
          - delivery: {sent: 2}
    """)


def test_a_program_that_failed_before_it_was_started_again_fails_the_run(talk: Bench) -> None:
    result = talk.play(
        ONE + "  - u1: {expect: ready}\n"
        "  - u1: {type: exit 4}\n"
        "  - u1: restart\n"
        "  - u1: {expect: ready}\n"
        "  - u1: interrupt\n"
    )
    (finding,) = [found for found in result.verdict.findings if found.outcome is Outcome.FAILED]
    assert finding.message.startswith("u1 ended by itself with status 4, which no step")


@pytest.mark.parametrize(
    ("steps", "text", "state"),
    [
        (["{type: exit 1}", "pause"], "cannot pause u1", "ended with status 1"),
        (["pause", "decide", "pause"], "cannot pause u1", "is paused"),
        (["decide", "resume"], "cannot resume u1", "is still running"),
        (["pause", "decide", "kill", "resume"], "cannot resume u1", "ended with status 137"),
    ],
)
def test_what_cannot_be_known_before_fails_the_step(
    talk: Bench, steps: list[str], text: str, state: str
) -> None:
    # After a choice that may do anything, the file does not tell the state of the node.
    decide = "{choose: {ready: [], never: [pause, resume]}}"
    lines = [f"  - u1: {decide if step == 'decide' else step}\n" for step in steps]
    event = talk.fails(ONE + "".join(lines))
    assert (event.text, event.detail["state"]) == (text, state)
