"""Clients and server as processes: what people see."""

import json
import os
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


def test_everything_typed_at_once_is_answered_in_order(start_client: Start) -> None:
    client = start_client()
    client.feed(b"U1\nCSC3@A1\nY\n1\nUSER 1\nHELLO\nmaybe\nN\nquit")
    client.end_input()

    printed = client.ends()
    assert "Please answer Y, N or quit.\nLIST AVAILABLE CLIENTS: Y/N\n" in printed
    assert printed.endswith("Enter number of recipients: ")


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
        stranger.sendto(b"\xffraw\n\x1b", address)
        client.expect(rf"{TIME} Received message from 127\.0\.0\.1: \\xffraw\\n\\x1b\n")
        for size in (0, 1200, 1201, 65507):
            stranger.sendto(b"[" * size, address)
            client.expect(rf"{TIME} Received message from 127\.0\.0\.1: \[*(\.\.\. .*)?\n")
    client.type("1")
    client.says("Enter recipient's username: ")


def test_the_trace_has_one_line_per_datagram_with_one_id_for_all_recipients(
    start_client: Start,
) -> None:
    sender, receiver = start_client(environ={"CHAT_TRACE": "1"}), start_client("--trace")
    sender.log_in()
    receiver.log_in()
    ip, port = receiver.address()
    sender.say('"HÉ"', "USER 2", "USER 1")
    receiver.says('Received message from USER 1: "HÉ"\n')
    sender.says('Received message from USER 1: "HÉ"\n')
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
    assert sent.count(f"id={found[1]} ") == 3
    traced, raw = received.splitlines()
    assert re.fullmatch(
        rf'trace: received id={found[1]} from=127\.0\.0\.1:\d+ text="\\"H\\u00c9\\""', traced
    )
    assert re.fullmatch(r'trace: received id=- from=127\.0\.0\.1:\d+ text="raw"', raw)


def test_without_trace_nothing_is_on_stderr(start_client: Start) -> None:
    client = start_client()
    client.log_in()
    client.say("HELLO", "USER 1")
    client.says("Received message from USER 1: HELLO\n")
    client.type("quit")

    client.ends()


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


def test_a_stopped_server_delays_one_message_which_then_has_the_address(
    server: ServerProgram, start_client: Start
) -> None:
    receiver, sender = start_client(), start_client()
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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with ClientProgram(listener.getsockname()[1]) as client:
            for line in ("U1", "pw", "Y", "1", "USER 2", "HELLO"):
                client.type(line)
            connection, (ip, port) = listener.accept()
            with connection:
                connection.settimeout(DEADLINE)
                replies = connection.makefile("rwb", buffering=0)
                replies.readline()
                replies.write(b'OK {"label":"USER 1","ip":"%s","port":%d}\n' % (ip.encode(), port))
                replies.readline()
                # From a socket bound to loopback nothing else can be reached.
                members = b'{"USER 1":["127.0.0.1",%d],"USER 2":["192.0.2.1",9]}' % port
                replies.write(b'CLIENTS {"clients":%s,"more":false}\n' % members)
                client.expect(r"Cannot send to USER 2: .+\.\nLIST AVAILABLE CLIENTS: Y/N\n")
                client.type("quit")
                assert replies.readline() == b"QUIT\n"
                replies.close()
            client.ends()


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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with ClientProgram(listener.getsockname()[1]) as client:
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
    server_signal = signal.SIGTERM
    outputs = client.ends_saying(0)
    server.signal(server_signal)
    outputs += server.ends_saying(0)

    assert not any(word in text for text in outputs for word in ("neverShown7", "CSC3@A1"))


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

    printed = client.ends(130 if leave == b"\x03" and not _controls_terminal(client) else 0)
    assert "CSC3@A1" not in printed
    assert printed.endswith("\r\n")


def _controls_terminal(client: ClientProgram) -> bool:
    return os.getpgid(client.process.pid) == client.process.pid
