from pathlib import Path

import pytest

from peerlab.scenario.source import Diagnostic, ScenarioError, Source, Span

PATH = Path("a.yaml")


def rendered(line: str, start: int, end: int) -> list[str]:
    span = Span(PATH, 7, start, 7, end)
    return str(Diagnostic("bad-text", "it is wrong", span, line=line)).split("\n")


def test_a_diagnostic_says_where_what_and_what_helps() -> None:
    span = Span(PATH, 14, 12, 14, 17)
    line = '    - u1: {expct: "Password: "}'
    shown = str(Diagnostic("unknown-step", "unknown step 'expct'", span, "try 'expect'", line))
    assert shown == (
        "a.yaml:14:12: error: unknown step 'expct' [unknown-step]\n"
        '   14 |     - u1: {expct: "Password: "}\n'
        "      |            ^^^^^\n"
        "   hint: try 'expect'"
    )


@pytest.mark.parametrize(
    ("line", "shown", "carets"),
    [
        ("ab?c", "ab?c", "  ^"),
        ("\t?c", "    ?c", "    ^"),
        ("👋?c", "👋?c", "  ^"),
        ("世界?c", "世界?c", "    ^"),
        ("e\u0301?c", "e\u0301?c", " ^"),
        ("\x1b[1m?c", "\\x1b[1m?c", "       ^"),
        ("\u202e?c", "\\u202e?c", "      ^"),
    ],
)
def test_the_caret_stands_under_the_problem(line: str, shown: str, carets: str) -> None:
    start = line.index("?") + 1
    _, excerpt, marks = rendered(line, start, start + 1)
    assert excerpt == f"    7 | {shown}"
    assert marks == f"      | {carets}"


def test_a_long_line_is_cut_on_both_sides_of_the_problem() -> None:
    _, excerpt, marks = rendered("x" * 500 + "PROBLEM" + "y" * 500, 501, 508)
    assert excerpt.startswith("    7 | ...xxx")
    assert excerpt.endswith("yyy...")
    assert excerpt[marks.index("^") : marks.rindex("^") + 1] == "PROBLEM"
    assert len(excerpt) <= 8 + 96


def test_a_problem_longer_than_a_line_can_show_is_cut() -> None:
    _, excerpt, marks = rendered("x" * 500, 1, 501)
    assert len(excerpt) <= 8 + 96
    assert excerpt.endswith("...")
    assert marks.count("^") == 24


def test_a_problem_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    span = Span(PATH, 1, 3, 4, 1)
    shown = str(Diagnostic("bad-text", "it is wrong", span, line="a: bc  "))
    assert shown.endswith("    1 | a: bc\n      |   ^^^")


def test_a_problem_after_the_end_of_a_line_is_marked_there() -> None:
    _, _, marks = rendered("abc", 10, 11)
    assert marks == "      |    ^"


def test_without_a_line_nothing_is_shown_of_it() -> None:
    assert rendered("", 1, 1) == ["a.yaml:7:1: error: it is wrong [bad-text]"]


def test_one_problem_more_than_are_shown_is_told_as_one() -> None:
    span = Span(PATH, 1, 1, 1, 1)
    error = ScenarioError([Diagnostic("bad-text", str(number), span) for number in range(21)])
    assert str(error).endswith("19 [bad-text]\nand 1 more problem")


def test_lines_are_counted_as_yaml_counts_them() -> None:
    source = Source.of(PATH, "a\nb\r\nc\rd\x85e\u2028f")
    assert source.lines == ("a", "b", "c", "d", "e", "f")
    assert source.line(0) == ""
    assert source.line(7) == ""


def test_a_part_of_a_span_is_found_where_it_is_written() -> None:
    source = Source.of(PATH, "type: 'to {u2}'\nx")
    span = Span(PATH, 1, 7, 1, 16)
    assert source.within(span, "{u2}") == Span(PATH, 1, 11, 1, 15)
    assert source.within(span, "{u3}") == span
    over_lines = Span(PATH, 1, 7, 2, 1)
    assert source.within(over_lines, "{u2}") == over_lines
