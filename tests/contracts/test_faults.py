"""The contract of a backend: nodes that stand still, end in order and start again."""

import pytest

from tests.contracts.conftest import Bench

ECHO = """
print("ready")
for line in open(0):
    print("got", line.strip())
"""

POLITE = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
sys.stdout.write("ready\\n")  # at once: print writes the end of the line by itself
signal.sigwait([signal.SIGTERM])
sys.exit("good bye")
"""

ANSWERING = """
import socket
listener = socket.create_server(("0.0.0.0", 9000))
print("listening")
connection, _ = listener.accept()
while question := connection.recv(1000):
    connection.sendall(b"answer to " + question)
"""

ASKING = """
import socket
connection = None
for line in open(0):
    connection = connection or socket.create_connection(("there", 9000))
    try:
        connection.sendall(line.encode())
        answer = connection.recv(1000).decode().strip()
    except ConnectionError:
        answer = ""
    print(answer or "cut off")
    connection = connection if answer else connection.close()
"""


def test_a_paused_node_stands_still_and_goes_on_with_what_was_typed(bench: Bench) -> None:
    bench.program("echo", ECHO)
    bench.passes("""
        title: pause
        nodes: {u1: echo, u2: echo}
        steps:
          - u[1-2]: {expect: ready}
          - u1: pause
          - u1: {type: one}
          - u1: {stays-silent: 500ms}
          - u2: {type: one}
          - u2: {expect: got one}
          - u1: {type: two}
          - u1: resume
          - u1: {expect: /got one\\ngot two/}
          - u1: pause
          - u1: resume
          - u1: {type: three}
          - u1: {expect: got three}
        """)


def test_everything_that_a_program_started_stands_still_with_it(bench: Bench) -> None:
    bench.program(
        "family",
        """
        import os, subprocess, sys
        child = "while True:\\n  for line in open(0): print('child', line.strip(), flush=True)"
        subprocess.run([sys.executable, "-c", child], start_new_session=True)
        """,
    )
    bench.passes("""
        title: family
        nodes: {u1: family}
        steps:
          - u1: {type: one}
          - u1: {expect: child one}
          - u1: pause
          - u1: {type: two}
          - u1: {stays-silent: 500ms}
          - u1: resume
          - u1: {expect: child two}
        """)


def test_a_connection_to_a_paused_node_stalls_and_goes_on(bench: Bench) -> None:
    bench.program("answering", ANSWERING, more="ready: listening")
    bench.program("asking", ASKING, more="after: [answering]")
    bench.passes("""
        title: stall
        nodes: {there: answering, here: asking}
        steps:
          - here: {type: one}
          - here: {expect: answer to one}
          - there: pause
          - here: {type: two}
          - here: {stays-silent: 500ms}
          - there: resume
          - here: {expect: answer to two}
        """)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_connection_to_a_node_that_ends_is_cut_off_and_can_be_made_again_after_a_restart(
    bench: Bench, end: str
) -> None:
    bench.program("answering", ANSWERING, more="ready: listening")
    bench.program("asking", ASKING, more="after: [answering]")
    bench.passes(f"""
        title: cut off
        nodes: {{there: answering, here: asking}}
        steps:
          - here: {{type: one}}
          - here: {{expect: answer to one}}
          - there: {end}
          - there: exits
          - here: {{type: two}}
          - here: {{expect: cut off}}
          - there: restart
          - here: {{type: three}}
          - here: {{expect: answer to three}}
        """)


def test_an_interrupt_reaches_a_paused_program_when_it_goes_on(bench: Bench) -> None:
    bench.program(
        "interruptible",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        print("ready")
        while signal.sigwait([signal.SIGINT]):
            print("interrupted")
        """,
    )
    bench.passes("""
        title: interrupt
        nodes: {u1: interruptible}
        steps:
          - u1: {expect: ready}
          - u1: pause
          - u1: interrupt
          - u1: {stays-silent: 500ms}
          - u1: resume
          - u1: {expect: interrupted}
        """)


def test_a_paused_program_can_be_killed_stopped_and_restarted(bench: Bench) -> None:
    bench.program("polite", POLITE)
    bench.passes("""
        title: paused
        nodes: {"u[1-3]": polite}
        steps:
          - u[1-3]: {expect: ready}
          - u[1-3]: pause
          - u1: kill
          - u1: {exits: 137}
          - u2: stop
          - u2: {expect: good bye}
          - u2: {exits: 1}
          - u3: restart
          - u3: {expect: ready}
        """)


def test_a_node_that_is_paused_at_the_end_of_the_run_ends_in_order(bench: Bench) -> None:
    bench.program("polite", POLITE)
    evidence = bench.passes("""
        title: end
        nodes: {u1: polite}
        steps:
          - u1: {expect: ready}
          - u1: pause
        """)
    assert evidence.node("u1").printed == "ready\ngood bye\n"


def test_a_stop_waits_for_the_last_words_and_kills_what_will_not_end(bench: Bench) -> None:
    bench.program("polite", POLITE)
    bench.program(
        "stubborn",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("ready")
        while signal.sigwait([signal.SIGTERM]):
            print("no")
        """,
    )
    bench.passes("""
        title: stop
        nodes: {u1: polite, u2: stubborn}
        steps:
          - u[1-2]: {expect: ready}
          - u1: stop
          - u2: {stop: , within: 3s}
          - u1: {expect: good bye, within: 1ms}
          - u2: {expect: "no", within: 1ms}
        checks: [exits: {u1: 1, u2: 137}]
        """)


@pytest.mark.parametrize("terminal", ["pipe", "pty"])
def test_a_node_starts_again_as_new_at_the_same_address_with_the_same_name(
    bench: Bench, terminal: str
) -> None:
    bench.program(
        "host",
        """
        import pathlib, socket, sys
        seen = pathlib.Path("/tmp/seen")
        name = socket.gethostname()
        print("I am", name, "at", socket.gethostbyname(name), "again" if seen.exists() else "new")
        seen.write_text("")
        print("you are at", socket.gethostbyname("you"))
        for line in sys.stdin:
            if line == "\\n":
                break
            print("got", line)
        """,
        terminal=terminal,
    )
    restarted = """
          - me: {expect: "I am me at {me.ip} new"}
          - me: {expect: "you are at {you.ip}"}
          - me: {type: word}
          - me: {expect: got word}
        """
    evidence = bench.passes(f"""
        title: again
        nodes: {{me: host, you: host}}
        steps:
          {restarted.strip()}
          - me: restart
          {restarted.strip()}
          - me: kill
          - me: restart
          {restarted.strip()}
          - me: {{type: ""}}
          - me: {{exits: 0}}
          - me: restart
          {restarted.strip()}
          - you: {{expect: "you are at {{you.ip}}"}}
          - me: eof
          - me: {{exits: 0}}
        """)
    assert evidence.node("me").transcript.count("(started again)\n") == 3
    assert evidence.log("me").count(b"I am me") == 4


def test_the_input_of_a_program_that_was_started_again_can_be_ended_again(bench: Bench) -> None:
    bench.program("echo", ECHO)
    bench.passes("""
        title: input
        nodes: {u1: echo}
        steps:
          - u1: eof
          - u1: {exits: 0}
          - u1: restart
          - u1: {type: x}
          - u1: {expect: got x}
          - u1: eof
          - u1: {exits: 0}
        checks: [exits: {u1: 0}]
        """)


def test_a_server_and_a_client_are_restarted_at_the_same_time(bench: Bench) -> None:
    bench.program("polite", POLITE, more="ready: ready")
    evidence = bench.passes("""
        title: at once
        nodes: {"u[1-4]": polite}
        steps:
          - u[1-4]: restart
          - u[1-4]: restart
          - u[1-4]: {expect: ready}
        """)
    for node in evidence.nodes.values():
        assert node.printed == "ready\ngood bye\n" * 3
