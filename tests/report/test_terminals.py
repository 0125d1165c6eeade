from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import NodeEvidence
from peerlab.report.terminals import Terminal, read_terminal, share_of_each
from tests.support.journals import exited, printed, started

PLENTY = 64 * 1024


def shown(*events: Event, most: int = PLENTY) -> Terminal:
    return read_terminal(NodeEvidence("u1", events), most)


def text(terminal: Terminal) -> list[str]:
    lines = [*terminal.begin, *terminal.end]
    return ["".join(piece.text for piece in line.pieces) for line in lines]


def test_what_is_typed_stands_where_it_was_typed() -> None:
    terminal = shown(
        Event(1.0, Kind.PRINTED, "u1", "Name: "),
        Event(2.0, Kind.TYPED, "u1", "Mzi"),
        Event(3.0, Kind.PRINTED, "u1", "Hello\n* HEY\n", {"notice": True}),
    )
    assert text(terminal) == ["Name: Mzi", "Hello", "* HEY"]
    assert [line.at for line in terminal.begin] == [1.0, 3.0, 3.0]
    assert [piece.look for piece in terminal.begin[0].pieces] == ["printed", "typed"]
    assert terminal.begin[1].pieces[0].look == "notice"


def test_what_befalls_a_program_has_a_line_of_its_own() -> None:
    terminal = shown(
        printed("u1", "> "),
        Event(2.0, Kind.PAUSED, "u1"),
        exited("u1", 3),
        started("u1", again=True),
        Event(3.0, Kind.TRUNCATED, "u1", "only the first 9 bytes are kept"),
    )
    assert text(terminal) == [
        "> ",
        "paused",
        "ended with status 3",
        "started again",
        "only the first 9 bytes are kept",
    ]
    assert terminal.truncated


def test_of_much_output_the_begin_and_the_end_are_shown_and_the_rest_is_counted() -> None:
    lines = [f"line {number:05}\n" for number in range(20_000)]
    terminal = shown(*(printed("u1", line) for line in lines), most=8192)
    assert text(terminal)[0] == "line 00000"
    assert text(terminal)[-1] == "line 19999"
    kept = sum(len(line) + 1 for line in text(terminal))
    assert terminal.left_out == len("".join(lines)) - kept
    assert [line.at for line in terminal.begin] == [1.0] * len(terminal.begin)
    assert kept < 8192


def test_one_endless_line_is_bounded() -> None:
    terminal = shown(printed("u1", "x" * 1_000_000), most=8192)
    kept = sum(map(len, text(terminal)))
    assert 4096 < kept <= 8192
    assert terminal.left_out == 1_000_000 - kept


def test_a_million_empty_lines_are_bounded() -> None:
    terminal = shown(printed("u1", "\n" * 1_000_000))
    assert len(text(terminal)) < 2000
    assert terminal.left_out == 1_000_000 - len(text(terminal))


def test_many_terminals_share_the_room() -> None:
    assert share_of_each(1) == 64 * 1024
    assert share_of_each(100) == 2 * 1024 * 1024 // 100
    assert share_of_each(10_000) == 4 * 1024


def test_nothing_is_left_out_that_there_is_room_for() -> None:
    lines = [f"line {number}\n" for number in range(40)]
    assert text(shown(*(printed("u1", line) for line in lines), most=4096)) == [
        line.rstrip() for line in lines
    ]
    assert text(shown(printed("u1", "".join(lines)), most=4096))[-1] == "line 39"
    assert shown(printed("u1", "".join(lines)), most=4096).left_out == 0
