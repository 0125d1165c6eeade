"""The server as a process, spoken to by TCP as any client of the protocol may."""

import contextlib
import json
import resource
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.protocol import MAX_LINE
from tests.services.running import DEADLINE, Program, ServerProgram

LOGIN = b'LOGIN {"version":1,"username":"U1","password":"CSC3@A1"}\n'


class Line:
    """A bare TCP connection that sends bytes and reads lines."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.address = self.socket.getsockname()
        self._replies = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> str:
        return self._replies.readline().decode()

    def ask(self, data: bytes) -> str:
        self.send(data)
        return self.reply()

    def log_in(self) -> str:
        answer = self.ask(LOGIN)
        assert answer.startswith("OK ")
        label: str = json.loads(answer[3:])["label"]
        return label

    def listed(self) -> list[str]:
        answer = self.ask(b"LIST\n")
        return list(json.loads(answer.removeprefix("CLIENTS "))["clients"])

    def close(self) -> None:
        self._replies.close()
        self.socket.close()


@pytest.fixture
def dial(server: ServerProgram) -> Iterator[Callable[[], Line]]:
    with contextlib.ExitStack() as lines:

        def connect() -> Line:
            return lines.enter_context(contextlib.closing(Line(server.port)))

        yield connect


def wait_until_listed(line: Line, labels: list[str]) -> None:
    """The server hears of an end by itself; ask it until it has."""
    deadline = time.monotonic() + DEADLINE
    while (listed := line.listed()) != labels:
        assert time.monotonic() < deadline, f"the list stays {listed}, expected {labels}"


def test_the_transcript_of_a_server_with_three_clients(
    server: ServerProgram, dial: Callable[[], Line]
) -> None:
    addresses = []
    for _ in range(3):
        line = dial()
        line.log_in()
        addresses.append(line.address)
    server.signal(signal.SIGTERM)

    expected = [f"Server listening on 127.0.0.1:{server.port}\n"]
    for address in addresses:
        expected.append(f"Accepted connection from {address}\n")
        expected.append(f"Authentication successful for {address}\n")
    assert server.ends() == "".join(expected)


def test_the_answer_to_a_login_is_the_address_that_the_server_sees(
    dial: Callable[[], Line],
) -> None:
    line = dial()
    ip, port = line.address

    assert line.ask(LOGIN) == f'OK {{"label":"USER 1","ip":"{ip}","port":{port}}}\n'


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"LIST\n", "ERROR login-required "),
        (b"\n", "ERROR unknown-command "),
        (b"HELLO\n", "ERROR unknown-command "),
        (b"LOGIN nonsense\n", "ERROR bad-argument "),
        (b"\xff\xfe\n", "ERROR not-utf8 "),
        (b"x" * MAX_LINE + b"\n", "ERROR line-too-long "),
        (b"x" * MAX_LINE, "ERROR line-too-long "),
        (LOGIN.replace(b"1,", b"2,", 1), "ERROR unsupported-version "),
        (LOGIN.replace(b"U1", b""), "ERROR bad-username "),
        (LOGIN.replace(b"A1", b"A2"), "ERROR wrong-password "),
        (b"LOGIN " + b"[" * 4000 + b"\n", "ERROR bad-argument "),
    ],
)
def test_a_line_out_of_place_gets_a_named_error_and_the_connection_goes_on(
    dial: Callable[[], Line], sent: bytes, reply: str
) -> None:
    line = dial()

    assert line.ask(sent).startswith(reply)
    if not sent.endswith(b"\n"):
        line.send(b"\n")
    assert line.log_in() == "USER 1"


def test_a_connection_logs_in_once(dial: Callable[[], Line]) -> None:
    line = dial()
    line.log_in()

    assert line.ask(LOGIN).startswith("ERROR already-logged-in ")
    assert line.listed() == ["USER 1"]


def test_a_wrong_password_may_be_corrected_as_often_as_needed(dial: Callable[[], Line]) -> None:
    line = dial()
    for _ in range(50):
        assert line.ask(LOGIN.replace(b"A1", b"A2")) == (
            "ERROR wrong-password Incorrect username or password. Please try again.\n"
        )

    assert line.log_in() == "USER 1"


def test_lines_are_read_however_they_are_cut_or_glued(dial: Callable[[], Line]) -> None:
    line = dial()
    for byte in LOGIN:
        line.send(bytes([byte]))
    assert line.reply().startswith("OK ")

    line.send(b"LIST\nLIST\r\nQUIT\n")
    assert [line.reply()[:7] for _ in range(4)] == ["CLIENTS", "CLIENTS", "BYE\n", ""]


def test_silent_clients_hold_up_nobody(dial: Callable[[], Line]) -> None:
    silent = [dial() for _ in range(20)]
    silent[0].send(b'LOGIN {"version":1,')

    line = dial()
    assert line.log_in() == "USER 1"
    assert line.listed() == ["USER 1"]


def test_a_client_that_never_reads_holds_up_nobody(dial: Callable[[], Line]) -> None:
    greedy = dial()
    greedy.log_in()
    greedy.socket.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while True:
            greedy.send(b"LIST\n" * 10_000)

    line = dial()
    assert line.log_in() == "USER 2"
    assert "USER 2" in line.listed()


def quit_in_order(line: Line) -> None:
    assert line.ask(b"QUIT\n") == "BYE\n"


def close(line: Line) -> None:
    line.close()


def close_one_half(line: Line) -> None:
    line.socket.shutdown(socket.SHUT_WR)
    assert line.reply() == ""


def reset(line: Line) -> None:
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


@pytest.mark.parametrize("end", [quit_in_order, close, close_one_half, reset])
def test_a_label_leaves_the_list_however_its_connection_ends(
    dial: Callable[[], Line], end: Callable[[Line], None]
) -> None:
    leaving, staying = dial(), dial()
    leaving.log_in()
    staying.log_in()
    end(leaving)

    wait_until_listed(staying, ["USER 2"])
    late = dial()
    assert late.log_in() == "USER 3"


def test_after_bye_the_label_is_off_the_list_already(dial: Callable[[], Line]) -> None:
    leaving, staying = dial(), dial()
    leaving.log_in()
    staying.log_in()
    quit_in_order(leaving)

    assert staying.listed() == ["USER 2"]


def test_a_hundred_clients_are_listed_in_order_over_several_lines(
    dial: Callable[[], Line],
) -> None:
    lines = [dial() for _ in range(120)]
    labels = [line.log_in() for line in lines]
    lines[0].send(b"LIST\n")
    listed: list[str] = []
    more = True
    while more:
        reply = lines[0].reply()
        assert len(reply) <= MAX_LINE
        part = json.loads(reply.removeprefix("CLIENTS "))
        listed += part["clients"]
        more = part["more"]

    assert listed == labels == [f"USER {number}" for number in range(1, 121)]


def test_without_descriptors_the_server_waits_and_goes_on() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ServerProgram())
        in_use = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (in_use + 3, in_use + 3))
        lines = [stack.enter_context(contextlib.closing(Line(server.port))) for _ in range(6)]
        for line in lines[:3]:
            line.log_in()
        assert (
            server.complaint() == "server: cannot accept connections for now: Too many open files\n"
        )
        for line in lines[:3]:
            quit_in_order(line)

        assert [line.log_in() for line in lines[3:]] == ["USER 4", "USER 5", "USER 6"]
        server.signal(signal.SIGTERM)
        server.ends_saying(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_in_order_with_clients_connected(
    server: ServerProgram, dial: Callable[[], Line], number: signal.Signals
) -> None:
    logged_in, silent = dial(), dial()
    server.expect("Accepted connection.*\nAccepted connection.*\n")
    logged_in.log_in()
    server.expect("Authentication successful.*\n")
    server.signal(number)

    server.ends(0)
    assert logged_in.reply() == ""
    assert silent.reply() == ""


def test_an_address_in_use_is_one_clear_line(server: ServerProgram) -> None:
    with Program("services.server", "--port", str(server.port)) as second:
        printed, complaints = second.ends_saying(1)

    assert printed == ""
    assert complaints == (
        f"server: cannot listen on 127.0.0.1:{server.port}: Address already in use\n"
    )


def test_the_port_can_be_bound_again_at_once() -> None:
    with ServerProgram() as first:
        line = Line(first.port)
        line.log_in()
        first.signal(signal.SIGTERM)
        first.ends()
        line.close()
        again = socket.socket()
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with again:
            again.bind(("127.0.0.1", first.port))


def test_the_password_is_in_no_output_and_no_process_list(tmp_path: Path) -> None:
    secret = "neverShown7"
    file = tmp_path / "password"
    file.write_text(secret + "\n")
    with ServerProgram("--password-file", str(file)) as server:
        with contextlib.closing(Line(server.port)) as line:
            assert line.ask(LOGIN).startswith("ERROR wrong-password ")
            answer = line.ask(LOGIN.replace(b"CSC3@A1", secret.encode()))
            assert answer.startswith("OK ")
        process = Path(f"/proc/{server.process.pid}")
        assert secret not in (process / "cmdline").read_text()
        server.signal(signal.SIGTERM)
        printed, complaints = server.ends_saying(0)

    assert secret not in printed + complaints + answer
