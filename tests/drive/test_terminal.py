import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from peerlab.drive import watch as module
from peerlab.drive.awaited import Awaited, StepFailed
from peerlab.drive.lines import LineKinds
from peerlab.drive.terminal import Terminal
from peerlab.drive.transcript import MAX_UNREAD
from peerlab.drive.watch import MAX_OUTPUT, TAIL, Stopped
from peerlab.errors import LabError
from peerlab.evidence.journal import Event, Journal, Kind
from peerlab.scenario.model import Signal
from tests.support.fake import FakeLab, FakeNode, Program, Running
from tests.support.programs import silent

SOON = 0.05
"""Seconds that are waited for what never comes."""
LONG = 20.0
"""Seconds that are allowed for what comes at once."""

NOTICES = LineKinds(notice=re.compile(r"^\* .*$"))


def awaited(pattern: str) -> Awaited:
    return Awaited(re.compile(pattern), pattern, is_regex=False)


class Desk:
    """A terminal, its node and what it records."""

    def __init__(self, path: Path, program: Program) -> None:
        self.events: list[Event] = []
        self.log = io.BytesIO()
        self.journal = Journal(path, lambda: 0.0, self.events.append)
        self.node = FakeLab({"u1": program}).nodes["u1"]
        self.terminal = Terminal(
            "u1", self.node, self.journal, self.log, kinds=NOTICES, echoes=False
        )

    def expect(self, *patterns: str, within: float = LONG) -> str:
        """Expect one of the patterns and give what matched."""
        return self.terminal.expect(list(map(awaited, patterns)), within).match[0]

    def told(self) -> list[tuple[str, str]]:
        """Kind and text of everything recorded."""
        return [(event.kind.value, event.text) for event in self.events]


def mirror(node: FakeNode) -> Running:
    """Prints every line back, backwards."""
    node.show("> ")
    while (line := (yield)) is not None:
        node.show(f"{line[::-1]}\n> ")
    return 3


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A terminal whose program runs and prints nothing: the tests tell what it prints."""
    desk = Desk(tmp_path / "journal.jsonl", silent)
    desk.terminal.start()
    desk.events.clear()
    yield desk
    desk.journal.close()


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Desk]:
    """A terminal whose program prints every line back, and does not run yet."""
    desk = Desk(tmp_path / "journal.jsonl", mirror)
    yield desk
    desk.journal.close()


def failure(caught: pytest.ExceptionInfo[StepFailed]) -> tuple[str, str, str]:
    return caught.value.message, caught.value.since, caught.value.state


def test_a_dialogue_is_typed_and_read_in_order(answering: Desk) -> None:
    answering.terminal.start()
    answering.expect("> ")
    answering.terminal.type("abc", secret=False)
    assert answering.expect("cba\n") == "cba\n"
    answering.terminal.end_input()
    answering.terminal.exits(3, LONG)
    assert answering.node.typed == ["abc"]
    assert answering.terminal.status == 3
    assert answering.log.getvalue() == b"> cba\n> "
    assert answering.told() == [
        ("started", ""),
        ("printed", "> "),
        ("typed", "abc"),
        ("printed", "cba\n"),
        ("input-ended", ""),
        ("printed", "> "),
        ("exited", ""),
    ]
    assert answering.events[-1].detail == {"status": 3, "by": "itself"}


def test_output_that_comes_while_somebody_waits_is_seen(desk: Desk) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(desk.expect, "here it is")
        desk.terminal.printed("stdout", b"here ")
        desk.terminal.printed("stdout", b"it is")
        assert waiting.result() == "here it is"


def test_what_never_comes_fails_with_what_came_instead(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"one\n* a notice\ntwo")
    with pytest.raises(StepFailed) as caught:
        desk.expect("three", within=SOON)
    assert failure(caught) == (
        "u1 never showed 'three'",
        "one\ntwo\n* a notice",
        "is still running",
    )
    assert caught.value.waited >= SOON
    assert caught.value.node == "u1"


def test_of_much_unread_output_the_end_is_told(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"x" * 5000 + b"end")
    with pytest.raises(StepFailed) as caught:
        desk.expect("y", within=SOON)
    assert caught.value.since == "x" * (TAIL - 3) + "end"


def test_a_program_that_ends_first_fails_the_expectation_without_waiting(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"good b")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(desk.expect, "bye")
        desk.terminal.exited(1)
        with pytest.raises(StepFailed) as caught:
            waiting.result(timeout=LONG / 2)
    assert failure(caught) == ("u1 never showed 'bye'", "good b", "ended with status 1")


def test_the_last_words_of_a_program_that_has_ended_can_still_be_expected(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"good bye")
    desk.terminal.exited(0)
    assert desk.expect("bye") == "bye"


def test_of_several_patterns_the_one_that_is_shown_first_counts(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"first second")
    found = desk.terminal.expect(list(map(awaited, ["second", "first", "fir"])), LONG)
    assert (found.index, found.match[0]) == (1, "first")
    assert desk.expect("second") == "second"


def test_nothing_can_be_typed_into_a_program_that_has_ended(desk: Desk) -> None:
    desk.terminal.exited(1)
    with pytest.raises(StepFailed) as caught:
        desk.terminal.type("hello", secret=False)
    assert failure(caught) == ("cannot type 'hello' into u1", "", "ended with status 1")
    with pytest.raises(StepFailed, match=r"^cannot type a line into u1$"):
        desk.terminal.type("CSC3@A1", secret=True)
    assert desk.node.typed == []
    assert [kind for kind, _ in desk.told()] == ["exited"]


def test_a_secret_is_typed_as_it_is_and_recorded_masked(answering: Desk) -> None:
    answering.terminal.start()
    answering.terminal.type("CSC3@A1", secret=True)
    assert answering.node.typed == ["CSC3@A1"]
    assert ("typed", "********") in answering.told()


def test_notices_are_taken_in_any_order(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"* A\n* B\n")
    assert desk.terminal.notice(awaited("B"), LONG)[0] == "B"
    assert desk.terminal.notice(awaited("A"), LONG)[0] == "A"
    with pytest.raises(StepFailed, match=r"^u1 never showed 'A'$"):
        desk.terminal.notice(awaited("A"), SOON)


def test_a_node_is_ready_without_anything_being_consumed(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"listening\n")
    desk.terminal.ready(awaited("listening"), LONG)
    assert desk.expect("listening") == "listening"
    with pytest.raises(StepFailed) as caught:
        desk.terminal.ready(awaited("listening"), SOON)
    assert caught.value.message == "u1 never became ready: it did not show 'listening'"


def test_another_status_than_expected_fails(desk: Desk) -> None:
    desk.terminal.exited(1)
    with pytest.raises(StepFailed, match=r"^u1 ended with status 1, expected 0$"):
        desk.terminal.exits(0, LONG)
    desk.terminal.exits(None, LONG)


def test_a_program_that_goes_on_fails_to_exit(desk: Desk) -> None:
    with pytest.raises(StepFailed) as caught:
        desk.terminal.exits(None, SOON)
    assert failure(caught) == ("u1 did not end", "", "is still running")


def test_silence_is_kept_by_a_program_that_prints_nothing_new(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"before\n> ")
    desk.terminal.stays_silent(SOON)


def test_silence_is_broken_by_a_notice_that_no_step_has_taken(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"* HEY\n")
    with pytest.raises(StepFailed) as caught:
        desk.terminal.stays_silent(LONG)
    assert failure(caught) == (
        "u1 was to stay silent for 20 s but printed something",
        "* HEY",
        "is still running",
    )


def test_silence_is_broken_by_output(desk: Desk) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(desk.terminal.stays_silent, LONG)
        # Not sure to be waiting yet, so whatever comes first is not the last.
        while not waiting.done():
            desk.terminal.printed("stdout", b".")
        with pytest.raises(StepFailed):
            waiting.result()


@pytest.mark.parametrize("wait", ["expect", "notice", "exits", "stays_silent", "type", "finish"])
def test_a_run_that_is_abandoned_ends_every_wait(
    desk: Desk, wait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = {
        "expect": lambda: desk.expect("never"),
        "notice": lambda: desk.terminal.notice(awaited("never"), LONG),
        "exits": lambda: desk.terminal.exits(0, LONG),
        "stays_silent": lambda: desk.terminal.stays_silent(LONG),
        "type": lambda: desk.terminal.type("text", secret=False),
        "finish": lambda: desk.terminal.finish(LONG),
    }
    monkeypatch.setattr(desk.node, "stop", lambda: None)
    with ThreadPoolExecutor() as pool:
        # Before `type`, which does not wait, else at some moment of the wait.
        if wait == "type":
            desk.terminal.abandon()
        waiting = pool.submit(waits[wait])
        desk.terminal.abandon()
        with pytest.raises(Stopped):
            waiting.result(timeout=LONG / 2)


def test_a_node_that_is_lost_breaks_the_lab(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"unfinished")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(desk.expect, "never")
        desk.terminal.lost("the engine has gone")
        with pytest.raises(LabError) as caught:
            waiting.result(timeout=LONG / 2)
    assert caught.value.message == "lost the connection to u1: the engine has gone"
    assert desk.told() == [("printed", "unfinished")]
    assert desk.terminal.wait_ended(LONG)


def test_what_was_shown_before_the_node_was_lost_still_counts(desk: Desk) -> None:
    desk.terminal.printed("stdout", b"done")
    desk.terminal.lost("the engine has gone")
    assert desk.expect("done") == "done"


def test_an_end_that_the_lab_asked_for_is_told_from_the_programs_own(answering: Desk) -> None:
    answering.terminal.start()
    answering.terminal.stop()
    assert answering.terminal.wait_ended(LONG)
    assert answering.events[-1].detail == {"status": 143, "by": "lab"}
    answering.terminal.stop()
    assert answering.events[-1].kind is Kind.EXITED


def test_a_program_that_was_not_started_yet_takes_and_shows_nothing(answering: Desk) -> None:
    with pytest.raises(StepFailed) as caught:
        answering.terminal.type("hello", secret=False)
    assert failure(caught) == ("cannot type 'hello' into u1", "", "was not started")
    with pytest.raises(StepFailed) as caught:
        answering.expect("> ", within=SOON)
    assert failure(caught) == ("u1 never showed '> '", "", "was not started")
    answering.terminal.stop()
    assert answering.terminal.wait_ended(LONG)
    assert answering.told() == []


def test_a_program_is_started_once(answering: Desk) -> None:
    answering.terminal.start()
    with pytest.raises(StepFailed, match=r"^u1 was started before$"):
        answering.terminal.start()
    assert answering.told() == [("started", "")]


def test_a_node_that_was_not_started_is_neither_paused_nor_stopped_nor_restarted(
    answering: Desk,
) -> None:
    acts: dict[str, Callable[[], None]] = {
        "pause": answering.terminal.pause,
        "resume": answering.terminal.resume,
        "stop": lambda: answering.terminal.finish(LONG),
        "restart": lambda: answering.terminal.restart(LONG),
    }
    for name, act in acts.items():
        with pytest.raises(StepFailed) as caught:
            act()
        assert failure(caught) == (f"cannot {name} u1", "", "was not started")
    assert answering.told() == []


def test_a_program_that_outlives_its_kill_breaks_the_lab(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerlab.drive.terminal.KILLED_WITHIN", SOON)
    for way in ("stop", "kill"):
        monkeypatch.setattr(desk.node, way, lambda: None)
    with pytest.raises(LabError, match=r"^u1 was killed and did not end$"):
        desk.terminal.finish(SOON)


def test_output_over_all_starts_is_limited(
    answering: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 3)
    answering.terminal.start()
    answering.terminal.restart(LONG)
    assert answering.log.getvalue() == b"> >"
    assert answering.told()[-1][0] == "truncated"


def test_signals_are_recorded_and_sent(answering: Desk) -> None:
    answering.terminal.start()
    answering.terminal.signal(Signal.INTERRUPT)
    answering.terminal.exits(130, LONG)
    (signalled,) = [event for event in answering.events if event.kind is Kind.SIGNALLED]
    assert signalled.detail == {"signal": "interrupt"}


def test_no_more_than_the_limit_is_kept(desk: Desk) -> None:
    for _ in range(MAX_OUTPUT // 65_536 + 3):
        desk.terminal.printed("stdout", b"x" * 65_535 + b"\n")
    assert len(desk.log.getvalue()) == MAX_OUTPUT
    truncated = [event for event in desk.events if event.kind is Kind.TRUNCATED]
    assert [event.text for event in truncated] == ["only the first 1048576 bytes are kept"]


@pytest.mark.parametrize("chunks", [[b"12345678"], [b"1234", b"5678"], [b"123", b"45", b"678"]])
def test_output_beyond_the_limit_is_told_once_however_it_is_cut(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, chunks: list[bytes]
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 4)
    for chunk in chunks:
        desk.terminal.printed("stdout", chunk)
    assert desk.log.getvalue() == b"1234"
    assert desk.told() == [
        ("printed", "1234"),
        ("truncated", "only the first 4 bytes are kept"),
    ]


def test_output_that_comes_in_too_many_pieces_is_cut_as_well(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PIECES", 3)
    for line in (b"* a\n* b\n* c\n* d\n", b"e\n", b"f\n"):
        desk.terminal.printed("stdout", line)
    assert desk.log.getvalue() == b"* a\n* b\n* c\n* d\n"
    assert desk.told()[4:] == [("truncated", "only the first 16 bytes are kept")]


@pytest.mark.parametrize("wait", ["expect", "notice", "ready"])
def test_a_wait_for_output_ends_with_the_output_that_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 4)
    waits = {
        "expect": lambda: desk.expect("bye"),
        "notice": lambda: desk.terminal.notice(awaited("bye"), LONG),
        "ready": lambda: desk.terminal.ready(awaited("bye"), LONG),
    }
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(waits[wait])
        desk.terminal.printed("stdout", b"good bye")
        with pytest.raises(StepFailed) as caught:
            waiting.result(timeout=LONG / 2)
    assert caught.value.state == "printed more than the lab keeps"
    assert caught.value.detail["truncated"] is True
    assert caught.value.detail["awaited"] == [{"text": "bye", "regex": False}]


def test_what_was_printed_long_before_anybody_looked_for_it_may_have_been_there(
    desk: Desk,
) -> None:
    desk.terminal.printed("stdout", b"good\n" + b"x" * MAX_UNREAD)
    with pytest.raises(StepFailed) as caught:
        desk.expect("good", within=SOON)
    assert caught.value.state == "printed more than the lab keeps"
    assert caught.value.detail["truncated"] is True


def test_what_was_kept_can_be_expected_when_the_rest_was_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 4)
    desk.terminal.printed("stdout", b"good bye")
    assert desk.expect("good") == "good"


def test_the_end_of_a_program_is_seen_when_its_output_is_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 4)
    desk.terminal.printed("stdout", b"good bye")
    with pytest.raises(StepFailed) as caught:
        desk.terminal.exits(0, SOON)
    assert failure(caught) == ("u1 did not end", "good", "is still running")
    assert "truncated" not in caught.value.detail
    desk.terminal.exited(0)
    desk.terminal.exits(0, LONG)


def test_silence_is_broken_by_output_that_is_not_kept_and_that_may_have_been_a_trace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 4)
    desk.terminal.printed("stdout", b"good bye")
    desk.terminal.stays_silent(SOON)

    def print_meanwhile(holds: Callable[[], bool], _within: float) -> bool:
        desk.terminal.printed("stdout", b".")
        return holds()

    monkeypatch.setattr(desk.terminal._changed, "wait_for", print_meanwhile)
    with pytest.raises(StepFailed) as caught:
        desk.terminal.stays_silent(LONG)
    assert caught.value.detail["truncated"] is True


def test_output_up_to_the_limit_is_not_beyond_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 4)
    desk.terminal.printed("stdout", b"1234")
    assert desk.told() == []
