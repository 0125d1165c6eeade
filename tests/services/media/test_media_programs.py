"""Clients as processes that hear each other."""

import contextlib
import itertools
import math
import signal
import socket
import struct
import wave
from collections.abc import Callable
from pathlib import Path

from services.media.pcmu import RATE
from services.media.tone import FRAME
from services.media.wav import read_wav
from tests.services.conftest import server, start_client
from tests.services.media.streams import datagrams
from tests.services.running import ClientProgram, Program, ServerProgram

__all__ = ["server", "start_client"]

Start = Callable[..., ClientProgram]


def name_recipients(sender: ClientProgram, *labels: str) -> None:
    """Come from the list prompt to the message prompt."""
    sender.type("N")
    sender.says("Enter number of recipients: ")
    sender.type(str(len(labels)))
    for label in labels:
        sender.says("Enter recipient's username: ")
        sender.type(label)
    sender.says("Enter message to send: ")


def strength(sound: list[int], frequency: float) -> float:
    """The amplitude of a tone of this frequency in the sound."""
    turn = math.tau * frequency / RATE
    real = sum(sample * math.cos(turn * at) for at, sample in enumerate(sound))
    imaginary = sum(sample * math.sin(turn * at) for at, sample in enumerate(sound))
    return 2 * math.hypot(real, imaginary) / len(sound)


def recorded(directory: Path) -> list[int]:
    (path,) = directory.iterdir()
    return list(read_wav(path.read_bytes()))


def test_a_file_is_heard_by_two_others_and_they_report(start_client: Start, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        tone = [round(8000 * math.sin(math.tau * 300 * at / RATE)) for at in range(RATE // 2)]
        file.writeframes(struct.pack(f"<{len(tone)}h", *tone))
    directories = [tmp_path / "first", tmp_path / "second"]
    for directory in directories:
        directory.mkdir()
    first = start_client("--media-dir", str(directories[0]))
    first.log_in("U1")
    second = start_client(environ={"CHAT_MEDIA_DIR": str(directories[1])})
    second.log_in("U2")
    sender = start_client()
    sender.log_in("U3")

    name_recipients(sender, "USER 1", "USER 2")
    sender.type(f"/play {path}")
    sender.says("Sending audio to USER 1, USER 2: 0.5 s.\nLIST AVAILABLE CLIENTS: Y/N\n")

    late = []
    for listener in (first, second):
        listener.expect(r"\S+ \S+ Audio from USER 3 begins\.\n")
        ended = listener.expect(
            r"\S+ \S+ Audio from USER 3 ended: \d\.\d s, 25 packets, lost 0, late (\d+), "
            r"jitter \d+\.\d ms, written to \S+\.wav\.\n"
        )
        late.append(int(ended[1]))
    for label in ("USER 1", "USER 2"):
        sender.expect(rf"Audio to {label} ended: 0\.5 s, 25 packets, lost 0, jitter \d+\.\d ms\.\n")
    for directory, missed in zip(directories, late, strict=True):
        heard = recorded(directory)
        assert RATE // 2 - missed * FRAME <= len(heard) <= RATE // 2
        assert strength(heard, 300) > 4000
        assert strength(heard, 500) < 500
    for client in (first, second, sender):
        client.type("quit")
        client.ends()


def test_in_a_call_both_hear_the_tone_of_the_other(start_client: Start, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    callee = start_client("--media-dir", str(there))
    callee.log_in("U1")
    caller = start_client("--media-dir", str(here))
    caller.log_in("U2")

    name_recipients(caller, "USER 1")
    caller.type("/call 3")
    caller.says("Calling USER 1: 3.0 s.\n")
    callee.says("Audio from USER 2 is a call: a tone goes back.\n")
    callee.expect(r"Audio from USER 2 ended: \d\.\d s, 150 packets, lost 0, .*, written to .*\n")
    callee.expect(r"Audio to USER 2 ended: .*, lost 0, jitter .*\n")

    assert strength(recorded(there), 440) > 5000
    assert strength(recorded(here), 550) > 5000
    for client in (callee, caller):
        client.type("quit")
        client.ends()


def test_a_call_is_answered_after_both_have_come_back_to_the_server() -> None:
    with contextlib.ExitStack() as programs:
        server = programs.enter_context(ServerProgram())
        caller, callee = (
            programs.enter_context(ClientProgram(server.port, "--stay", "--retry-most", "1"))
            for _ in range(2)
        )
        for client in (caller, callee):
            client.log_in()
        server.signal(signal.SIGKILL)
        for client in (caller, callee):
            client.says("Going on with the clients known so far.\n")
        server.process.wait()
        again = ["services.server", "--port", str(server.port)]
        programs.enter_context(Program(*again)).says("Server listening on ")
        labels = [
            client.expect(r"The server is back\. Logged in again as (USER \d)\.\n")[1]
            for client in (caller, callee)
        ]
        caller.address()
        for answer, prompt in (("1", "Enter recipient's username: "), (labels[1], "to send: ")):
            caller.type(answer)
            caller.says(prompt)
        caller.type("/call 3")

        callee.says(f"Audio from {labels[0]} is a call: a tone goes back.\n")
        caller.says(f"Audio from {labels[1]} begins.\n")
        caller.expect(rf"Audio to {labels[1]} ended: 3\.0 s, 150 packets, lost 0, ")
        for client in (caller, callee):
            client.type("quit")
            assert "refused" not in client.ends()


def test_what_cannot_be_heard_is_explained_and_nothing_is_sent(start_client: Start) -> None:
    client = start_client()
    client.log_in()
    name_recipients(client, "USER 1")
    client.type("/play none.wav")
    client.says("That cannot be used: none.wav cannot be read: no such file or directory.\n")
    client.says("Enter message to send: ")
    client.type("/play tone")
    client.says("Sending audio to USER 1: 1.0 s.\n")
    client.type("quit")

    client.ends()


def test_a_client_that_quits_says_goodbye_and_keeps_what_it_heard(
    start_client: Start, tmp_path: Path
) -> None:
    heard, hears = start_client(), start_client("--media-dir", str(tmp_path))
    heard.log_in("U1")
    hears.log_in("U2")
    name_recipients(heard, "USER 2")
    heard.type("/play tone 60s")
    hears.says("Audio from USER 1 begins.")
    heard.type("quit")
    hears.expect(r"Audio from USER 1 ended: \d\.\d s, .*, written to .*\.wav\.\n")
    hears.type("quit")

    heard.ends()
    hears.ends()
    assert recorded(tmp_path)


def test_the_trace_tells_of_every_stream_once_a_second_and_in_the_end(
    start_client: Start,
) -> None:
    client = start_client("--trace")
    client.log_in()
    name_recipients(client, "USER 1")
    client.type("/play tone 4s")
    client.expect(r"Audio to USER 1 ended: .*\n")
    client.type("quit")
    _, traced = client.ends_saying(0)
    lines = [line for line in traced.splitlines() if line.startswith("trace: media from=127.0.0.1")]

    assert [line.rpartition(" ")[2] for line in lines][-2:] == ["state=playing", "state=ended"]
    assert "expected=200 received=200 lost=0" in lines[-1]


def test_hostile_datagrams_are_counted_and_messages_still_arrive(start_client: Start) -> None:
    client = start_client()
    client.log_in()
    address = client.address()
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        (packet,) = datagrams(1)
        for at, octet in itertools.product(range(0, len(packet), 9), (0x80, 0x9F, 0xFF)):
            damaged = bytearray(packet)
            damaged[at] = octet
            stranger.sendto(damaged, address)
        stranger.sendto(packet, address)
        client.expect(r"Audio refused: \d+ datagrams?, the last from 127\.0\.0\.1: .*\n")
        stranger.sendto(b"still there?", address)
        client.expect(r"Received message from 127\.0\.0\.1: still there\?\n")
    client.type("quit")
    assert "Audio from" not in client.ends()
