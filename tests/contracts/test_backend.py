"""The contract of a backend: addresses, names, terminals, signals, exit status, isolation."""

import pytest

from peerlab.evidence.reading import Evidence
from tests.contracts.conftest import Bench

ECHO = """
import sys
for line in sys.stdin:
    print("got " + line.rstrip("\\n"))
print("end of input")
"""


def test_every_node_has_an_address_and_a_name_of_its_own(bench: Bench) -> None:
    bench.program(
        "host",
        """
        import socket
        print("I am", socket.gethostname(), "at", socket.gethostbyname(socket.gethostname()))
        """,
    )
    evidence = bench.passes("""
        title: names
        nodes: {one: host, two: host}
        steps:
          - one: {expect: "I am one at {one.ip}"}
          - two: {expect: "I am two at {two.ip}"}
        """)
    assert evidence.node("one").ip != evidence.node("two").ip


def test_nodes_reach_each_other_by_name_with_datagrams_and_connections(bench: Bench) -> None:
    bench.program(
        "listener",
        """
        import socket
        tcp = socket.create_server(("0.0.0.0", 9000))
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind(("0.0.0.0", 9000))
        print("listening")
        connection, address = tcp.accept()
        print("segment", connection.recv(10).decode(), "from", address[0])
        data, address = udp.recvfrom(10)
        print("datagram", data.decode(), "from", address[0])
        """,
        more="ready: listening",
    )
    bench.program(
        "caller",
        """
        import socket
        tcp = socket.create_connection(("there", 9000))
        tcp.sendall(b"hello")
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.sendto(b"ahoy", ("there", 9000))
        """,
        more="after: [listener]",
    )
    bench.passes("""
        title: reach
        nodes: {there: listener, here: caller}
        steps:
          - there: {expect: "segment hello from {here.ip}"}
          - there: {expect: "datagram ahoy from {here.ip}"}
        """)


def test_nodes_reach_nothing_outside_their_lab(bench: Bench) -> None:
    bench.program(
        "explorer",
        """
        import socket
        try:
            socket.create_connection(("198.51.100.1", 80), timeout=1)
            print("outside")
        except OSError as error:
            print("inside:", error)
        """,
    )
    bench.passes("""
        title: isolated
        nodes: {u1: explorer}
        steps: [{u1: {expect: "inside:"}}]
        """)


def test_what_is_typed_arrives_line_by_line_and_the_end_of_input_too(bench: Bench) -> None:
    bench.program("echo", ECHO)
    evidence = bench.passes("""
        title: echo
        nodes: {u1: echo}
        steps:
          - u1: {type: "äöü 🙂"}
          - u1: {expect: "got äöü 🙂"}
          - u1: {type: ""}
          - u1: {expect: /got $/}
          - u1: eof
          - u1: {expect: end of input}
          - u1: {exits: 0}
        checks: [exits: {u1: 0}]
        """)
    assert evidence.log("u1").decode() == "got äöü 🙂\ngot \nend of input\n"


def test_a_pseudo_terminal_is_one_and_its_echo_is_not_taken_for_output(bench: Bench) -> None:
    bench.program(
        "tty",
        """
        import sys
        print("terminal:", sys.stdin.isatty(), sys.stdout.isatty())
        for line in sys.stdin:
            print("got", line.strip())
        print("end of input")
        """,
        terminal="pty",
    )
    evidence = bench.passes("""
        title: tty
        nodes: {u1: tty}
        steps:
          - u1: {expect: "terminal: True True\\n"}
          - u1: {type: "got ya"}
          - u1: {expect: "got got ya"}
          - u1: eof
          - u1: {expect: end of input}
          - u1: {exits: 0}
        """)
    assert evidence.node("u1").transcript == (
        "terminal: True True\ngot ya\ngot got ya\nend of input\n"
    )


def test_ctrl_c_on_a_pseudo_terminal_interrupts(bench: Bench) -> None:
    bench.program(
        "tty",
        """
        import signal
        # It may come before anything waits for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        print("waiting")
        signal.sigwait({signal.SIGINT})
        print("interrupted")
        """,
        terminal="pty",
    )
    bench.passes("""
        title: tty
        nodes: {u1: tty}
        steps:
          - u1: {expect: waiting}
          - u1: interrupt
          - u1: {expect: interrupted}
          - u1: {exits: 0}
        """)


def test_output_keeps_its_order_and_every_byte_is_in_the_log(bench: Bench) -> None:
    bench.program(
        "many",
        """
        for number in range(20000):
            print("line", number)
        """,
    )
    evidence = bench.passes("""
        title: many
        nodes: {u1: many}
        steps: [{u1: {exits: 0}}]
        """)
    expected = "".join(f"line {number}\n" for number in range(20000))
    assert evidence.log("u1").decode() == expected
    assert evidence.node("u1").printed == expected


def test_standard_error_is_kept_and_can_be_expected(bench: Bench) -> None:
    bench.program(
        "both",
        """
        import sys
        print("to stdout")
        print("to stderr", file=sys.stderr)
        """,
    )
    evidence = bench.passes("""
        title: both
        nodes: {u1: both}
        steps: [{u1: {expect: "to stderr"}}, {u1: {exits: 0}}]
        """)
    printed = [event for event in evidence.node("u1").journal if event.kind == "printed"]
    streams = {event.text: event.detail["stream"] for event in printed}
    assert streams == {"to stdout\n": "stdout", "to stderr\n": "stderr"}


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137), ("pass", 0)],
)
def test_the_exit_status_is_the_programs_own(bench: Bench, code: str, status: int) -> None:
    bench.program("ends", code)
    bench.passes(f"""
        title: status
        nodes: {{u1: ends}}
        steps: [{{u1: {{exits: {status}}}}}]
        checks: [exits: {{u1: {status}}}]
        """)


def test_interrupt_reaches_the_program_and_kill_ends_it(bench: Bench) -> None:
    bench.program(
        "stubborn",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        print("here")
        while signal.sigwait([signal.SIGINT]):
            print("not now")
        """,
    )
    bench.passes("""
        title: signals
        nodes: {u1: stubborn}
        steps:
          - u1: {expect: here}
          - u1: interrupt
          - u1: {expect: not now}
          - u1: kill
          - u1: {exits: 137}
        checks: [exits: {u1: 137}]
        """)


def test_a_program_that_still_runs_is_asked_to_end_and_its_last_words_are_kept(
    bench: Bench,
) -> None:
    bench.program(
        "polite",
        """
        import signal, sys
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("here")
        signal.sigwait([signal.SIGTERM])
        sys.exit("good bye")
        """,
    )
    evidence = bench.passes("""
        title: last words
        nodes: {u1: polite}
        steps: [{u1: {expect: here}}]
        """)
    assert evidence.node("u1").printed == "here\ngood bye\n"
    assert evidence.node("u1").exited is not None


def test_a_program_that_does_not_exist_ends_with_127_and_says_so(bench: Bench) -> None:
    bench.program("missing", "")
    path = bench.programs["missing"]
    path.write_text(path.read_text().replace('python3, -u, -c, ""', "no-such-program"))
    result = bench.play("""
        title: missing
        nodes: {u1: missing}
        steps: [{u1: {expect: ready to serve}}]
        """)
    assert result.verdict.outcome == "failed"
    finding = result.verdict.findings[0]
    assert "ended with status 127" in finding.message
    assert "no-such-program" in finding.proof


def test_a_node_sees_only_what_it_needs(bench: Bench) -> None:
    bench.program(
        "explorer",
        """
        import os, pathlib, socket
        status = pathlib.Path("/proc/self/status").read_text()
        print("capabilities", int(status.split("CapEff:")[1].split()[0], 16))
        print("no new privileges", status.split("NoNewPrivs:")[1].split()[0])
        print("root" if os.getuid() == 0 else "ordinary user")
        try:
            pathlib.Path("/app/x").write_text("x")
            print("writable")
        except OSError:
            print("read-only")
        try:
            socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
            print("raw sockets")
        except OSError:
            print("no raw sockets")
        print("engine" if pathlib.Path("/var/run/docker.sock").exists() else "no engine")
        """,
    )
    evidence = bench.passes("""
        title: least privilege
        nodes: {u1: explorer}
        steps: [{u1: {exits: 0}}]
        """)
    assert evidence.node("u1").printed.splitlines() == [
        "capabilities 0",
        "no new privileges 1",
        "ordinary user",
        "read-only",
        "no raw sockets",
        "no engine",
    ]


def test_a_line_end_that_comes_late_breaks_no_silence(bench: Bench) -> None:
    bench.program(
        "slow",
        """
        import select
        print("one", end="", flush=True)
        select.select([], [], [], 0.2)
        print(flush=True)
        input()
        """,
    )
    bench.passes("""
        title: late
        nodes: {u1: slow}
        steps:
          - u1: {expect: one}
          - u1: {stays-silent: 500ms}
          - u1: {type: ""}
          - u1: {exits: 0}
        """)


def test_a_program_that_crashes_after_its_last_step_fails_the_run(bench: Bench) -> None:
    bench.program(
        "crasher",
        """
        import os
        print("fine")
        input()
        os.kill(os.getpid(), 11)
        """,
    )
    result = bench.play("""
        title: crash
        nodes: {u1: crasher, u2: crasher}
        steps:
          - u1: {expect: fine}
          - u1: {type: go}
          - u2: {expect: fine}
          - u2: {stays-silent: 3s}
        """)
    assert result.verdict.outcome == "failed"
    (finding,) = [found for found in result.verdict.findings if found.outcome == "failed"]
    assert finding.message.startswith("u1 ended by itself with status 139")


def test_a_node_that_no_step_has_started_can_be_neither_killed_nor_typed_to(bench: Bench) -> None:
    bench.program("echo", ECHO)
    for act in ("kill", "eof", "{type: x}"):
        result = bench.play(f"""
            title: too early
            nodes: {{u1: echo}}
            steps: [{{u1: {act}}}, {{u1: start}}]
            """)
        assert result.verdict.outcome == "failed"
        assert "u1 was not started" in result.verdict.findings[0].message


def test_no_line_that_a_program_prints_hides_what_it_does_afterwards(bench: Bench) -> None:
    bench.program(
        "forger",
        r"""
        import sys
        print('trace: received id=a from=10.0.0.1:1 text="\\ud800"')
        print("ERROR")
        sys.exit(3)
        """,
        more=r"messages: {received: '/^trace: received id=(?P<id>\S+) from=(?P<from>\S+):\d+ "
        r"text=(?P<quoted>.*)$/'}",
    )
    result = bench.play("""
        title: forger
        nodes: {u1: forger}
        steps: [{u1: {exits: 3}}]
        checks: [log: {node: u1, lacks: ERROR}]
        """)
    assert result.verdict.outcome == "failed"
    assert "ERROR" in Evidence(result.evidence).node("u1").printed


def test_a_client_that_sees_its_server_go_at_the_end_of_the_run_is_not_to_blame(
    bench: Bench,
) -> None:
    bench.program(
        "server",
        """
        import socket
        listener = socket.create_server(("0.0.0.0", 9000))
        print("listening")
        connections = []
        while True:
            connections.append(listener.accept())
        """,
        more="ready: listening",
    )
    bench.program(
        "client",
        """
        import socket, sys
        connection = socket.create_connection(("a", 9000))
        print("here")
        connection.recv(1)
        sys.exit(1)
        """,
        more="after: [server]",
    )
    bench.passes("""
        title: end
        nodes: {a: server, b: client, c: client}
        steps:
          - b: {expect: here}
          - c: {expect: here}
          - b: pause
        """)
