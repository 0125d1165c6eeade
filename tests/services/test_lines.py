import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.lines import MAX_LINE, LineReader
from services.values import ErrorName, ProtocolError


def read(*pieces: bytes, limit: int = MAX_LINE) -> list[str]:
    """What a reader makes of the pieces: lines, and the names of errors in angle brackets."""
    reader = LineReader(limit)
    found = [line for piece in pieces for line in reader.feed(piece)]
    return [f"<{line.name}>" if isinstance(line, ProtocolError) else line for line in found]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"LIST\n"], ["LIST"]),
        ([b"LI", b"S", b"T", b"\n"], ["LIST"]),
        ([b"LIST\nQUIT\nLI"], ["LIST", "QUIT"]),
        ([b"LIST\r\n"], ["LIST"]),
        ([b"LIST"], []),
        ([b""], []),
        ([b"\n\n"], ["", ""]),
        ([b"caf\xc3", b"\xa9\n"], ["café"]),
        ([b"\xff\xfe\nLIST\n"], ["<not-utf8>", "LIST"]),
        ([b"\xed\xa0\x80\n"], ["<not-utf8>"]),
    ],
)
def test_lines_come_out_however_the_stream_was_cut(pieces: list[bytes], lines: list[str]) -> None:
    assert read(*pieces) == lines


def test_a_line_of_exactly_the_limit_is_read_and_one_byte_more_is_refused() -> None:
    assert read(b"x" * (MAX_LINE - 1) + b"\n") == ["x" * (MAX_LINE - 1)]
    assert read(b"x" * MAX_LINE + b"\nLIST\n") == [f"<{ErrorName.LINE_TOO_LONG}>", "LIST"]


def test_an_endless_line_is_reported_once_and_not_kept() -> None:
    reader = LineReader()
    reports = [error for _ in range(1000) for error in reader.feed(b"x" * 65536)]

    assert len(reports) == 1
    assert reader.feed(b"\nLIST\n") == ["LIST"]


def test_the_rest_without_a_newline_counts_as_a_line_only_at_the_end() -> None:
    reader = LineReader()

    assert reader.feed(b"quit") == []
    assert reader.finish() == ["quit"]
    assert reader.finish() == []


@given(st.binary(max_size=200), st.data())
def test_every_way_of_cutting_a_stream_gives_the_same_lines(
    stream: bytes, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [
        stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
    ]

    assert read(*pieces, limit=16) == read(stream, limit=16)
