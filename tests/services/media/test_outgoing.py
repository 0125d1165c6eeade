from services.media.outgoing import Told
from services.media.pcmu import decode
from services.media.rtcp import (
    Application,
    Element,
    Leaves,
    Name,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    ntp_time,
    parse_compound,
)
from services.media.rtp import parse_packet
from tests.services.media.streams import SOURCE, SSRC, datagrams, outgoing


def about(ssrc: int, *, lost: int = 3, jitter: int = 44) -> Element:
    return ReceiverReport(9, (ReportBlock(ssrc, 0, lost, 0, jitter, 0, 0),))


def test_packets_count_on_across_the_wrap_and_only_the_first_is_marked() -> None:
    sent = [parse_packet(each) for each in datagrams(3)]

    assert [(each.sequence, each.timestamp) for each in sent] == [
        (65534, 1000),
        (65535, 1160),
        (0, 1320),
    ]
    assert [each.marker for each in sent] == [True, False, False]
    assert {(each.ssrc, each.payload_type) for each in sent} == {(SSRC, 0)}
    assert set(decode(sent[0].payload)) == {988}


def test_timestamps_wrap_too() -> None:
    sent = datagrams(2, outgoing(timestamp=0xFFFFFFFF))

    assert [parse_packet(each).timestamp for each in sent] == [0xFFFFFFFF, 159]


def test_a_report_tells_the_time_of_the_next_packet_and_what_was_sent() -> None:
    stream = outgoing()
    datagrams(2, stream)

    assert parse_compound(stream.report(1_795_365_840.25, last=False)) == [
        SenderReport(SSRC, ntp_time(1_795_365_840.25), 1320, 2, 320),
        Name(SSRC, "10.201.0.3:40211"),
    ]


def test_a_call_asks_for_an_answer_in_every_report_and_the_last_one_says_goodbye() -> None:
    report = parse_compound(outgoing(is_call=True).report(0.0, last=True))

    assert report[2:] == [Application(SSRC, b"CALL"), Leaves((SSRC,))]


def test_what_a_receiver_says_is_kept_and_its_goodbye_makes_it_final() -> None:
    stream = outgoing()
    stream.hear([about(SSRC), Name(9, "them")], SOURCE)
    assert stream.told == {SOURCE: Told(lost=3, jitter=5.5, final=False)}

    stream.hear([about(SSRC, lost=4), Name(9, "them"), Leaves((9,))], SOURCE)
    assert stream.told == {SOURCE: Told(lost=4, jitter=5.5, final=True)}


def test_what_is_said_of_other_streams_or_by_others_who_leave_means_nothing() -> None:
    stream = outgoing()
    stream.hear([about(SSRC + 1), Leaves((9,))], SOURCE)
    assert stream.told == {}

    stream.hear([about(SSRC), Leaves((8,))], SOURCE)
    assert not stream.told[SOURCE].final
