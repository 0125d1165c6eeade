"""The server as a process, spoken to by TCP as any client of the protocol may."""

import contextlib
import json
import resource
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.lines import MAX_LINE
from tests.services.running import DEADLINE, Program, ServerProgram, nothing_comes

LOGIN = b'LOGIN {"version":1,"username":"U1","password":"CSC3@A1"}\n'
"""A client of version 1 is sent no PING, so a test may take its time."""


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
        (LOGIN.replace(b"1,", b"4,", 1), "ERROR unsupported-version "),
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


def test_a_wrong_password_may_be_corrected_as_often_as_needed() -> None:
    with (
        ServerProgram("--guess-delay", "0") as server,
        contextlib.closing(Line(server.port)) as line,
    ):
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
    with contextlib.suppress(TimeoutError, ConnectionError):
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


LOGIN_2 = LOGIN.replace(b"1,", b"2,", 1)
QUICK = ("--ping-after", "0.2", "--pong-within", "4")


def dialled(server: ServerProgram) -> contextlib.closing[Line]:
    return contextlib.closing(Line(server.port))


def test_a_silent_client_is_asked_whether_it_is_there_and_stays_while_it_answers() -> None:
    with ServerProgram(*QUICK) as server, dialled(server) as line:
        assert line.ask(LOGIN_2).startswith("OK ")
        for _ in range(4):
            assert line.reply() == "PING\n"
            line.send(b"PONG\n")
        assert line.reply() == "PING\n"
        assert line.ask(b"PONG\nLIST\n").startswith('CLIENTS {"clients":{"USER 1":')


def test_a_client_that_does_not_answer_leaves_the_list_and_comes_back_as_somebody_new() -> None:
    with ServerProgram(*QUICK) as server, dialled(server) as silent, dialled(server) as other:
        assert silent.ask(LOGIN_2).startswith("OK ")
        other.log_in()
        assert silent.reply() == "PING\n"
        assert silent.reply() == ""
        assert server.complaint() == (
            f"server: dropped {silent.address}, which was silent for 4.2 s\n"
        )
        wait_until_listed(other, ["USER 2"])
        with dialled(server) as again:
            assert again.log_in() == "USER 3"


def test_a_client_of_version_1_is_not_asked() -> None:
    with ServerProgram(*QUICK) as server, dialled(server) as old, dialled(server) as new:
        old.log_in()
        assert new.ask(LOGIN_2).startswith("OK ")
        assert [new.reply(), new.reply()] == ["PING\n", ""]
        # The old one was silent for longer than the new one.
        assert old.listed() == ["USER 1"]


def test_a_server_that_stood_still_drops_nobody_for_that() -> None:
    with ServerProgram(*QUICK) as server, dialled(server) as line:
        line.ask(LOGIN_2)
        assert line.reply() == "PING\n"
        server.signal(signal.SIGSTOP)
        line.send(b"PONG\n")
        nothing_comes(line.socket, 4.5)
        server.signal(signal.SIGCONT)

        line.send(b"LIST\n")
        # It may ask once more before it reads that.
        assert any(answer.startswith("CLIENTS ") for answer in iter(line.reply, ""))


def test_who_does_not_log_in_in_time_is_told_and_left() -> None:
    with ServerProgram("--login-within", "0.3") as server, dialled(server) as silent:
        assert silent.reply() == "ERROR login-timeout a login takes 0.3 s at most\n"
        assert silent.reply() == ""
        assert (
            server.complaint()
            == f"server: dropped {silent.address}, which did not log in in time\n"
        )


def test_a_login_that_comes_byte_by_byte_has_no_more_time() -> None:
    with ServerProgram("--login-within", "0.5") as server, dialled(server) as slow:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for byte in LOGIN * 100:
                slow.send(bytes([byte]))
                if select.select([slow.socket], [], [], 0.05)[0]:
                    break

        assert slow.reply().startswith("ERROR login-timeout ")


@pytest.mark.parametrize("gone", [False, True])
def test_guesses_that_are_sent_ahead_have_no_more_time_than_one_login(*, gone: bool) -> None:
    held = ("--guess-delay", "0.2", "--guess-delay-most", "0.2", "--login-within", "4")
    with ServerProgram(*held) as server, dialled(server) as guesser:
        guesser.send(LOGIN.replace(b"A1", b"A2") * 200)
        if gone:
            guesser.socket.shutdown(socket.SHUT_WR)
        answers = [answer.split()[1] for answer in iter(guesser.reply, "")]

        assert answers[:3] == ["wrong-password"] * 3
        assert answers[-1] == "login-timeout"
        assert len(answers) < 100


def test_a_right_password_that_is_sent_behind_a_wrong_one_is_let_in(
    dial: Callable[[], Line],
) -> None:
    line = dial()
    assert line.ask(LOGIN.replace(b"A1", b"A2") + LOGIN).startswith("ERROR wrong-password ")
    assert line.reply().startswith("OK ")


def test_a_class_that_comes_while_the_server_is_busy_waits_and_is_let_in() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ServerProgram())
        server.signal(signal.SIGSTOP)
        try:
            lines = [stack.enter_context(dialled(server)) for _ in range(200)]
        finally:
            server.signal(signal.SIGCONT)

        assert len({line.log_in() for line in lines}) == 200


def test_too_many_connections_are_refused_and_counted_and_a_free_place_is_given() -> None:
    limits = ("--connections", "3", "--connections-per-address", "2")
    with ServerProgram(*limits) as server, dialled(server) as first, dialled(server) as second:
        first.log_in()
        second.log_in()
        with dialled(server) as third:
            assert third.reply() == "ERROR too-many-connections there are too many connections\n"
            assert third.reply() == ""
        assert server.complaint() == "server: too many connections: 1 refused\n"
        quit_in_order(first)
        assert first.reply() == ""
        deadline = time.monotonic() + DEADLINE
        answer = ""
        while not answer.startswith("OK "):
            # The place is free a moment after the connection has ended.
            assert time.monotonic() < deadline, answer
            with dialled(server) as fourth, contextlib.suppress(ConnectionError):
                answer = fourth.ask(LOGIN)


def test_the_limits_of_lines_and_names_can_be_lowered() -> None:
    limits = {"CHAT_LONGEST_LINE": "512", "CHAT_LONGEST_USERNAME": "4"}
    with ServerProgram(environ=limits) as server, dialled(server) as line:
        assert line.ask(b"x" * 600 + b"\n") == "ERROR line-too-long a line has at most 512 bytes\n"
        assert line.ask(LOGIN.replace(b"U1", b"U2345")).startswith("ERROR bad-username ")
        assert line.log_in() == "USER 1"


def test_the_parameters_of_a_client_are_passed_on(dial: Callable[[], Line]) -> None:
    first, second = dial(), dial()
    assert first.ask(b'OFFER {"addresses":[],"media":[],"limits":{}}\n').startswith(
        "ERROR login-required "
    )
    first.log_in()
    second.log_in()
    ip, port = first.address
    seen = f'[["{ip}",{port}]'
    ask = b'PARAMETERS {"label":"USER 1"}\n'

    bare = f'PARAMETERS {{"label":"USER 1","addresses":{seen}],"media":[],"limits":{{}}}}\n'
    assert second.ask(ask) == bare
    for media in ("CHAT/1", "PCMU/8000"):
        offer = f'{{"addresses":[["10.0.0.9",9]],"media":["{media}"],"limits":{{"datagram":7}}}}'
        assert first.ask(f"OFFER {offer}\n".encode()) == "NOTED\n"
        assert second.ask(ask) == (
            f'PARAMETERS {{"label":"USER 1","addresses":{seen},["10.0.0.9",9]],'
            f'"media":["{media}"],"limits":{{"datagram":7}}}}\n'
        )
    quit_in_order(first)
    assert second.ask(ask) == "ERROR unknown-label USER 1 is not on the list\n"


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        (
            "--longest-line",
            "4097",
            "longest-line must be a whole number from 512 to 4096, not '4097'",
        ),
        ("--connections", "1.5", "connections must be a whole number from 1 to 100000, not '1.5'"),
        ("--ping-after", "nan", "ping-after must be a number from 0.1 to 3600, not 'nan'"),
        ("--guess-delay", "-1", "guess-delay must be a number from 0 to 60, not '-1'"),
    ],
)
def test_a_limit_out_of_bounds_is_one_clear_line(option: str, value: str, complaint: str) -> None:
    with Program("services.server", f"{option}={value}") as server:
        printed, complaints = server.ends_saying(2)

    assert printed == ""
    assert complaints == f"server: {complaint}\n"
