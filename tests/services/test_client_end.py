"""All the ways in which a client ends, or does not start."""

import json
import re
import signal
import socket
from collections.abc import Callable

import pytest

from tests.services.running import (
    DEADLINE,
    ClientProgram,
    Program,
    ServerProgram,
    nothing_comes,
    with_constant,
)

Start = Callable[..., ClientProgram]

AT_PROMPTS = {
    "username": [],
    "password": ["U1"],
    "list": ["U1", "CSC3@A1"],
    "number of recipients": ["U1", "CSC3@A1", "Y"],
    "recipient": ["U1", "CSC3@A1", "Y", "1"],
    "message": ["U1", "CSC3@A1", "Y", "1", "USER 1"],
}
LAST_PROMPT = dict(
    zip(
        AT_PROMPTS,
        [
            "Enter your username: ",
            "Enter your password: ",
            "LIST AVAILABLE CLIENTS: Y/N\n",
            "Enter number of recipients: ",
            "Enter recipient's username: ",
            "Enter message to send: ",
        ],
        strict=True,
    )
)


def leave_by_quit(client: ClientProgram) -> None:
    client.type("quit")


def leave_by_quit_without_a_newline(client: ClientProgram) -> None:
    client.feed(b"QUIT")
    client.end_input()


def leave_by_end_of_input(client: ClientProgram) -> None:
    client.end_input()


def leave_by_ctrl_c(client: ClientProgram) -> None:
    client.signal(signal.SIGINT)


def leave_by_sigterm(client: ClientProgram) -> None:
    client.signal(signal.SIGTERM)


@pytest.mark.parametrize(
    "leave",
    [
        leave_by_quit,
        leave_by_quit_without_a_newline,
        leave_by_end_of_input,
        leave_by_ctrl_c,
        leave_by_sigterm,
    ],
)
@pytest.mark.parametrize("prompt", AT_PROMPTS)
def test_a_client_leaves_in_order_from_every_prompt(
    start_client: Start, prompt: str, leave: Callable[[ClientProgram], None]
) -> None:
    client = start_client()
    for line in AT_PROMPTS[prompt]:
        client.type(line)
    client.says(LAST_PROMPT[prompt])
    leave(client)

    assert "Traceback" not in client.ends(0)
    # The server was told before the client ended: nobody else is on the list.
    other = start_client()
    other.log_in()
    other.type("Y")
    other.expect(r"Available clients are: \{'USER \d': \('127\.0\.0\.1', \d+\)\}\n")


def end_server(server: ServerProgram) -> None:
    server.signal(signal.SIGTERM)


def kill_server(server: ServerProgram) -> None:
    server.signal(signal.SIGKILL)


@pytest.mark.parametrize("end", [end_server, kill_server])
@pytest.mark.parametrize("prompt", AT_PROMPTS)
def test_a_client_says_that_the_server_has_gone_and_ends(
    server: ServerProgram, start_client: Start, prompt: str, end: Callable[[ServerProgram], None]
) -> None:
    client = start_client()
    for line in AT_PROMPTS[prompt]:
        client.type(line)
    client.says(LAST_PROMPT[prompt])
    end(server)

    printed = client.ends(1)
    assert re.search(r"\nThe server has gone: [^\n]+\.\n$", printed)


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\n",
        b"OK\n",
        b"CLIENTS {'USER 1': ('10.0.0.2', 60155)}\n",
        b"__import__('os').system('id')\n",
        b"x" * 10_000,
        b"OK " + b"[" * 4000 + b"\n",
        b'OK {"label":"USER 1","ip":"127.0.0.1","port":1}\nOK {}\n',
    ],
)
def test_a_server_that_breaks_the_protocol_counts_as_gone(answer: bytes) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ClientProgram(listener.getsockname()[1]) as client,
    ):
        client.feed(b"U1\npw\n")
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)
            printed = client.ends(1)

    assert "The server has gone: its answer cannot be understood (" in printed


def test_a_server_that_is_not_there_is_one_clear_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with ClientProgram(port) as client:
            printed, complaints = client.ends_saying(1)

    assert printed == ""
    assert complaints == f"client: cannot connect to 127.0.0.1:{port}: Connection refused\n"


def test_a_bad_setting_is_one_clear_line_and_status_2() -> None:
    with Program("services.client", environ={"CHAT_STAY": "perhaps"}) as client:
        printed, complaints = client.ends_saying(2)

    assert printed == ""
    assert complaints == "client: CHAT_STAY must be 1 or 0, not 'perhaps'\n"


def test_output_that_nobody_reads_ends_the_client_quietly(start_client: Start) -> None:
    client = start_client()
    client.log_in()
    assert client.process.stdout
    client.process.stdout.close()
    client.type("Y")

    assert client.process.wait(DEADLINE) == 1
    assert client.process.stderr
    assert client.process.stderr.read() == b""


PATIENCE = 3.0
"""Seconds that a client waits for an answer here."""


@pytest.mark.parametrize("asks_again", [False, True])
def test_an_answer_that_came_while_the_client_stood_still_is_no_late_one(
    *, asks_again: bool
) -> None:
    patient = with_constant("services.client", "services.client.client", "REPLY_TIMEOUT", PATIENCE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        there = ("--port", str(listener.getsockname()[1]))
        with Program("services.client", *there, code=patient) as client:
            connection, (ip, port) = listener.accept()
            with connection, connection.makefile("rb") as requests:
                connection.settimeout(DEADLINE)
                client.feed(b"U1\nCSC3@A1\n")
                assert requests.readline().startswith(b"LOGIN ")
                accepted = {"label": "USER 1", "ip": ip, "port": port}
                connection.sendall(b"OK " + json.dumps(accepted).encode() + b"\n")
                assert requests.readline().startswith(b"OFFER ")
                connection.sendall(b"NOTED\n")
                client.says("LIST AVAILABLE CLIENTS: Y/N\n")
                if asks_again:
                    # It asks who that is, and only then what is typed meanwhile.
                    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
                        stranger.sendto(b"Guess who!", (ip, port))
                    assert requests.readline() == b"LIST\n"
                client.type("Y")
                if not asks_again:
                    assert requests.readline() == b"LIST\n"
                nothing_comes(connection, 0.5)
                client.signal(signal.SIGSTOP)
                connection.sendall(b'CLIENTS {"clients":{},"more":false}\n')
                nothing_comes(connection, PATIENCE)
                client.signal(signal.SIGCONT)
                if asks_again:
                    assert requests.readline() == b"LIST\n"
                    connection.sendall(b'CLIENTS {"clients":{},"more":false}\n')
                client.says("Enter number of recipients: ")
                client.type("quit")
                assert requests.readline() == b"QUIT\n"
                connection.sendall(b"BYE\n")
                assert "gone" not in client.ends()
