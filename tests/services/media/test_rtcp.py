import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.rtcp import (
    Application,
    Element,
    Leaves,
    Name,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    format_compound,
    ntp_time,
    parse_compound,
)
from services.media.rtp import PacketError

WORDS = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.lists(
    st.builds(
        ReportBlock,
        WORDS,
        st.integers(0, 255),
        st.integers(-(1 << 23), (1 << 23) - 1),
        WORDS,
        WORDS,
        WORDS,
        WORDS,
    ),
    max_size=3,
).map(tuple)
REPORTS = st.one_of(
    st.builds(SenderReport, WORDS, st.integers(0, (1 << 64) - 1), WORDS, WORDS, WORDS, BLOCKS),
    st.builds(ReceiverReport, WORDS, BLOCKS),
)
OTHERS = st.one_of(
    st.builds(Name, WORDS, st.text(max_size=40)),
    st.builds(Leaves, st.lists(WORDS, max_size=5).map(tuple)),
    st.builds(
        Application,
        WORDS,
        st.binary(min_size=4, max_size=4),
        st.integers(0, 3).map(lambda words: bytes(4 * words)),
    ),
)
RR = bytes.fromhex("80c90001 00000007")


@given(REPORTS, st.lists(OTHERS, max_size=5))
def test_a_report_that_is_written_is_read_as_it_was(first: Element, others: list[Element]) -> None:
    assert parse_compound(format_compound([first, *others])) == [first, *others]


@given(
    st.one_of(st.binary(max_size=120), st.binary(max_size=120).map(lambda tail: RR + tail)),
    st.integers(0, 200),
    st.integers(0, 255),
)
def test_any_bytes_are_a_report_or_refused(data: bytes, at: int, octet: int) -> None:
    whole = format_compound([ReceiverReport(7), Name(7, "a"), Leaves((7,))])
    damaged = bytearray(whole)
    damaged[at % len(whole)] = octet
    for each in (data, bytes(damaged)):
        try:
            assert parse_compound(each)
        except PacketError:
            continue


def test_a_name_ends_with_zeros_up_to_the_next_word() -> None:
    # Of a name whose item fills its word a whole word of zeros follows.
    for cname in ("", "a", "ab", "abc", "abcd", "abcdefghij"):
        data = format_compound([ReceiverReport(1), Name(2, cname), Leaves((3,))])
        assert len(data) % 4 == 0
        assert parse_compound(data)[1:] == [Name(2, cname), Leaves((3,))]


def test_several_names_other_items_unknown_parts_and_padding_are_read_over() -> None:
    names = bytes.fromhex(
        "82ca0006"
        "00000007 0201 41 0101 42 00 00"  # a NAME, the CNAME B
        "00000008 0103 434445 000000"
    )
    unknown = bytes.fromhex("81ce0002 00000001 00000002")
    padded = bytes.fromhex("a1cb0002 00000007 00000004")

    assert len(names) == 28
    assert parse_compound(RR + names + unknown + padded) == [
        ReceiverReport(7),
        Name(7, "B"),
        Name(8, "CDE"),
        Leaves((7,)),
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "a report is empty"),
        (RR[:3], "a report ends within a header"),
        (RR[:6], "a part of a report has another version, or is cut off"),
        (b"\x40" + RR[1:], "a part of a report has another version, or is cut off"),
        (RR + b"\x80", "a report ends within a header"),
        (bytes.fromhex("81cb0001 00000007"), "a report begins with SR or RR"),
        (bytes.fromhex("81c90001 00000007"), "a part of a report is too short"),
        (RR + bytes.fromhex("82cb0001 00000007"), "a part of a report is too short"),
        (RR + bytes.fromhex("81ca0002 00000007 01ff4142"), "names do not end"),
        (
            bytes.fromhex("a0c90001 00000004") + RR,
            "padding is not at the end, or longer than what it pads",
        ),
        (
            bytes.fromhex("a0c90001 00000009"),
            "padding is not at the end, or longer than what it pads",
        ),
        (RR * 151, "a report has at most 1200 bytes, not 1208"),
    ],
)
def test_what_is_no_report_is_refused_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(PacketError) as refused:
        parse_compound(data)

    assert str(refused.value) == why


def test_ntp_time_counts_from_1900_in_fractions_of_two_to_the_32() -> None:
    # RFC 5905 figure 4: the Unix epoch.
    assert ntp_time(0) >> 32 == 2_208_988_800
    assert ntp_time(1.5) - ntp_time(0) == 3 << 31
    # The era ends in 2036.
    assert ntp_time(2_085_978_496) == 0
