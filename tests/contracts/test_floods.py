"""Output is hostile: whatever a program prints, it harms neither the lab nor other nodes."""

import pytest

from peerlab.checks.verdict import Outcome
from peerlab.drive.watch import MAX_OUTPUT, MAX_PIECES
from peerlab.evidence.folder import JOURNAL
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence
from tests.contracts.conftest import Bench

MESSAGES = r"""
notices: '/^\* .*$/'
messages:
  sent: '/^trace: sent (?P<id>\S+) to (?P<to>\S+): (?P<text>.*)$/'
  received: '/^trace: received (?P<id>\S+) from (?P<from>\S+): (?P<text>.*)$/'
"""
ECHO = """
import sys
print("ready")
for line in sys.stdin:
    sys.stdout.write("got " + line + "\\n")
"""
BOMB = """
import os
def burst(count):
    for _ in range(count):
        os.write(1, (b"x" * 63 + b"\\n") * 1024)
burst({bursts})
{then}
while True:
    burst(1)
"""
LISTENER = """
import socket
server = socket.create_server(("0.0.0.0", 9000))
print("listening")
server.accept()
print("the bomb has gone off")
"""
AT_ONCE = 65536
FACTOR = 8
"""How many times longer than the output that is kept a journal may become."""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"\n", 1),
        (b"a\n", 1),
        (b"a\n", 2),
        (b"\n", AT_ONCE),
        (b"\xff", AT_ONCE),
        (b"\x1b", AT_ONCE),
        (b"x", AT_ONCE),
        (b"* a longer notice\n", AT_ONCE),
        (b"trace: received 1 from 1: \n", AT_ONCE),
    ],
    ids=[
        "line ends one by one",
        "short lines byte by byte",
        "short lines one by one",
        "line ends",
        "no text",
        "escapes",
        "one line without an end",
        "notices",
        "traces",
    ],
)
def test_of_a_flood_the_first_bytes_are_kept_and_the_journal_stays_small(
    bench: Bench, text: bytes, size: int
) -> None:
    times = AT_ONCE // len(text)
    bench.program(
        "flood",
        f"""
        import os
        whole = {text!r} * {times}
        for _ in range({2 * MAX_OUTPUT // AT_ONCE}):
            for start in range(0, len(whole), {size}):
                piece = whole[start:start + {size}]
                while piece:
                    piece = piece[os.write(1, piece):]
        """,
        more=MESSAGES,
    )
    result = bench.play("""
        title: flood
        nodes: {u1: flood}
        steps: [{u1: {exits: 0, within: 2m}}]
        """)
    assert result.verdict.outcome is Outcome.UNKNOWN
    evidence = Evidence(result.evidence)
    log = evidence.log("u1")
    assert len(log) == MAX_OUTPUT
    assert log == (text * (MAX_OUTPUT // len(text) + 1))[:MAX_OUTPUT]
    assert (result.evidence / JOURNAL).stat().st_size < FACTOR * MAX_OUTPUT
    assert evidence.node("u1").truncated


def test_what_comes_in_too_many_pieces_is_cut_before(bench: Bench) -> None:
    bench.program("flood", f"print('* a\\n' * {MAX_PIECES * 2}, end='')", more=MESSAGES)
    result = bench.play("title: T\nnodes: {u1: flood}\nsteps: [{u1: {exits: 0, within: 1m}}]\n")
    evidence = Evidence(result.evidence)
    log = evidence.log("u1")
    assert MAX_PIECES <= log.count(b"\n") < MAX_PIECES + AT_ONCE / len("* a\n")
    assert log.startswith(b"* a\n* a\n")
    assert (result.evidence / JOURNAL).stat().st_size < FACTOR * MAX_OUTPUT
    (cut,) = [event for event in evidence.journal if event.kind is Kind.TRUNCATED]
    assert cut.text == f"only the first {len(log)} bytes are kept"


def test_a_program_that_prints_forever_disturbs_nobody(bench: Bench) -> None:
    # What it has printed when it connects is more than all buffers on the way to the lab hold.
    connect = "import socket; socket.create_connection(('u4', 9000))"
    code = BOMB.format(bursts=8 * MAX_OUTPUT // AT_ONCE, then=connect)
    bench.program("bomb", code, more="after: [listener]")
    bench.program("listener", LISTENER, more="ready: listening")
    bench.program("echo", ECHO)
    result = bench.play("""
        title: bomb
        within: 30s
        nodes: {u1: bomb, u2: echo, u3: echo, u4: listener}
        steps:
          - u4: {expect: the bomb has gone off}
          - u[2-3]: {expect: ready}
          - u2: {type: one}
          - u2: {expect: got one}
          - u3: {type: two}
          - u3: {expect: got two}
          - u2: {stays-silent: 500ms}
          - u3: {type: three}
          - u3: {expect: got three}
          - u[2-3]: eof
          - u[2-3]: {exits: 0}
        """)
    assert [(finding.message, finding.node) for finding in result.verdict.findings][:1] == [
        (f"u1 printed more than the lab keeps: only the first {MAX_OUTPUT} bytes are kept", "u1")
    ]
    assert result.verdict.outcome is Outcome.UNKNOWN
    evidence = Evidence(result.evidence)
    assert evidence.failed_steps == []
    assert evidence.complete
    assert len(evidence.log("u1")) == MAX_OUTPUT
    assert evidence.node("u2").printed == "ready\ngot one\n\n"
    assert len([event for event in evidence.journal if event.kind is Kind.TRUNCATED]) == 1


def test_a_step_that_awaits_what_was_cut_says_so(bench: Bench) -> None:
    bench.program("bomb", BOMB.format(bursts=1, then=""))
    result = bench.play("""
        title: bomb
        nodes: {u1: bomb}
        steps: [{u1: {expect: never, within: 2m}}]
        """)
    (failed,) = Evidence(result.evidence).failed_steps
    assert failed.detail["truncated"] is True
    assert failed.detail["state"] == "printed more than the lab keeps"
    assert failed.detail["waited"] < 120
