from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peerlab.checks import ends, exits, log, no_traceback, steps, wire
from peerlab.checks.messages import Messages
from peerlab.checks.verdict import Finding, Judged, Outcome, Verdict, worst
from peerlab.evidence.journal import Event, Kind
from peerlab.scenario.model import CheckSpec
from peerlab.scenario.source import Span
from peerlab.scenario.values import Pattern
from tests.support import messages
from tests.support.journals import (
    deployed,
    event,
    evidence,
    exited,
    failed,
    printed,
    started,
    verdict,
)

SPAN = Span(Path("scenario.yaml"), 9, 5, 9, 13)
WHERE = (9, 5)
LAB = [deployed("server", "10.0.0.2"), deployed("u1", "10.0.0.3")]
PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN

# exits

EXITS: dict[str, tuple[list[Event], list[Finding]]] = {
    "as expected": (
        [exited("server", 0), exited("u1", 3)],
        [Finding("exits", PASSED, "ended with status: server 0, u1 3")],
    ),
    "another status": (
        [exited("server", 0), printed("u1", "1\n2\n3\n4\n5\n6\n"), exited("u1", 1)],
        [
            Finding(
                "exits",
                FAILED,
                "u1 ended with status 1, expected 3",
                "u1",
                WHERE,
                "2\n3\n4\n5\n6",
            )
        ],
    ),
    "stopped by the lab": (
        [exited("server", 0, by="lab"), exited("u1", 3)],
        [
            Finding(
                "exits",
                FAILED,
                "server did not end by itself: the lab stopped it at the end",
                "server",
                WHERE,
            )
        ],
    ),
    "stopped after a failed step": (
        [failed("u1", "u1 never showed 'x'"), exited("server", 0, by="lab"), exited("u1", 3)],
        [
            Finding(
                "exits",
                UNKNOWN,
                "server was stopped by the lab, since the steps did not come to their end",
                "server",
                WHERE,
            )
        ],
    ),
    "stopped by a step": (
        [exited("server", 0, by="step"), exited("u1", 3)],
        [Finding("exits", PASSED, "ended with status: server 0, u1 3")],
    ),
    "started again": (
        [exited("server", 9), started("server", again=True), exited("server", 0), exited("u1", 3)],
        [Finding("exits", PASSED, "ended with status: server 0, u1 3")],
    ),
    "started again and never seen to end again": (
        [exited("server", 0), started("server", again=True), exited("u1", 3)],
        [Finding("exits", UNKNOWN, "server was never seen to end", "server", WHERE)],
    ),
    "never seen to end": (
        [exited("u1", 3)],
        [Finding("exits", UNKNOWN, "server was never seen to end", "server", WHERE)],
    ),
}


@pytest.mark.parametrize(("events", "findings"), EXITS.values(), ids=EXITS)
def test_exits_compares_the_status_of_programs_that_ended_by_themselves(
    tmp_path: Path, events: list[Event], findings: list[Finding]
) -> None:
    spec = CheckSpec("exits", {"nodes": {"server": 0, "u1": 3}}, "exits", SPAN)
    half = [replace(found, share=0.5 * (found.outcome is not PASSED)) for found in findings]
    assert exits.check(evidence(tmp_path, [*LAB, *events]), spec) == half


# log

OUTPUT = [
    printed("server", "listening\nAccepted u1\n"),
    event(Kind.TYPED, "u1", "quit"),
    printed("u1", "Hello\r\nAccepted\x0b? Acc"),
    printed("u1", "epted\n"),
]


def log_spec(pattern: str, *nodes: str, **arguments: Any) -> CheckSpec:  # noqa: ANN401
    given: dict[str, object] = {
        "nodes": nodes,
        "pattern": Pattern.parse(pattern),
        "contains": True,
        "times": None,
        "direction": "printed",
    }
    return CheckSpec("log", given | arguments, "log: ...", SPAN)


def fault(message: str, node: str, proof: str = "") -> list[Finding]:
    return [Finding("log", FAILED, message, node, WHERE, proof)]


LOGS: dict[str, tuple[CheckSpec, list[Finding]]] = {
    "contains": (
        log_spec("Accepted", "server", "u1"),
        [Finding("log", PASSED, "true of server, u1")],
    ),
    "contains over two pieces": (
        log_spec("? Accepted", "u1"),
        [Finding("log", PASSED, "true of u1")],
    ),
    "does not contain": (
        log_spec("Hello", "server", "u1"),
        [
            replace(found, share=0.5)
            for found in fault("server never printed 'Hello'", "server", "listening\nAccepted u1")
        ],
    ),
    "so many times": (
        log_spec("/Accepted/", "u1", times=2),
        [Finding("log", PASSED, "true of u1")],
    ),
    "not so many times": (
        log_spec("/accepted/", "server", times=2),
        fault(
            "server printed '/accepted/' 0 times, expected 2", "server", "listening\nAccepted u1"
        ),
    ),
    "no times at all": (
        log_spec("Hello", "server", times=0),
        [Finding("log", PASSED, "true of server")],
    ),
    "lacks": (
        log_spec("Hello", "server", contains=False),
        [Finding("log", PASSED, "true of server")],
    ),
    "does not lack": (
        log_spec("? Acc", "u1", contains=False),
        fault("u1 printed '? Acc', which must not be", "u1", "Accepted\x0b? Accepted"),
    ),
    "does not lack its end": (
        log_spec(r"/(?<=\n)\Z/", "server", contains=False),
        fault(r"server printed '/(?<=\\n)\\Z/', which must not be", "server"),
    ),
    "typed": (
        log_spec("quit", "u1", direction="typed"),
        [Finding("log", PASSED, "true of u1")],
    ),
    "never typed": (
        log_spec("exit", "u1", direction="typed"),
        fault("'exit' was never typed into u1", "u1", "quit\nHello\nAccepted\n? Accepted"),
    ),
    "typed, but not so often": (
        log_spec("quit", "u1", direction="typed", times=2),
        fault(
            "'quit' was typed into u1 1 times, expected 2",
            "u1",
            "quit\nHello\nAccepted\n? Accepted",
        ),
    ),
    "typed against the check": (
        log_spec("quit", "u1", direction="typed", contains=False),
        fault("'quit' was typed into u1, which must not be", "u1", "quit"),
    ),
    "typed is not printed": (
        log_spec("quit", "u1", contains=False),
        [Finding("log", PASSED, "true of u1")],
    ),
}


@pytest.mark.parametrize(("spec", "findings"), LOGS.values(), ids=LOGS)
def test_log_looks_for_a_pattern_in_one_direction(
    tmp_path: Path, spec: CheckSpec, findings: list[Finding]
) -> None:
    assert log.check(evidence(tmp_path, [*LAB, *OUTPUT]), spec) == findings


# ends


def signalled(node: str) -> Event:
    return event(Kind.SIGNALLED, node, signal="interrupt")


ENDS: dict[str, tuple[list[Event], list[str]]] = {
    "in order": ([started("u1"), exited("u1", 0)], []),
    "failed": ([started("u1"), exited("u1", 3)], ["u1 ended by itself with status 3"]),
    "signalled": ([started("u1"), signalled("u1"), exited("u1", 130)], []),
    "stopped by a step": ([started("u1"), exited("u1", 143, by="step")], []),
    "stopped by the lab": ([started("u1"), exited("u1", 143, by="lab")], []),
    "failed before it was started again": (
        [started("u1"), exited("u1", 3), started("u1", again=True), exited("u1", 0)],
        ["u1 ended by itself with status 3"],
    ),
    "failed after it was signalled and started again": (
        [signalled("u1"), exited("u1", 1), started("u1", again=True), exited("u1", 4)],
        ["u1 ended by itself with status 4"],
    ),
    "failed as somebody foresaw": ([started("server"), exited("server", 3)], []),
}


@pytest.mark.parametrize(("events", "messages"), ENDS.values(), ids=ENDS)
def test_ends_finds_every_failure_that_nobody_foresaw(
    tmp_path: Path, events: list[Event], messages: list[str]
) -> None:
    findings = ends.check(evidence(tmp_path, [*LAB, *events]), awaited={}, checked={"server"})
    more = ", which no step and no check expects"
    assert [finding.message for finding in findings] == [message + more for message in messages]
    assert {finding.outcome for finding in findings} <= {FAILED}


def test_an_end_that_steps_await_excuses_none_that_comes_later(tmp_path: Path) -> None:
    lives = [started("u1"), exited("u1", 3), started("u1", again=True), exited("u1", 4)]
    found = evidence(tmp_path, [*LAB, *lives])
    (finding,) = ends.check(found, awaited={"u1": 1}, checked=set())
    assert finding.message.startswith("u1 ended by itself with status 4")
    assert ends.check(found, awaited={"u1": 2}, checked=set()) == []
    assert ends.check(found, awaited={"u1": 1}, checked={"u1"}) == []


def test_a_program_of_which_no_end_was_told_is_unknown(tmp_path: Path) -> None:
    for left, told in ((False, ["u1 was never seen to end"]), (True, [])):
        end = Event(9.0, Kind.END, None, "", {"left": left})
        events = [*LAB, started("server"), exited("server", 0), started("u1"), end]
        found = evidence(tmp_path / str(left), events, complete=False)
        findings = ends.check(found, awaited={}, checked=set())
        assert [finding.message for finding in findings] == told
        assert all(finding.outcome is UNKNOWN for finding in findings)


def test_a_traceback_that_somebody_else_sent_is_none_of_the_program(tmp_path: Path) -> None:
    heard = event(Kind.PRINTED, "u1", "from u2: Traceback (most recent call last):\n", notice=True)
    (finding,) = no_traceback.check(evidence(tmp_path, [*LAB, heard]))
    assert finding.outcome is PASSED


# wire


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (0, []),
        (
            7,
            [
                Finding(
                    "wire",
                    UNKNOWN,
                    "the wire missed 7 frames: more came than this machine can hand on",
                )
            ],
        ),
    ],
)
def test_frames_that_the_lab_lost_make_the_verdict_unknown(
    tmp_path: Path, missed: int, expected: list[Finding]
) -> None:
    assert (
        wire.check(evidence(tmp_path, [event(Kind.WIRE, text="totals", missed=missed)])) == expected
    )


@pytest.mark.parametrize(
    ("timed", "late", "latest", "too_busy"),
    [
        (2, 2, 0.07, False),
        (100, 10, 0.3, False),
        (100, 11, 0.07, True),
        (100, 1, 0.6, True),
    ],
)
def test_a_wire_that_was_late_often_or_by_much_makes_the_verdict_unknown(
    tmp_path: Path, timed: int, late: int, latest: float, *, too_busy: bool
) -> None:
    totals = event(Kind.WIRE, text="totals", missed=0, timed=timed, late=late, latest=latest)
    found = wire.check(evidence(tmp_path, [totals]))
    assert [finding.outcome for finding in found] == [UNKNOWN] * too_busy
    assert all(f"{late} of {timed} delayed packets late" in finding.message for finding in found)


def test_a_network_that_was_not_as_asked_for_when_it_was_tried_makes_the_verdict_unknown(
    tmp_path: Path,
) -> None:
    about = {"from": "u1", "to": "u2", "rules": ["drop: 2"]}
    tried = [
        Event(1.0, Kind.WIRE, None, "tried", {**about, "step": step, "wrong": wrong})
        for step, wrong in ((0, None), (3, "1 should arrive, and none did"))
    ]
    assert wire.check(evidence(tmp_path, tried)) == [
        Finding(
            "wire",
            UNKNOWN,
            "the wire does not do what step 3 asks for (drop: 2): "
            "u1 to u2, 1 should arrive, and none did",
        )
    ]


# no-traceback


def test_a_traceback_is_found_with_its_text(tmp_path: Path) -> None:
    events = [
        printed("u1", "fine\n"),
        printed("server", "hm\nTraceback (most "),
        printed("server", "recent call last):\n  File\nKeyError: 1\n"),
    ]
    assert no_traceback.check(evidence(tmp_path, events)) == [
        Finding(
            "no-traceback",
            FAILED,
            "server printed a traceback",
            "server",
            None,
            "Traceback (most recent call last):\n  File\nKeyError: 1\n",
        )
    ]


def test_without_a_traceback_the_check_passes_even_if_one_was_typed(tmp_path: Path) -> None:
    events = [event(Kind.TYPED, "u1", "Traceback (most recent call last)")]
    assert no_traceback.check(evidence(tmp_path, events)) == [
        Finding("no-traceback", PASSED, "no node printed a traceback")
    ]


# steps


def step(number: int) -> Event:
    return event(Kind.STEP, "u1", "login", number=number, line=1, column=1)


CUT = "u1 printed more than the lab keeps: only the first 4 bytes are kept"

STEPS: dict[str, tuple[list[Event], bool, bool, list[Finding]]] = {
    "all true": (
        [step(1), step(2), step(2)],
        True,
        True,
        [Finding("steps", PASSED, "all 2 steps came true")],
    ),
    "nothing expected": ([step(1)], True, False, []),
    "a failed step": (
        [step(1), failed("u1", "u1 never showed 'x'", since="y")],
        True,
        True,
        [
            Finding(
                "steps",
                FAILED,
                "u1 never showed 'x' within 2 s; u1 is still running",
                "u1",
                (7, 5),
                "y",
            )
        ],
    ),
    "a step that failed at once": (
        [failed("u1", "cannot type 'x' into u1", waited=0.0, state="ended with status 1")],
        True,
        True,
        [
            Finding(
                "steps",
                FAILED,
                "cannot type 'x' into u1; u1 ended with status 1",
                "u1",
                (7, 5),
            )
        ],
    ),
    "a broken lab": (
        [step(1), event(Kind.BROKE, text="the engine has gone")],
        False,
        True,
        [Finding("steps", UNKNOWN, "the engine has gone")],
    ),
    "output not kept": (
        [step(1), event(Kind.TRUNCATED, "u1", "only the first 4 bytes are kept")],
        True,
        False,
        [Finding("steps", UNKNOWN, CUT, "u1")],
    ),
    "a run that was killed": (
        [step(1)],
        False,
        True,
        [Finding("steps", UNKNOWN, "the run did not come to its end")],
    ),
}


@pytest.mark.parametrize(("events", "complete", "expecting", "findings"), STEPS.values(), ids=STEPS)
def test_steps_tells_what_did_not_come_true_and_what_broke(
    tmp_path: Path,
    events: list[Event],
    findings: list[Finding],
    *,
    complete: bool,
    expecting: bool,
) -> None:
    found = evidence(tmp_path, events, complete=complete)
    assert steps.check(Messages(found), expecting=expecting, steps=2) == findings


# Outcomes


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ([], UNKNOWN),
        ([PASSED], PASSED),
        ([PASSED, PASSED], PASSED),
        ([PASSED, UNKNOWN], UNKNOWN),
        ([UNKNOWN, FAILED, PASSED], FAILED),
    ],
)
def test_failed_beats_unknown_beats_passed(outcomes: list[Outcome], together: Outcome) -> None:
    assert worst(outcomes) is together
    all_together = verdict(*(Finding("x", outcome, "") for outcome in outcomes))
    assert all_together.outcome is together
    assert all_together.as_dict()["outcome"] == together.value


def test_outcomes_are_exit_statuses() -> None:
    assert [int(outcome.exit_status) for outcome in (PASSED, FAILED, UNKNOWN)] == [0, 1, 3]


def test_a_finding_is_plain_data() -> None:
    finding = Finding("steps", FAILED, "it failed", "u1", (7, 5), "proof")
    assert finding.as_dict() == {
        "check": "steps",
        "outcome": "failed",
        "message": "it failed",
        "node": "u1",
        "where": (7, 5),
        "proof": "proof",
        "why": (),
        "share": 0.0,
    }


def test_on_a_network_that_was_not_as_asked_for_nothing_is_said_of_the_programs() -> None:
    failed_step = Finding("steps", FAILED, "u1 never showed 'x'")
    assert verdict(failed_step, trusted=False).outcome is UNKNOWN
    assert verdict(failed_step).outcome is FAILED


def worth(*outcomes: tuple[Outcome, float], points: float | None, partial: bool = False) -> Judged:
    findings = tuple(Finding("x", outcome, "", share=share) for outcome, share in outcomes)
    return Judged("x", "x", findings, points=points, partial=partial)


def test_a_check_earns_its_points_when_it_passes_and_else_none_or_its_share() -> None:
    right, half = (PASSED, 0.0), (FAILED, 0.5)
    assert worth(right, points=4).earned == 4
    assert worth(half, points=4).earned == 0
    assert worth(half, (FAILED, 0.75), points=4, partial=True).earned == 2
    assert worth(half, points=None, partial=True).earned is None


def test_what_nobody_can_say_earns_no_points_and_takes_none_away() -> None:
    unknown = worth((UNKNOWN, 0.0), points=4)
    assert unknown.earned is None
    assert Verdict((worth((PASSED, 0.0), points=2), unknown)).earned is None
    assert Verdict((worth((PASSED, 0.0), points=2), unknown)).points == 6
    assert Verdict((worth((PASSED, 0.0), points=2),), trusted=False).earned is None
    assert Verdict((worth((PASSED, 0.0), points=None),)).points is None


AWAITED = [{"text": r"Received\ message\ from\ USER\ 1:\ HEY$", "regex": True}]


def test_a_step_that_waited_for_a_lost_message_tells_what_became_of_it(tmp_path: Path) -> None:
    step = failed("u2", "u2 never showed HEY", number=2, awaited=AWAITED)
    events = [*messages.LAB, messages.sent("a", "u2"), messages.datagram("a", "u2", fate="dropped")]
    found = evidence(tmp_path, [*events, step])
    (finding,) = steps.check(Messages(found), expecting=True, steps=4)
    assert finding.why == ("'HEY' (id a), to u2: left u1 at 1.000 s; dropped; u2 never showed it",)
    assert finding.share == 0.25


def test_a_step_tells_of_messages_that_it_awaited_as_whole_words_only(tmp_path: Path) -> None:
    texts = ["m", "are", "Where are you?", "from", "you?"]
    sends = [messages.sent(text, "u2", text=text) for text in texts]
    awaited = [{"text": r"Received\ message:\ from\ USER\ 1:\ Where\ are\ you\?$", "regex": True}]
    step = failed("u2", "u2 never showed it", awaited=awaited)
    found = evidence(tmp_path, [*messages.LAB, *sends, step])
    (finding,) = steps.check(Messages(found), expecting=True, steps=1)
    assert [why.split(":")[0] for why in finding.why] == [
        "'Where are you?' (id Where are you?), to u2",
        "'from' (id from), to u2",
    ]


def test_a_step_that_waited_in_vain_tells_what_came_nearest(tmp_path: Path) -> None:
    step = failed("u1", "u1 never showed it", since="Received message from USER 2: HEY\n")
    near = dict(step.detail) | {"awaited": AWAITED}
    event_ = Event(1.0, Kind.STEP_FAILED, "u1", step.text, near)
    (finding,) = steps.check(Messages(evidence(tmp_path, [*LAB, event_])), expecting=True, steps=1)
    (why,) = finding.why
    assert why == (
        "nearest to it is 'Received message from USER 2: HEY': at its character 28 '2: HEY' "
        "instead of '1: HEY'"
    )


def test_what_a_program_showed_after_its_output_was_cut_nobody_knows(tmp_path: Path) -> None:
    step = failed("u1", "u1 never showed 'x'", truncated=True)
    (finding,) = steps.check(Messages(evidence(tmp_path, [*LAB, step])), expecting=True, steps=1)
    assert finding.outcome is UNKNOWN
