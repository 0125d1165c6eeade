"""Server and clients over TLS as processes, on real sockets."""

import contextlib
import re
import select
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from services.datagram import ChatMessage, format_datagram
from services.lines import MAX_LINE
from tests.services.certificates import LAB, Certificate, make
from tests.services.running import DEADLINE, ClientProgram, Program, ServerProgram

Start = Callable[..., ClientProgram]
LOGIN = b'LOGIN {"version":1,"username":"U1","password":"CSC3@A1"}\n'
MISSING = "No such file or directory"
UNFIT = "they hold no certificate and key in PEM that belong together and have no passphrase"
QUICK = ("--ping-after", "0.2", "--pong-within", "4")


@pytest.fixture
def server() -> Iterator[ServerProgram]:
    with ServerProgram(*LAB.of_server) as program:
        yield program


@pytest.fixture
def start_client(server: ServerProgram) -> Iterator[Start]:
    with contextlib.ExitStack() as clients:
        yield lambda *options, **more: clients.enter_context(
            ClientProgram(server.port, *LAB.of_client, *options, **more)
        )


@contextlib.contextmanager
def line(port: int) -> Iterator[ssl.SSLSocket]:
    """A bare TLS connection, by the standard library alone."""
    context = ssl.create_default_context(cafile=LAB.shown)
    raw = socket.create_connection(("127.0.0.1", port), DEADLINE)
    with context.wrap_socket(raw, server_hostname="server") as connection:
        yield connection


def ask(connection: ssl.SSLSocket, data: bytes) -> bytes:
    connection.sendall(data)
    answer = b""
    while not answer.endswith(b"\n"):
        data = connection.recv(65536)
        assert data, answer
        answer += data
    return answer


def test_messages_go_sealed_and_people_see_no_difference(start_client: Start) -> None:
    first, second = start_client("--trace"), start_client("--trace")
    first.log_in()
    second.log_in()
    first.say("HELLO", "USER 2")
    second.expect(r" Received message from USER 1: HELLO\n")
    # What comes back to the sender may be shown before its next prompt, or after it.
    for typed in ("N", "2", "USER 1", "USER 2", "HI"):
        second.type(typed)
    for client in (first, second):
        client.expect(r" Received message from USER 2: HI\n")
        client.type("quit")

    printed, traced = first.ends_saying(0)
    assert re.fullmatch(
        r'trace: sent id=[0-9a-f]{16} to=127\.0\.0\.1:\d+ text="HELLO"\n'
        r'trace: received id=[0-9a-f]{16} from=127\.0\.0\.1:\d+ text="HI"\n',
        traced,
    )
    assert "Suspicious" not in printed + second.ends_saying(0)[0]


def test_what_is_in_clear_or_not_sealed_by_its_sender_is_told_and_not_shown(
    start_client: Start,
) -> None:
    first, second = start_client(), start_client()
    first.log_in()
    address = first.address()
    second.log_in()
    clear = format_datagram(ChatMessage("m1", "USER 2", 1795365840.0, "in clear"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in (clear, b"raw", b"\x80\x00" + bytes(170)):
            stranger.sendto(data, address)
        counted = 0
        while counted < 3:
            counted += int(first.expect(r"Suspicious datagrams: (\d) unsealed\.\n")[1])
        stranger.sendto(b"CHAT/2 " + bytes(100), address)
        first.says("Suspicious datagrams: 1 unreadable.\n")
    second.say("sealed", "USER 1")
    first.says("Received message from USER 2: sealed\n")
    first.type("quit")

    printed = first.ends()
    assert "in clear" not in printed
    assert "raw" not in printed


def test_a_client_in_clear_cannot_read_what_is_sealed_and_says_so() -> None:
    with ServerProgram() as server, ClientProgram(server.port) as client:
        client.log_in()
        address = client.address()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"CHAT/2 " + bytes(100), address)
            client.says("Suspicious datagrams: 1 unreadable.\n")


def test_a_client_tells_its_peers_that_it_takes_sealed_messages_alone(start_client: Start) -> None:
    first, second = start_client(), start_client()
    first.log_in()
    second.log_in()
    second.address()
    first.type("/peer USER 2")

    first.expect(r"USER 2: addresses 127\.0\.0\.1:\d+; media CHAT/2; limits datagram 1200\n")


def test_every_pair_has_a_key_of_its_own_that_both_are_given(server: ServerProgram) -> None:
    with line(server.port) as first, line(server.port) as second, line(server.port) as third:
        for connection in (first, second, third):
            assert ask(connection, LOGIN).startswith(b"OK ")
        keys = [
            ask(connection, b'KEY {"label":"USER %d"}\n' % peer).replace(b"USER %d" % peer, b"")
            for connection, peer in ((first, 2), (second, 1), (first, 3), (third, 2))
        ]

    assert re.fullmatch(rb'KEY \{"label":"","key":"[0-9a-f]{64}"\}\n', keys[0])
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_there_is_no_key_for_who_is_not_on_the_list(server: ServerProgram) -> None:
    with line(server.port) as connection:
        assert ask(connection, LOGIN).startswith(b"OK ")

        answer = ask(connection, b'KEY {"label":"USER 2"}\n')
        assert answer == b"ERROR unknown-label USER 2 is not on the list\n"


def test_keys_are_not_handed_out_in_clear() -> None:
    with (
        ServerProgram() as server,
        socket.create_connection(("127.0.0.1", server.port), DEADLINE) as connection,
    ):
        replies = connection.makefile("rb")
        connection.sendall(LOGIN + b'KEY {"label":"USER 1"}\nLIST\n')

        assert replies.readline().startswith(b"OK ")
        assert replies.readline() == b"ERROR tls-required keys are handed out by TLS alone\n"
        assert replies.readline().startswith(b"CLIENTS ")
        replies.close()


def test_lines_are_read_however_records_cut_or_glue_them(server: ServerProgram) -> None:
    with line(server.port) as connection:
        for byte in LOGIN:
            connection.sendall(bytes([byte]))
        replies = connection.makefile("rb")
        assert replies.readline().startswith(b"OK ")
        connection.sendall(b"LIST\n" * 5 + b"x" * MAX_LINE + b"\nQUIT\n")

        answers = [replies.readline().split()[0] for _ in range(7)]
        assert answers == [b"CLIENTS"] * 5 + [b"ERROR", b"BYE"]
        assert replies.readline() == b""
        replies.close()


def test_a_client_of_the_standard_library_that_pauses_is_asked_and_dropped() -> None:
    with ServerProgram(*LAB.of_server, *QUICK) as server, line(server.port) as connection:
        assert ask(connection, LOGIN.replace(b"1,", b"2,", 1)).startswith(b"OK ")
        assert connection.recv(100) == b"PING\n"
        connection.sendall(b"PONG\n")
        assert connection.recv(100) == b"PING\n"
        assert connection.recv(100) == b""
        assert server.complaint().endswith("which was silent for 4.2 s\n")


def test_a_client_keeps_its_place_by_answering_over_tls() -> None:
    with (
        ServerProgram(*LAB.of_server, "--ping-after", "0.1", "--pong-within", "20") as server,
        ClientProgram(server.port, *LAB.of_client, "--server-silence", "30") as client,
        line(server.port) as other,
    ):
        client.log_in()
        assert ask(other, LOGIN.replace(b"1,", b"2,", 1)).startswith(b"OK ")
        for _ in range(20):
            assert other.recv(100) == b"PING\n"
            other.sendall(b"PONG\n")
        client.type("Y")
        client.expect(r"Available clients are: \{'USER 1': .*'USER 2': ")


def test_who_never_reads_answers_over_tls_holds_up_nobody(server: ServerProgram) -> None:
    with line(server.port) as greedy, line(server.port) as other:
        ask(greedy, LOGIN)
        greedy.settimeout(0.2)
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            while True:
                greedy.sendall(b"LIST\n" * 3000)
        assert ask(other, LOGIN).startswith(b'OK {"label":"USER 2"')
        assert server.complaint().endswith("which does not read its answers\n")


@pytest.mark.parametrize(
    "begun", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)]
)
def test_a_handshake_that_does_not_end_holds_up_nobody_and_has_an_end(begun: bytes) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ServerProgram(*LAB.of_server, "--login-within", "4"))
        there = ("127.0.0.1", server.port)
        slow = [stack.enter_context(socket.create_connection(there, DEADLINE)) for _ in range(5)]
        for connection in slow:
            connection.sendall(begun)
        with line(server.port) as quick:
            assert ask(quick, LOGIN).startswith(b"OK ")
        for connection in slow:
            assert connection.recv(100) == b""
        server.signal(signal.SIGTERM)

        assert server.ends_saying(0)[1].count("which did not log in in time\n") == len(slow)


def test_a_handshake_byte_by_byte_has_no_more_time() -> None:
    hello = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + bytes(16000)
    with (
        ServerProgram(*LAB.of_server, "--login-within", "0.5") as server,
        socket.create_connection(("127.0.0.1", server.port), DEADLINE) as slow,
    ):
        with contextlib.suppress(ConnectionError):
            for byte in hello:
                slow.sendall(bytes([byte]))
                if select.select([slow], [], [], 0.05)[0]:
                    break

        assert server.complaint().endswith("which did not log in in time\n")


def refused(client: Program) -> str:
    """Wait until a client has given up before any prompt; return why."""
    printed, complaints = client.ends_saying(1)
    assert printed == ""
    found = re.fullmatch(r"client: cannot connect to 127\.0\.0\.1:\d+: (.*)\n", complaints)
    assert found, complaints
    return found[1]


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (None, "self.signed certificate"),
        (("elsewhere", "127.0.0.2"), "IP address mismatch, .* '127.0.0.1'"),
        (("localhost",), "IP address mismatch, .* '127.0.0.1'"),
    ],
)
def test_a_server_that_is_not_the_right_one_is_not_spoken_to(
    tmp_path: Path, shown: tuple[str, ...] | None, why: str
) -> None:
    own = make(tmp_path, *shown) if shown else LAB
    trusted = own if shown else make(tmp_path, "127.0.0.1")
    with (
        ServerProgram(*own.of_server) as server,
        ClientProgram(server.port, *trusted.of_client) as client,
    ):
        told = refused(client)
        complaint = server.complaint()

    assert re.fullmatch(f"the server has a certificate that is not to be trusted: {why}", told), (
        told
    )
    assert re.fullmatch(r"server: dropped \(.*\), which gives TLS up: [a-z ]+\n", complaint)


def test_a_server_in_clear_is_told_from_one_in_tls() -> None:
    with ServerProgram() as server, ClientProgram(server.port, *LAB.of_client) as client:
        told = refused(client)
        complaint = server.complaint()

    assert told == "it has closed the connection in the handshake of TLS"
    assert complaint.endswith("which speaks TLS, which is not spoken here\n")


def test_a_server_of_something_else_is_told_from_one_in_tls() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ClientProgram(listener.getsockname()[1], *LAB.of_client) as client,
    ):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 welcome\r\n")
            assert refused(client) == "the server does not speak TLS"


def test_a_client_in_clear_is_told_that_the_server_speaks_tls(server: ServerProgram) -> None:
    with ClientProgram(server.port) as client:
        client.type("U1")
        client.type("CSC3@A1")
        printed = client.ends(1)

    refusal = "The server refuses the connection: this server speaks TLS alone.\n"
    assert printed.endswith(refusal)
    assert server.complaint().endswith("which does not speak TLS\n")


def test_too_many_connections_are_told_before_any_handshake() -> None:
    with (
        ServerProgram(*LAB.of_server, "--connections", "1") as server,
        ClientProgram(server.port, *LAB.of_client) as first,
    ):
        first.log_in()
        with ClientProgram(server.port, *LAB.of_client) as second:
            told = refused(second)

    assert told == "the server refuses the connection: there are too many connections"


def test_clients_come_back_over_tls_and_go_on_with_new_keys() -> None:
    quick = ("--stay", "--retry-first", "0.1", "--retry-most", "0.5")
    with contextlib.ExitStack() as programs:
        server = programs.enter_context(ServerProgram(*LAB.of_server))
        first, second = (
            programs.enter_context(ClientProgram(server.port, *LAB.of_client, *quick))
            for _ in range(2)
        )
        first.log_in()
        second.log_in()
        first.say("before", "USER 2")
        second.says("Received message from USER 1: before\n")
        server.signal(signal.SIGKILL)
        for client in (first, second):
            client.says("Going on with the clients known so far.\n")
        second.type("Y")
        second.says("This is the last known list, which is old.\n")
        for answer in ("1", "USER 1", "quite alone"):
            second.type(answer)
        first.says("Received message from USER 2: quite alone\n")
        first.say("meanwhile", "USER 2")
        second.says("Received message from USER 1: meanwhile\n")
        server.process.wait()
        again = Program("services.server", "--port", str(server.port), *LAB.of_server)
        programs.enter_context(again).says("Server listening on ")
        labels = {
            client: client.expect(r"The server is back\. Logged in again as (USER \d)\.\n")[1]
            for client in (first, second)
        }
        first.say("after", labels[second])
        second.says(f"Received message from {labels[first]}: after\n")
        for client in (first, second):
            client.type("quit")
            client.ends(0)


def test_a_client_does_not_come_back_to_a_server_that_is_not_the_right_one(tmp_path: Path) -> None:
    other = make(tmp_path, "127.0.0.1")
    with contextlib.ExitStack() as programs:
        server = programs.enter_context(ServerProgram(*LAB.of_server))
        client = programs.enter_context(
            ClientProgram(server.port, *LAB.of_client, "--stay", "--retry-first", "0.1")
        )
        client.log_in()
        server.signal(signal.SIGKILL)
        client.says("Going on with the clients known so far.\n")
        server.process.wait()
        again = Program("services.server", "--port", str(server.port), *other.of_server)
        programs.enter_context(again).says("Server listening on ")
        assert again.complaint().endswith("which gives TLS up: unknown ca\n")
        client.type("quit")
        printed = client.ends(0)
        again.signal(signal.SIGTERM)
        assert "Authentication" not in again.ends_saying(0)[0]

    assert "Logged in again" not in printed


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key"])
def test_a_certificate_without_a_key_or_a_key_without_one_is_one_clear_line(option: str) -> None:
    with Program("services.server", option, str(LAB.shown)) as server:
        told = server.ends_saying(2)

    assert told == ("", "server: give both of --tls-cert and --tls-key, or none of them\n")


def files(tmp_path: Path) -> dict[str, Certificate]:
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    return {
        "missing": Certificate(tmp_path / "missing", LAB.key),
        "nonsense": Certificate(nonsense, LAB.key),
        "another key": Certificate(LAB.shown, make(tmp_path, "other").key),
        "passphrase": make(tmp_path, "secret", passphrase=b"never typed"),
    }


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("missing", MISSING),
        ("nonsense", UNFIT),
        ("another key", UNFIT),
        ("passphrase", UNFIT),
    ],
)
def test_files_that_are_of_no_use_to_the_server_are_one_clear_line(
    tmp_path: Path, kind: str, why: str
) -> None:
    chosen = files(tmp_path)[kind]
    with Program("services.server", *chosen.of_server, tty=True) as server:
        told = server.ends_saying(2)

    expected = f"server: cannot use '{chosen.shown}' and '{chosen.key}' for TLS: {why}\n"
    assert told == ("", expected)


@pytest.mark.parametrize(
    ("kind", "why"), [("missing", MISSING), ("nonsense", "it holds no certificate in PEM")]
)
def test_files_that_are_of_no_use_to_a_client_are_one_clear_line(
    tmp_path: Path, kind: str, why: str
) -> None:
    chosen = files(tmp_path)[kind]
    with Program("services.client", *chosen.of_client) as client:
        told = client.ends_saying(2)

    assert told == ("", f"client: cannot use '{chosen.shown}' for TLS: {why}\n")


def test_the_files_may_come_from_the_environment() -> None:
    of_server = {"CHAT_TLS_CERT": str(LAB.shown), "CHAT_TLS_KEY": str(LAB.key)}
    of_client = {"CHAT_TLS_CA": str(LAB.shown)}
    with (
        ServerProgram(environ=of_server) as server,
        ClientProgram(server.port, environ=of_client) as client,
    ):
        client.log_in()


def test_a_runtime_without_the_library_says_so_where_tls_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "cryptography.py").write_text(
        "raise ModuleNotFoundError('missing', name='cryptography')"
    )
    path = {"PYTHONPATH": str(tmp_path)}
    with Program("services.client", *LAB.of_client, environ=path) as client:
        told = client.ends_saying(2)

    missing = "TLS cannot be used, for Python's module cryptography is missing"
    assert told == ("", f"client: {missing}\n")


def test_without_tls_no_library_of_it_is_loaded() -> None:
    for of_server, of_client, loads in (((), (), False), (LAB.of_server, LAB.of_client, True)):
        with ServerProgram(*of_server) as server, ClientProgram(server.port, *of_client) as client:
            client.log_in()
            by_server, by_client = (
                Path(f"/proc/{program.process.pid}/maps").read_text()
                for program in (server, client)
            )
        assert [bool(re.search(r"/_ssl\b", by)) for by in (by_server, by_client)] == [loads] * 2
        assert ("cryptography" in by_client) is loads
        assert "cryptography" not in by_server


def test_the_typed_password_does_not_go_out_in_clear(server: ServerProgram) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as relay,
        ClientProgram(relay.getsockname()[1], *LAB.of_client) as client,
        socket.create_connection(("127.0.0.1", server.port), DEADLINE) as outward,
        relay.accept()[0] as inward,
    ):
        client.type("U1")
        client.type("CSC3@A1")
        passed = b""
        deadline = time.monotonic() + DEADLINE
        while b"Authentication successful!" not in client.printed:
            assert time.monotonic() < deadline
            assert client.process.stdout
            sources: list[socket.socket | IO[bytes]] = [inward, outward, client.process.stdout]
            ready, _, _ = select.select(sources, [], [], DEADLINE)
            if client.process.stdout in ready:
                client._read(deadline)
            for source, target in ((inward, outward), (outward, inward)):
                if source in ready:
                    data = source.recv(65536)
                    passed += data
                    target.sendall(data)

    assert len(passed) > 500
    assert b"CSC3@A1" not in passed
    assert b"USER 1" not in passed
