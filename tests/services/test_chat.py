"""Clients and server as processes: what people see."""

import contextlib
import json
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from services.datagram import ChatMessage, format_datagram
from tests.services.running import DEADLINE, ClientProgram, Program, ServerProgram

Start = Callable[..., ClientProgram]
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def test_the_transcript_of_one_client_to_two_others_and_what_comes_back(
    start_client: Start,
) -> None:
    first, second, third = start_client(), start_client(), start_client()
    first.log_in("U1")
    second.log_in("U2")
    third.log_in("U3")

    first.type("Y")
    listed = first.expect(
        r"Available clients are: \{'USER 1': \('127\.0\.0\.1', (\d+)\), "
        r"'USER 2': \('127\.0\.0\.1', (\d+)\), 'USER 3': \('127\.0\.0\.1', (\d+)\)\}\n"
    )
    assert len(set(listed.groups())) == 3
    first.says("Enter number of recipients: ")
    first.type("2")
    first.says("Enter recipient's username: ")
    first.type("USER 2")
    first.says("Enter recipient's username: ")
    first.type("USER 3")
    first.says("Enter message to send: ")
    first.type("YES")
    first.says("LIST AVAILABLE CLIENTS: Y/N\n")
    second.expect(rf"{TIME} Received message from USER 1: YES\n")
    third.expect(rf"{TIME} Received message from USER 1: YES\n")
    second.say("HWU", "USER 1")
    first.expect(rf"{TIME} Received message from USER 2: HWU\n")
    third.say("JFH", "USER 1")
    first.expect(rf"{TIME} Received message from USER 3: JFH\n")
    first.type("quit")

    printed = first.ends()
    assert re.sub(rf"{TIME} |\d{{5}}", "", printed) == (
        "Enter your username: Enter your password: Authentication successful!\n"
        "LIST AVAILABLE CLIENTS: Y/N\n"
        "Available clients are: {'USER 1': ('127.0.0.1', ), 'USER 2': ('127.0.0.1', ), "
        "'USER 3': ('127.0.0.1', )}\n"
        "Enter number of recipients: Enter recipient's username: Enter recipient's username: "
        "Enter message to send: LIST AVAILABLE CLIENTS: Y/N\n"
        "Received message from USER 2: HWU\n"
        "Received message from USER 3: JFH\n"
    )


def test_the_transcript_of_a_wrong_password_then_quit(start_client: Start) -> None:
    client = start_client()
    client.says("Enter your username: ")
    client.type("Mzi")
    client.says("Enter your password: ")
    client.type("1234")
    client.says("Incorrect username or password. Please try again.\nEnter your username: ")
    client.type("quit")

    assert client.ends() == (
        "Enter your username: Enter your password: "
        "Incorrect username or password. Please try again.\nEnter your username: "
    )


def test_a_wrong_password_three_times_and_then_the_right_one(start_client: Start) -> None:
    client = start_client()
    for _ in range(3):
        client.says("Enter your username: ")
        client.type("Mzi")
        client.says("Enter your password: ")
        client.type("1234")
        client.says("Incorrect username or password. Please try again.\n")
    client.log_in("Mzi")


def test_everything_typed_at_once_is_answered_in_order(start_client: Start) -> None:
    client = start_client()
    client.feed(b"U1\n1234\nU1\nCSC3@A1\nmaybe\nY\n0\n1\nUSER 1\n\nquit")
    client.end_input()

    assert re.sub(r"\d{4,5}", "", client.ends()) == (
        "Enter your username: Enter your password: "
        "Incorrect username or password. Please try again.\n"
        "Enter your username: Enter your password: Authentication successful!\n"
        "LIST AVAILABLE CLIENTS: Y/N\nPlease answer Y, N or quit.\n"
        "LIST AVAILABLE CLIENTS: Y/N\nAvailable clients are: {'USER 1': ('127.0.0.1', )}\n"
        "Enter number of recipients: Please type a number from 1 to 1.\n"
        "Enter number of recipients: Enter recipient's username: "
        "Enter message to send: A message must not be empty.\nEnter message to send: "
    )


def test_lines_that_cannot_be_read_are_explained(start_client: Start) -> None:
    client = start_client()
    client.says("Enter your username: ")
    client.feed(b"\xff\xfe\n")
    client.says("That cannot be used: a line must be UTF-8.\nEnter your username: ")
    client.feed(b"x" * 100_000 + b"\n")
    client.says("That cannot be used: a line has at most 4096 bytes.\nEnter your username: ")
    client.feed(b"quit\r\n")
    client.ends()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f", None),
        ("it's {'a': 1} \\ \"quoted\" %s {x}", None),
        ("  spaces  kept  ", None),
        ("\x1b[2Jgone\x07\u202e\u200b", r"\x1b[2Jgone\x07\u202e\u200b"),
    ],
)
def test_text_arrives_as_it_was_typed_and_is_shown_harmless(
    start_client: Start, text: str, shown: str | None
) -> None:
    client = start_client()
    client.log_in()
    client.type("N")
    for answer in ("1", "USER 1", text):
        client.type(answer)

    client.says(f" Received message from USER 1: {shown or text}\n")


def test_a_message_interrupts_an_open_prompt_which_is_printed_again(start_client: Start) -> None:
    sender, receiver = start_client(), start_client()
    receiver.log_in()
    receiver.type("N")
    receiver.says("Enter number of recipients: ")
    sender.log_in()
    sender.say("HELLO", "USER 1")

    receiver.expect(
        rf"^\n{TIME} Received message from USER 2: HELLO\nEnter number of recipients: $"
    )


def test_a_sender_is_known_by_label_to_somebody_who_never_asked_for_the_list(
    start_client: Start,
) -> None:
    receiver, sender = start_client(), start_client()
    receiver.log_in()
    sender.log_in()
    for number in range(20):
        sender.say(f"message {number}", "USER 1")

    for number in range(20):
        receiver.expect(rf"^{TIME} Received message from USER 2: message {number}\n")


def test_strangers_are_shown_by_address_whatever_they_claim(start_client: Start) -> None:
    client = start_client(environ={"TZ": "UTC"})
    client.log_in()
    address = client.address()
    claim = format_datagram(ChatMessage("m1", "USER 1", 1795365840.0, "I am you"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(claim, address)
        client.says("2026-11-22 16:44:00 Received message from 127.0.0.1: I am you\n")
        client.says("Suspicious datagrams: 1 spoofed.\n")
        stranger.sendto(b"\xffraw\n\x1b", address)
        client.expect(rf"{TIME} Received message from 127\.0\.0\.1: \\xffraw\\n\\x1b\n")
        for size in (0, 1200):
            stranger.sendto(b"[" * size, address)
            client.expect(rf"{TIME} Received message from 127\.0\.0\.1: \[*\n")
    client.type("1")
    client.says("Enter recipient's username: ")


def test_what_is_not_to_be_trusted_is_told_in_a_line_and_changes_nothing(
    start_client: Start,
) -> None:
    client, peer = start_client("--trace"), start_client()
    client.log_in()
    address = client.address()
    message = format_datagram(ChatMessage("m1", "USER 9", 1795365840.0, "once"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for datagram in (message, message, b"x" * 1201, b"x" * 65507, b"CHAT/1 {}", message):
            stranger.sendto(datagram, address)
        counted = 0
        while counted < 5:
            # What comes within a second of the first line is told together.
            told = client.expect(r"Suspicious datagrams: ((\d+) (\w+)(, )?)+\.\n")[0]
            counted += sum(int(number) for number in re.findall(r"\d+", told))
    peer.log_in()
    peer.say("HELLO", "USER 1")
    client.says("Received message from USER 2: HELLO\n")
    client.type("quit")

    printed, traced = client.ends_saying(0)
    assert printed.count("once") == 1
    kinds = [line.split()[1] for line in traced.splitlines()]
    assert sorted(kinds) == ["dropped"] * 5 + ["received"] * 2


def test_the_trace_has_one_line_per_datagram_with_one_id_for_all_recipients(
    start_client: Start,
) -> None:
    sender, other = start_client(environ={"CHAT_TRACE": "1"}), start_client()
    receiver = start_client("--trace")
    for client in (sender, other, receiver):
        client.log_in()
    ip, port = receiver.address()
    sender.say('"HÉ"', "USER 3", "USER 2")
    receiver.says('Received message from USER 1: "HÉ"\n')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"raw", (ip, port))
        receiver.says("Received message from 127.0.0.1: raw\n")
    sender.type("quit")
    receiver.type("quit")

    _, sent = sender.ends_saying(0)
    _, received = receiver.ends_saying(0)
    first, *_ = sent.splitlines()
    found = re.fullmatch(r"trace: sent id=([0-9a-f]{16}) to=(\S+) text=(.*)", first)
    assert found
    assert found[2] == f"{ip}:{port}"
    assert json.loads(found[3]) == '"HÉ"'
    assert sent.count(f"sent id={found[1]} ") == 2
    traced, raw = received.splitlines()
    assert re.fullmatch(
        rf'trace: received id={found[1]} from=127\.0\.0\.1:\d+ text="\\"H\\u00c9\\""', traced
    )
    assert re.fullmatch(r'trace: received id=- from=127\.0\.0\.1:\d+ text="raw"', raw)


def test_without_trace_nothing_is_on_stderr(start_client: Start) -> None:
    sender, receiver = start_client(), start_client()
    sender.log_in()
    receiver.log_in()
    sender.say("HELLO", "USER 2")
    receiver.says("Received message from USER 1: HELLO\n")
    for client in (sender, receiver):
        client.type("quit")
        client.ends()


def test_with_stay_the_peers_go_on_after_the_server_has_gone(
    server: ServerProgram, start_client: Start
) -> None:
    first, second = start_client("--stay"), start_client(environ={"CHAT_STAY": "1"})
    first.log_in()
    second.log_in()
    first.say("before", "USER 2")
    second.says("Received message from USER 1: before\n")
    server.signal(signal.SIGKILL)
    for client in (first, second):
        client.expect(r"The server has gone: .*\. Going on with the clients known so far\.\n")
    first.say("after", "USER 2")
    second.says("Received message from USER 1: after\n")

    second.type("Y")
    second.says("This is the last known list, which is old.\nAvailable clients are: {'USER 1': ")
    second.type("quit")
    second.ends(0)


def test_a_paused_client_leaves_the_list_and_comes_back_with_what_was_sent_to_it() -> None:
    quick = ("--ping-after", "0.5", "--pong-within", "5")
    with (
        ServerProgram(*quick) as server,
        ClientProgram(server.port) as first,
        ClientProgram(server.port) as second,
    ):
        first.log_in()
        second.log_in()
        second.say("before", "USER 1")
        first.says("Received message from USER 2: before\n")
        first.signal(signal.SIGSTOP)
        assert server.complaint().endswith("which was silent for 5.5 s\n")
        second.say("meanwhile", "USER 1")
        second.type("Y")
        second.expect(r"Available clients are: \{'USER 2': \('127\.0\.0\.1', \d+\)\}\n")
        first.signal(signal.SIGCONT)
        # Two threads say so, in whichever order.
        received = r"Received message from USER 2: meanwhile\n"
        back = r"The connection to the server was lost: [^\n]+\. Logged in again as USER 3\.\n"
        first.expect(f"(?s){received}.*{back}|{back}.*{received}")
        for line in ("1", "USER 3", "after"):
            second.type(line)
        first.says("Received message from USER 2: after\n")
        first.say("here I am", "USER 2")
        second.says("Received message from USER 3: here I am\n")
        for client in (first, second):
            client.type("quit")
            assert "CSC3@A1" not in client.ends(0)


def test_with_stay_a_client_finds_the_server_again_and_keeps_both_addresses() -> None:
    with contextlib.ExitStack() as programs:
        server = programs.enter_context(ServerProgram())
        first, second = (
            programs.enter_context(ClientProgram(server.port, "--stay", "--retry-most", "1"))
            for _ in range(2)
        )
        first.log_in("U1")
        second.log_in("U2")
        first.say("before", "USER 2")
        second.says("Received message from USER 1: before\n")
        old = second.address()
        server.signal(signal.SIGKILL)
        for client in (first, second):
            client.says("Going on with the clients known so far.\n")
        server.process.wait()
        again = ["services.server", "--port", str(server.port)]
        programs.enter_context(Program(*again)).says("Server listening on ")
        for client in (first, second):
            client.expect(r"The server is back\. Logged in again as USER \d\.\n")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"to the old address", old)
            second.says("Received message from 127.0.0.1: to the old address\n")
        for client in (first, second):
            client.type("quit")
            client.ends(0)


def test_a_server_that_falls_silent_is_missed_and_found_again() -> None:
    with (
        ServerProgram() as server,
        ClientProgram(server.port, "--server-silence", "2", "--retry-first", "0.2") as client,
    ):
        client.log_in()
        server.signal(signal.SIGSTOP)
        client.says("The server has gone: it has been silent for 2 s. Going on with ")
        client.type("Y")
        client.says("This is the last known list, which is old.\nAvailable clients are: {}\n")
        server.signal(signal.SIGCONT)
        client.expect(r"The server is back\. Logged in again as USER \d\.\n")
        client.type("quit")
        client.ends(0)


def test_a_person_who_takes_long_to_type_a_password_hears_nothing_of_it() -> None:
    with ServerProgram("--login-within", "0.2") as server, ClientProgram(server.port) as client:
        client.says("Enter your username: ")
        client.type("U1")
        client.says("Enter your password: ")
        assert server.complaint().endswith("which did not log in in time\n")
        client.type("CSC3@A1")
        client.says("Authentication successful!\n")
        client.type("quit")

        assert client.ends(0) == (
            "Enter your username: Enter your password: Authentication successful!\n"
            "LIST AVAILABLE CLIENTS: Y/N\n"
        )


def test_a_peers_parameters_are_shown(start_client: Start) -> None:
    first, second = start_client(), start_client()
    first.log_in()
    second.log_in()
    ip, port = second.address()
    first.type("/peer USER 2")

    first.says(f"USER 2: addresses {ip}:{port}; media CHAT/1, PCMU/8000; limits datagram 1200\n")
    first.says("LIST AVAILABLE CLIENTS: Y/N\n")


def test_a_stopped_server_delays_one_message_which_then_has_the_address(
    server: ServerProgram, start_client: Start
) -> None:
    receiver, sender = (
        start_client("--server-silence", "30", patient=patient) for patient in (False, True)
    )
    receiver.log_in()
    sender.log_in()
    sender.type("Y")
    sender.says("Enter number of recipients: ")
    server.signal(signal.SIGSTOP)
    for answer in ("1", "USER 1", "HELLO"):
        sender.type(answer)
    receiver.expect(rf"{TIME} Received message from 127\.0\.0\.1: HELLO\n")
    receiver.type("Y")
    server.signal(signal.SIGCONT)

    receiver.says("Available clients are: {'USER 1': ")
    receiver.says("Enter number of recipients: ")
    assert "Available" not in receiver.printed.decode().split("Available clients are:", 1)[1]


def test_a_datagram_that_cannot_be_sent_is_one_line_and_the_dialogue_goes_on() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ClientProgram(listener.getsockname()[1]) as client,
    ):
        for line in ("U1", "pw", "Y", "1", "USER 2", "HELLO"):
            client.type(line)
        connection, (ip, port) = listener.accept()
        with connection:
            connection.settimeout(DEADLINE)
            replies = connection.makefile("rwb", buffering=0)
            replies.readline()
            replies.write(b'OK {"label":"USER 1","ip":"%s","port":%d}\n' % (ip.encode(), port))
            assert replies.readline().startswith(b"OFFER ")
            replies.write(b"NOTED\n")
            assert replies.readline() == b"LIST\n"
            # From a socket bound to loopback nothing else can be reached.
            members = b'{"USER 1":["127.0.0.1",%d],"USER 2":["192.0.2.1",9]}' % port
            replies.write(b'CLIENTS {"clients":%s,"more":false}\n' % members)
            client.expect(r"Cannot send to USER 2: .+\.\nLIST AVAILABLE CLIENTS: Y/N\n")
            client.type("quit")
            assert replies.readline() == b"QUIT\n"
            replies.close()
        client.ends()


def test_the_typed_password_is_in_no_output_and_no_process_list(
    server: ServerProgram, start_client: Start
) -> None:
    client = start_client("--trace")
    client.says("Enter your username: ")
    client.type("U1")
    client.says("Enter your password: ")
    client.type("neverShown7")
    client.says("Incorrect username or password. Please try again.")
    client.log_in()
    for program in (client, server):
        assert b"CSC3@A1" not in Path(f"/proc/{program.process.pid}/cmdline").read_bytes()
    client.type("quit")
    of_client = client.ends_saying(0)
    server.signal(signal.SIGTERM)
    outputs = of_client + server.ends_saying(0)

    assert not any(word in text for text in outputs for word in ("neverShown7", "CSC3@A1"))


@pytest.mark.parametrize("leave", [b"\x03", b"\x04", b"\x1c"])
def test_the_echo_comes_back_if_somebody_leaves_instead_of_typing_the_password(
    start_client: Start, leave: bytes
) -> None:
    client = start_client(tty=True)
    client.says("Enter your username: ")
    client.type("U1")
    client.says("Enter your password: ")
    assert not client.echoes()
    client.feed(leave)
    client.ends(0)

    assert client.echoes()


@pytest.mark.parametrize("leave", [b"quit\n", b"\x03", b"\x04"])
def test_on_a_terminal_the_password_is_not_shown_and_the_echo_comes_back(
    start_client: Start, leave: bytes
) -> None:
    client = start_client(tty=True)
    client.says("Enter your username: ")
    client.type("U1")
    client.expect("^U1\r\nEnter your password: ")
    client.type("CSC3@A1")
    client.expect("^\r\nAuthentication successful!\r\nLIST AVAILABLE CLIENTS: Y/N\r\n")
    client.type("N")
    client.expect("^N\r\nEnter number of recipients: ")
    client.feed(leave)

    printed = client.ends(0)
    assert "CSC3@A1" not in printed
    assert printed.endswith("\r\n")
