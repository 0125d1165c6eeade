import pytest

from services.media.incoming import GRACE, SILENCE, Figures, Incoming
from services.media.rtcp import (
    Application,
    Leaves,
    Name,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    ntp_time,
)
from services.media.rtp import Packet, PacketError
from tests.services.media.streams import SOURCE, SSRC, packets


def received(places: list[int], step: float = 0.02) -> Incoming:
    """A stream of which the packets at these places came in time."""
    sent = packets(max(places) + 1)
    stream = Incoming(sent[places[0]], SOURCE, places[0] * step)
    for place in places:
        stream.put(sent[place], place * step)
    return stream


def test_what_came_is_counted_across_the_wrap_of_its_numbers() -> None:
    stream = received([0, 1, 3, 4])
    played = [*stream.take(0.09), *stream.finish()]

    assert stream.figures._replace(jitter=0) == Figures(
        expected=5, received=4, lost=1, late=0, concealed=1, jitter=0
    )
    assert stream.figures.jitter == pytest.approx(0)
    assert len(played) == 5
    assert stream.seconds == pytest.approx(0.1)
    assert set(played[0]) == {988}  # 1000, as mu-law has it


def test_a_report_says_what_came_and_when_the_last_report_did() -> None:
    stream = received([0, 1, 3])
    stream.hear(SenderReport(SSRC, ntp_time(1_795_365_840.5), 1000, 3, 480), 1.0)
    block = ReportBlock(
        SSRC, 64, 1, 65537, 0, ntp_time(1_795_365_840.5) >> 16 & 0xFFFFFFFF, 1 << 15
    )

    assert stream.report(7, "me", 1.5, last=False) == [ReceiverReport(7, (block,)), Name(7, "me")]
    assert stream.report(7, "me", 1.5, last=True)[2:] == [Leaves((7,))]


def test_without_a_report_of_the_sender_there_is_none_to_refer_to() -> None:
    first = received([0]).report(7, "me", 1.0, last=False)[0]

    assert isinstance(first, ReceiverReport)
    assert first.blocks[0][-2:] == (0, 0)


def test_a_stream_is_over_after_silence() -> None:
    stream = received([0, 1])

    assert not stream.is_over(SILENCE)
    assert stream.is_over(SILENCE + 0.03)
    assert not stream.left


def test_a_stream_is_over_a_little_after_its_goodbye() -> None:
    stream = received([0, 2])
    stream.hear(Leaves((SSRC,)), 0.05)
    stream.put(packets(2)[1], 0.06)

    assert stream.left
    assert not stream.is_over(0.05 + GRACE - 0.01)
    assert stream.is_over(0.05 + GRACE)
    assert stream.figures.lost == 0


def test_a_later_goodbye_does_not_put_the_end_off() -> None:
    stream = received([0])
    stream.hear(Leaves((SSRC,)), 0.1)
    stream.hear(Leaves((SSRC,)), 0.5)

    assert stream.is_over(0.1 + GRACE)


def test_what_is_said_of_other_streams_means_nothing() -> None:
    stream = received([0])
    stream.hear(Leaves((1, 2)), 0.1)
    stream.hear(SenderReport(1, ntp_time(0), 0, 0, 0), 0.1)
    stream.hear(Application(1, b"CALL"), 0.1)
    stream.hear(Application(SSRC, b"CAKE"), 0.1)

    assert not stream.left
    assert not stream.is_call
    stream.hear(Application(SSRC, b"CALL"), 0.1)
    assert stream.is_call


FIRST = packets(1)[0]


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (FIRST._replace(payload_type=8), "the payload type is 0, not 8"),
        (FIRST._replace(payload=bytes(159)), "a packet carries 160 samples, not 159"),
        (FIRST._replace(sequence=5000), "the sequence number is out of reach"),
        (FIRST._replace(timestamp=1001), "the timestamp does not fit to the sequence number"),
        (FIRST._replace(sequence=65535), "the timestamp does not fit to the sequence number"),
        (
            FIRST._replace(sequence=(65534 + 300) % 65536, timestamp=1000 + 300 * 160),
            "the packet is too far ahead of its time",
        ),
    ],
)
def test_a_packet_that_does_not_fit_is_refused_and_changes_nothing(
    packet: Packet, why: str
) -> None:
    stream = received([0])
    with pytest.raises(PacketError) as refused:
        stream.put(packet, 0.02)

    assert str(refused.value) == why
    assert stream.figures == Figures(1, 1, 0, 0, 0, 0.0)
    stream.put(packets(2)[1], 0.02)
    assert stream.figures.received == 2


def test_a_stream_does_not_begin_with_what_is_not_of_this_protocol() -> None:
    with pytest.raises(PacketError):
        Incoming(FIRST._replace(payload_type=96), SOURCE, 0.0)
