"""The backend that sits down at terminals, with real terminals of programs on this machine.

All nodes then share one address: what needs several is tried with compose.yaml.
"""

import socket
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from peerlab.backend.base import RunName
from peerlab.backend.frames import Frame, encode
from peerlab.backend.sockets import MAX_PAYLOAD, FrameKind, SocketsBackend
from peerlab.checks.result import Result
from peerlab.errors import LabError, MachineUnfit, UsageError
from peerlab.evidence.reading import Evidence
from peerlab.play import play
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.services.running import DEADLINE
from tests.services.terminal.terminals import RunningTerminal, python

ECHO = python("print('ready')\nfor line in open(0): print('got', line, end='')\nprint('end')")
RUN = RunName("test", "20260101T000000Z-00000000")
HELLO = b'{"ip":"127.0.0.1","hostname":"test","missed":0}'


class Bench:
    """A directory with the terminals of nodes, and scenarios that are played on them."""

    def __init__(self, directory: Path, running: ExitStack) -> None:
        self.directory = directory
        self._running = running

    def node(
        self, name: str, *command: str, pty: bool = False, environ: Mapping[str, str] | None = None
    ) -> RunningTerminal:
        """Start a node."""
        path = self.directory / f"{name}.sock"
        return self._running.enter_context(
            RunningTerminal(path, *command, pty=pty, environ=environ)
        )

    def scenario(self, text: str, *, more: str = "") -> Scenario:
        """Load a scenario; `more` is further text of the file of the program `plain` in it."""
        plain = self.directory / "plain.yaml"
        plain.write_text(f"about: A program of a test\nimage: test/plain\n{more}")
        path = self.directory / "scenario.yaml"
        path.write_text(textwrap.dedent(text))
        return load_scenario(path, programs=known_programs([f"plain={plain}"]))

    def backend(self, within: float = DEADLINE) -> SocketsBackend:
        return SocketsBackend(self.directory, within=within)

    def play(self, text: str, *, more: str = "") -> Result:
        """Play a scenario and give what came of it."""
        return play(self.scenario(text, more=more), self.backend(), self.directory / "runs")

    def passes(self, text: str, *, more: str = "") -> Evidence:
        """Play a scenario that must pass, and give its evidence."""
        result = self.play(text, more=more)
        assert result.verdict.outcome == "passed", result.verdict.findings
        return Evidence(result.evidence)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as running:
        yield Bench(tmp_path, running)


ONE = """
    title: One node
    nodes: {one: plain}
    steps:
"""


def test_people_chat_at_their_terminals(bench: Bench) -> None:
    server = bench.node("server", sys.executable, "-um", "services.server", "--port", "0")
    with server.lab() as lab:
        lab.says(b"\n")
        port = lab.stdout.decode().strip().rpartition(":")[2]
    client = (sys.executable, "-um", "services.client", "--port", port)
    for name in ("alice", "bob"):
        bench.node(name, *client, environ={"CHAT_TRACE": "1"})
    evidence = bench.passes("""
        title: Two people chat on one machine
        nodes: {server: server, alice: client, bob: client}
        steps:
          - alice: login
          - bob: login
          - alice: list
          - alice: {type: "1"}
          - alice: {expect: "Enter recipient's username: "}
          - alice: {type: "USER 2"}
          - alice: {expect: "Enter message to send: "}
          - alice: {type: "Hello Bob!"}
          - bob: {notice: "Received message from USER 1: Hello Bob!"}
          - alice: quit
          - bob: quit
        checks:
          - exits: {alice: 0, bob: 0}
          - log: {node: server, contains: "Authentication successful for", times: 2}
    """)
    log = (evidence.path / "nodes/bob.log").read_text()
    assert "Received message from USER 1: Hello Bob!\n" in log
    assert server.process.poll() is None


def test_the_lab_has_the_whole_output_from_before_it_came_and_both_streams(bench: Bench) -> None:
    code = "import sys; print('early'); print('error', file=sys.stderr); print(input()); exit(3)"
    bench.node("one", *python(code))
    bench.passes(
        ONE
        + """
      - one: {expect: "early"}
      - one: {type: "late"}
      - one: {expect: "late"}
      - one: {exits: 3}
    checks:
      - log: {node: one, contains: "error"}
    """
    )


def test_the_end_of_input_reaches_the_program(bench: Bench) -> None:
    bench.node("one", *ECHO)
    bench.passes(
        ONE
        + """
      - one: {type: "word"}
      - one: eof
      - one: {expect: "end"}
      - one: {exits: 0}
    """
    )


def test_interrupts_and_kills_reach_the_program(bench: Bench) -> None:
    code = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("ready")
while signal.sigwait([signal.SIGINT]): print("interrupted")
"""
    bench.node("one", *python(code))
    bench.passes(
        ONE
        + """
      - one: {expect: "ready"}
      - one: interrupt
      - one: {expect: "interrupted"}
      - one: kill
      - one: {exits: 137}
    """
    )


def test_a_program_stands_still_while_it_is_paused_and_takes_what_was_typed_afterwards(
    bench: Bench,
) -> None:
    bench.node("one", *ECHO)
    bench.passes(
        ONE
        + """
      - one: {expect: "ready"}
      - one: pause
      - one: {type: "word"}
      - one: {stays-silent: 300ms}
      - one: resume
      - one: {expect: "got word"}
    """
    )


def test_a_program_is_stopped_even_while_it_is_paused(bench: Bench) -> None:
    bench.node("one", *python("import signal; print('ready'); signal.pause()"))
    bench.passes(
        ONE
        + """
      - one: {expect: "ready"}
      - one: pause
      - one: stop
      - one: {exits: 143}
    """
    )


def test_a_program_that_a_run_leaves_paused_goes_on(bench: Bench) -> None:
    bench.node("one", *ECHO)
    bench.passes(f"{ONE}      - one: {{expect: ready}}\n      - one: pause\n")
    bench.passes(f"{ONE}      - one: {{type: word}}\n      - one: {{expect: got word}}\n")


def test_a_node_that_is_to_be_restarted_is_refused(bench: Bench) -> None:
    scenario = bench.scenario(f"{ONE}      - one: kill\n      - one: restart\n")
    with pytest.raises(UsageError, match=r"one is restarted in .*, but the backend `sockets`"):
        bench.backend().deploy(scenario, RUN).__enter__()


def test_a_pseudo_terminal_is_typed_on(bench: Bench) -> None:
    bench.node("one", *ECHO, pty=True)
    bench.passes(
        ONE
        + """
      - one: {expect: "ready"}
      - one: {type: "word"}
      - one: {expect: "got word"}
      - one: eof
      - one: {exits: 0}
    """,
        more="terminal: pty\n",
    )


def test_a_long_line_arrives_whole(bench: Bench) -> None:
    bench.node("one", *python("print(len(input()))"))
    length = 3 * MAX_PAYLOAD + 1
    bench.passes(f"{ONE}      - one: {{type: {'x' * length}}}\n      - one: {{expect: '{length}'}}")


def test_the_nodes_outlive_the_lab_and_can_be_played_with_again(bench: Bench) -> None:
    node = bench.node("one", *ECHO)
    for word in ("first", "second"):
        bench.passes(f"{ONE}      - one: {{type: {word}}}\n      - one: {{expect: got {word}}}")
    assert node.process.poll() is None


def test_an_expectation_that_fails_is_a_failed_verdict(bench: Bench) -> None:
    bench.node("one", *python("print('something else')"))
    result = bench.play(f"{ONE}      - one: {{expect: 'a word'}}")
    assert result.verdict.outcome == "failed"
    assert result.error is None


def test_a_terminal_that_goes_while_the_lab_plays_breaks_the_lab(bench: Bench) -> None:
    node = bench.node("one", *python("import os; print('ready'); input(); print('more'); input()"))
    scenario = bench.scenario(
        f"{ONE}      - one: {{expect: ready}}\n      - one: {{expect: never, within: 60s}}"
    )
    node.lab().__exit__()

    def observe(_: Scenario, event: object) -> None:
        if "never" in str(event):
            node.process.kill()

    result = play(scenario, bench.backend(), bench.directory / "runs", observer=observe)
    assert isinstance(result.error, LabError)
    assert str(result.error) == "lost the connection to one: its terminal has gone"


def test_a_node_that_is_not_there_is_named_with_those_that_are(bench: Bench) -> None:
    bench.node("other", *ECHO).lab().__exit__()
    scenario = bench.scenario(f"{ONE}      - one: {{expect: word}}")
    with pytest.raises(MachineUnfit) as unfit, bench.backend(within=0).deploy(scenario, RUN):
        pass
    place = bench.directory / "one.sock"
    assert unfit.value.message == f"the node one is not there: nobody answers at {place}"
    assert unfit.value.hint
    assert unfit.value.hint.endswith("with the nodes that are there: other")


def test_a_socket_that_was_left_behind_is_no_node(bench: Bench) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(bench.directory / "one.sock"))
    scenario = bench.scenario(f"{ONE}      - one: {{expect: word}}")
    with (
        pytest.raises(MachineUnfit, match="the node one is not there"),
        bench.backend(within=0).deploy(scenario, RUN),
    ):
        pass


def test_the_lab_waits_for_a_node_that_comes_later(bench: Bench) -> None:
    scenario = bench.scenario(f"{ONE}      - one: {{expect: ready}}")
    results: list[Result] = []
    lab = threading.Thread(
        target=lambda: results.append(play(scenario, bench.backend(), bench.directory / "runs"))
    )
    lab.start()
    bench.node("one", *ECHO)
    lab.join(DEADLINE)
    assert [result.verdict.outcome for result in results] == ["passed"]


def test_a_terminal_at_which_another_lab_sits_is_taken(bench: Bench) -> None:
    scenario = bench.scenario(f"{ONE}      - one: {{expect: word}}")
    with bench.node("one", *ECHO).lab() as other:
        other.hello()
        with (
            pytest.raises(MachineUnfit, match=r"the terminal .*one\.sock of one is taken"),
            bench.backend(within=0).deploy(scenario, RUN),
        ):
            pass


def test_a_node_with_an_environment_of_its_own_is_refused(bench: Bench) -> None:
    scenario = bench.scenario("""
        title: One node
        nodes: {one: {program: plain, environment: {WORD: "1"}}}
        steps: [{one: {expect: word}}]
    """)
    with pytest.raises(UsageError, match="one has an environment of its own in"):
        bench.backend().deploy(scenario, RUN).__enter__()


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers for one is no terminal: a frame of"),
        (encode(Frame(FrameKind.HELLO, b"{}")), "what answers for one is no terminal: 'ip'"),
        (encode(Frame(FrameKind.HELLO, b"[]")), "what answers for one is no terminal: "),
        (encode(Frame(FrameKind.STDOUT, b"word")), "what answers for one is no terminal: "),
        (
            encode(Frame(FrameKind.HELLO, HELLO.replace(b"0}", b"12}"))),
            "one has printed 12 bytes more than its terminal keeps",
        ),
    ],
)
def test_what_is_no_terminal_or_has_lost_output_is_refused(
    bench: Bench, answer: bytes, complaint: str
) -> None:
    scenario = bench.scenario(f"{ONE}      - one: {{expect: word}}")
    with answering(bench.directory / "one.sock", answer):
        with pytest.raises(LabError) as error:
            bench.backend().deploy(scenario, RUN).__enter__()
        assert error.value.message.startswith(complaint)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (encode(Frame(FrameKind.INPUT, b"")), "a frame INPUT that no node sends"),
        (encode(Frame(FrameKind.EXIT, b"zero")), "invalid literal for int"),
        (b"\xff" * 8, "a frame of 4294967295 bytes"),
        (b"\x01\0", "its terminal has gone"),
    ],
)
def test_nonsense_amid_the_play_breaks_the_lab(bench: Bench, rest: bytes, reason: str) -> None:
    scenario = bench.scenario(f"{ONE}      - one: {{expect: word, within: 60s}}")
    with answering(bench.directory / "one.sock", encode(Frame(FrameKind.HELLO, HELLO)) + rest):
        result = play(scenario, bench.backend(), bench.directory / "runs")
    assert isinstance(result.error, LabError)
    assert result.error.message.startswith(f"lost the connection to one: {reason}")


def answering(path: Path, answer: bytes) -> ExitStack:
    """Somebody who answers a connection to the socket with these bytes and hangs up."""
    stack = ExitStack()
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    stack.callback(thread.join, DEADLINE)
    return stack


def test_the_directory_comes_from_the_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.node("one", *ECHO)
    monkeypatch.setenv("PEERLAB_TERMINALS", str(bench.directory))
    scenario = bench.scenario(f"{ONE}      - one: {{expect: ready}}")
    with SocketsBackend(within=DEADLINE).deploy(scenario, RUN) as lab:
        assert socket.inet_aton(lab.nodes["one"].ip)
        assert not lab.owns_nodes
