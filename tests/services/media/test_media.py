"""A client's media with a host that a test is: its threads, its lines, what it sends."""

import queue
import random
import re
import struct
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.media.host import Host
from services.media.incoming import Incoming
from services.media.media import MAX_SENDING, Media
from services.media.orders import Call, PlayFile, PlayTone, SoundError
from services.media.receiver import MAX_STREAMS, MAX_STREAMS_EACH, trace
from services.media.rtcp import Element, Leaves, ReceiverReport, format_compound, parse_compound
from services.media.rtp import is_rtcp, parse_packet
from services.media.wav import read_wav
from services.values import Address
from tests.services.media.streams import SOURCE, SSRC, datagrams, numbers, outgoing
from tests.services.running import DEADLINE

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
STRANGER = ("10.201.0.9", 1)


class Listener:
    """A host whose lines and datagrams a test takes one after the other."""

    def __init__(self, directory: Path | None = None) -> None:
        self.labels = {SOURCE: "USER 1", ("10.201.0.4", 2): "USER 2"}
        self.lines: queue.Queue[str] = queue.Queue()
        self.traces: queue.Queue[str] = queue.Queue()
        self.sent: queue.Queue[tuple[bytes, Address]] = queue.Queue()
        self.asked: list[Address] = []
        host = Host(self._label_of, self.lines.put, self.traces.put, numbers())
        self.media = Media(host, "me", str(directory) if directory else None)

    def send(self, data: bytes, address: Address) -> None:
        if address == STRANGER:
            raise OSError(101, "Network is unreachable")
        self.sent.put((data, address))

    def _label_of(self, address: Address) -> str | None:
        self.asked.append(address)
        return self.labels.get(address)

    def hears(self, *sent: bytes, source: Address = SOURCE) -> None:
        came = time.monotonic()
        for each in sent:
            self.media.receive(each, source, time.monotonic() - came, self.send)

    def says(self, pattern: str) -> None:
        line = self.lines.get(timeout=DEADLINE)
        assert re.fullmatch(f"{TIME} {pattern}", line), line

    def reports(self) -> list[Element]:
        """The next report that is sent."""
        while True:
            data, _ = self.sent.get(timeout=DEADLINE)
            if is_rtcp(data):
                return parse_compound(data)

    def last_report(self) -> list[Element]:
        """The next report that says goodbye; on a busy machine others may go before it."""
        while not isinstance((report := self.reports())[-1], Leaves):
            pass
        return report


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = Listener(tmp_path)
    yield made
    made.media.close()


def test_a_stream_is_announced_written_counted_and_reported(
    listener: Listener, tmp_path: Path
) -> None:
    stream = outgoing()
    sent = datagrams(5, stream)
    listener.hears(sent[0], sent[1], sent[3], sent[4], stream.report(0.0, last=True))

    listener.says("Audio from USER 1 begins.")
    listener.says(
        r"Audio from USER 1 ended: 0\.1 s, 5 packets, lost 1, late 0, jitter \d+\.\d ms, "
        rf"written to {tmp_path}/\d{{8}}-\d{{6}}-USER-1-1234abcd\.wav\."
    )
    (file,) = tmp_path.iterdir()
    assert len(read_wav(file.read_bytes())) == 800
    report, _, goodbye = listener.last_report()
    assert isinstance(report, ReceiverReport)
    assert (report.blocks[0].ssrc, report.blocks[0].lost) == (SSRC, 1)
    assert goodbye == Leaves((report.ssrc,))
    assert re.fullmatch(
        r"media from=10\.201\.0\.3:40211 ssrc=1234abcd expected=5 received=4 lost=1 late=0 "
        r"concealed=1 jitter-ms=\d+\.\d\d state=ended",
        listener.traces.get(timeout=DEADLINE),
    )


def test_a_stream_that_said_goodbye_does_not_begin_again(listener: Listener) -> None:
    stream = outgoing()
    sent = datagrams(3, stream)
    listener.hears(*sent[:2], stream.report(0.0, last=True))
    listener.says("Audio from USER 1 begins.")
    listener.says("Audio from USER 1 ended: .*")

    listener.hears(sent[2])

    listener.says(r"Audio refused: 1 datagram, the last from 10\.201\.0\.3: the stream is over\.")


def test_a_client_that_ends_ends_its_streams() -> None:
    listener = Listener()
    listener.hears(*datagrams(2))
    listener.media.close()

    listener.says("Audio from USER 1 begins.")
    listener.says(r"Audio from USER 1 ended: 0\.0 s, 2 packets, lost 0, .* ms\.")
    assert listener.last_report()


def test_media_of_a_stranger_is_refused_in_one_line_and_changes_nothing(
    listener: Listener,
) -> None:
    listener.hears(*datagrams(300), source=STRANGER)
    listener.says(r"Audio refused: \d+ datagrams?, the last from 10\.201\.0\.9: .* no client's .*")
    listener.media.close()

    assert listener.sent.empty()
    told = [*listener.lines.queue]
    assert len(told) <= 1


def test_damaged_datagrams_are_refused_before_anybody_is_asked_whose_they_are(
    listener: Listener,
) -> None:
    (packet,) = datagrams(1)
    for damaged in (b"\x80", packet[:-1], b"\xbf" + packet[1:], b"\x80\xc8", b"\x80\xc9\0\0"):
        listener.hears(damaged, source=STRANGER)
    listener.media.close()

    assert listener.asked == []
    refused = sum(
        int(found[1]) for line in listener.lines.queue if (found := re.search(r"(\d+) data", line))
    )
    assert refused == 5


def test_damage_of_any_kind_from_a_client_is_counted_and_bounded(listener: Listener) -> None:
    chance = random.Random(6)
    stream = outgoing()
    sound = [*datagrams(3, stream), stream.report(0.0, last=False)]
    for _ in range(3000):
        damaged = bytearray(chance.choice(sound))
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        damaged[0] = damaged[0] & 0x3F | 0x80
        listener.hears(bytes(damaged[: chance.randint(1, len(damaged))]))
    listener.media.close()

    told = [*listener.lines.queue]
    assert sum("begins" in line for line in told) <= MAX_STREAMS_EACH
    assert sum("refused" in line for line in told) >= 1


def test_streams_are_bounded_for_each_address_and_in_all(listener: Listener) -> None:
    for number in range(1, MAX_STREAMS):
        listener.labels["10.201.1.1", number] = f"USER {number}0"
        for ssrc in range(MAX_STREAMS_EACH + 1):
            listener.hears(*datagrams(1, outgoing(ssrc=ssrc)), source=("10.201.1.1", number))
    listener.media.close()

    told = [*listener.lines.queue]
    assert sum("begins" in line for line in told) == MAX_STREAMS
    assert sum("USER 10 begins" in line for line in told) == MAX_STREAMS_EACH
    assert any("too many streams" in line for line in told)


def test_a_call_is_answered_for_as_long_as_it_is_heard(listener: Listener) -> None:
    stream = outgoing(is_call=True)
    listener.hears(*datagrams(2, stream), stream.report(0.0, last=False))
    listener.says("Audio from USER 1 begins.")
    listener.says("Audio from USER 1 is a call: a tone goes back.")
    data, address = listener.sent.get(timeout=DEADLINE)
    assert address == SOURCE
    answer = parse_packet(data)

    listener.hears(stream.report(0.0, last=True))

    listener.says("Audio from USER 1 ended: .*")
    while Leaves((answer.ssrc,)) not in listener.reports():
        pass


def test_a_tone_is_sent_to_all_and_what_they_report_is_told(listener: Listener) -> None:
    recipients = {"USER 1": SOURCE, "USER 2": ("10.201.0.4", 2), "USER 3": STRANGER}
    line = listener.media.play(PlayTone(0.1), recipients, listener.send)
    assert line == "Sending audio to USER 1, USER 2, USER 3: 0.1 s."
    first = Incoming(parse_packet(listener.sent.get(timeout=DEADLINE)[0]), SOURCE, 0.0)
    while not any(isinstance(part, Leaves) for part in listener.reports()):
        pass
    for address, reporter in ((SOURCE, 7), (("10.201.0.5", 1), 8)):
        goodbye = first.report(reporter, "them", 0.0, last=True)
        listener.hears(format_compound(goodbye), source=address)

    listener.says(r"Audio to USER 1 ended: 0\.1 s, 5 packets, lost 1, jitter 0\.0 ms\.")
    listener.says(r"Audio to USER 2 ended: 0\.1 s, 5 packets, no report came back\.")
    listener.says(
        r"Audio to USER 3 ended: 0\.1 s, 5 packets, "
        r"not all could be sent: network is unreachable\."
    )


def test_a_file_is_sent_as_it_sounds(listener: Listener, tmp_path: Path) -> None:
    path = tmp_path / "hello.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(struct.pack("<240h", *[988] * 240))

    assert listener.media.play(PlayFile(str(path)), {"USER 1": SOURCE}, listener.send) == (
        "Sending audio to USER 1: 0.0 s."
    )
    payloads = []
    while True:
        data, _ = listener.sent.get(timeout=DEADLINE)
        if not is_rtcp(data):
            payloads.append(parse_packet(data).payload)
        elif any(isinstance(part, Leaves) for part in parse_compound(data)):
            break
    assert b"".join(payloads) == b"\xce" * 240 + b"\xff" * 80


def test_a_call_says_so() -> None:
    listener = Listener()
    assert (
        listener.media.play(Call(2.0), {"USER 1": SOURCE}, listener.send)
        == "Calling USER 1: 2.0 s."
    )
    listener.media.close()

    assert listener.last_report()
    assert listener.lines.empty()


def test_what_cannot_be_played_is_refused_with_the_reason(
    listener: Listener, tmp_path: Path
) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    for path, why in (
        ("none.wav", "cannot be read: no such file or directory"),
        (".", "is no regular file"),
        ("a\0b", "cannot be read: embedded null byte"),
        ("text.wav", "cannot be played: it is no WAV file: it does not begin with RIFF and WAVE"),
    ):
        with pytest.raises(SoundError, match=re.escape(why)):
            listener.media.play(PlayFile(f"{tmp_path}/{path}"), {"USER 1": SOURCE}, listener.send)
    assert listener.sent.empty()


def test_what_is_sent_at_once_is_bounded(listener: Listener) -> None:
    for _ in range(MAX_SENDING):
        listener.media.play(PlayTone(60), {"USER 1": SOURCE}, listener.send)

    with pytest.raises(SoundError, match="8 are being sent already"):
        listener.media.play(PlayTone(60), {"USER 1": SOURCE}, listener.send)


def test_the_trace_line_has_all_figures() -> None:
    (first,) = (parse_packet(each) for each in datagrams(1))
    stream = Incoming(first, SOURCE, 0.0)
    stream.put(first, 0.0)

    assert trace(stream, ended=False) == (
        "media from=10.201.0.3:40211 ssrc=1234abcd expected=1 received=1 lost=0 late=0 "
        "concealed=0 jitter-ms=0.00 state=playing"
    )
