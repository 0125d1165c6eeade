"""What was read is compared with what the engine logged of it."""

from collections.abc import Mapping

import pytest

from peerlab.backend.base import Stream
from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from tests.support.bench import PLAIN_FILE, Bench
from tests.support.fake import FakeLab, FakeNode, Running
from tests.support.programs import stubborn

TWICE = "title: T\nnodes: {u1: two-streams}\nsteps: [{u1: restart}, {u1: {expect: out}}]\n"
PRINTED: Mapping[Stream, bytes] = {"stdout": b"out\nput\nout\nput\n", "stderr": b"er\xffer\xff"}


def two_streams(node: FakeNode) -> Running:
    """Prints on both streams in turn."""
    node.show("out\n")
    node.show(b"er\xff", "stderr")
    node.show("put\n")
    yield
    return 0


def played(bench: Bench, text: str, log: Mapping[Stream, bytes] | None) -> Result:
    backend = bench.backend()

    def log_it(lab: FakeLab) -> None:
        for node in lab.nodes.values():
            node.log = log

    backend.prepare = log_it
    return play(bench.load(text), backend, bench.out)


def compared(result: Result) -> list[str]:
    (end,) = [event for event in Evidence(result.evidence).journal if event.kind is Kind.END]
    names: list[str] = end.detail["compared"]
    return names


@pytest.fixture
def streams(bench: Bench) -> Bench:
    """Plays scenarios with the program `two-streams`."""
    bench.program("two-streams", two_streams)
    return bench


def test_a_log_that_is_the_same_over_all_starts_is_told(streams: Bench) -> None:
    result = played(streams, TWICE, PRINTED)
    assert result.verdict.outcome is Outcome.PASSED
    assert compared(result) == ["u1"]


def test_where_nobody_keeps_a_log_nothing_is_compared(streams: Bench) -> None:
    result = played(streams, TWICE, None)
    assert result.verdict.outcome is Outcome.PASSED
    assert compared(result) == []


@pytest.mark.parametrize(
    ("log", "stream"),
    [
        ({**PRINTED, "stdout": b"out\nput\nout\nput"}, "stdout"),
        ({**PRINTED, "stdout": b"out\nput\n"}, "stdout"),
        ({**PRINTED, "stderr": b"er\xffer\xfe"}, "stderr"),
        ({"stdout": PRINTED["stdout"]}, "stderr"),
        ({"stdout": PRINTED["stderr"], "stderr": PRINTED["stdout"]}, "stdout"),
    ],
    ids=["a byte less", "one start", "another byte", "one stream", "mixed up"],
)
def test_a_log_that_differs_breaks_the_lab_and_no_verdict_is_trusted(
    streams: Bench, log: Mapping[Stream, bytes], stream: str
) -> None:
    result = played(streams, TWICE, log)
    wrong = f"what was read of u1's {stream} is not what the engine logged"
    assert str(result.error) == wrong
    assert result.verdict.outcome is Outcome.UNKNOWN
    assert wrong in [finding.message for finding in result.verdict.findings]


def test_output_that_was_cut_is_not_compared(
    streams: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerlab.drive.watch.MAX_OUTPUT", 10)
    assert compared(played(streams, TWICE, PRINTED)) == []


def test_a_program_that_may_still_print_is_not_compared(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerlab.drive.director.STOP_WITHIN", 0.01)
    bench.program("stubborn", stubborn, PLAIN_FILE)
    text = "title: T\nnodes: {u1: stubborn}\nsteps: [{u1: {expect: here}}]\n"
    result = played(bench, text, {"stdout": b"here to stay\n"})
    assert compared(result) == []
    assert result.error is None
