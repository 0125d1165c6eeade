import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from peerlab.checks.verdict import Finding, Judged
from peerlab.errors import LabError
from peerlab.report.escape import escape_line
from peerlab.report.markdown import MOST_BYTES, as_markdown
from tests.support.nasty import NASTY
from tests.support.results import FAILED, PASSED, UNKNOWN, Results, check, hostile

OURS = {"text", "softbreak", "code_inline"}
BLOCKS = {"inline", "fence", "heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td"}


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def test_runs_are_a_table_and_what_is_wrong_is_told_below(results: Results) -> None:
    finding = Finding("log", FAILED, "u1 printed `x`", "u1", (3, 9), "```\nx")
    wrong = results.made(check(points=2), Judged("log", "log: x", (finding,)), name="a|b")
    assert as_markdown([results.of([PASSED]), wrong]) == (
        "## peerlab: failed\n"
        "\n"
        "| scenario | outcome | points | seconds |\n"
        "|---|---|---|---:|\n"
        "| ` login ` | passed |  | 1.2 |\n"
        "| ` a\\x7cb ` | failed | 2 of 2 | 1.2 |\n"
        "\n"
        "### failed: ` a|b `\n"
        "\n"
        "failed: ` log: x `\n"
        "\n"
        "````text\n"
        "failed: u1 printed `x`\n"
        "  | ```\n"
        "  | x\n"
        "````\n"
        "\n"
        "evidence: ` runs/login/run-1 `, seed 42\n"
    )


def test_what_was_not_played_leaves_the_whole_unknown(results: Results) -> None:
    told = as_markdown([results.of([PASSED])], LabError("no engine"))
    assert told.startswith(
        "## peerlab: unknown\n\nNot everything was played:\n\n```text\nno engine\n```\n"
    )
    assert as_markdown([]).startswith("## peerlab: unknown\n")


def test_whose_program_was_played_is_told(results: Results) -> None:
    told = as_markdown([results.made(check(FAILED), submission="a|`b`")])
    assert "| `` login (a\\x7c`b`) `` | failed |" in told
    assert "### failed: `` login (a|`b`) ``\n" in told


def test_points_that_nobody_can_tell_are_not_told(results: Results) -> None:
    told = as_markdown([results.made(check(points=2), check(UNKNOWN, points=1))])
    assert "| ` login ` | unknown | ? of 3 | 1.2 |" in told


def test_the_summary_is_not_larger_than_github_takes(results: Results) -> None:
    runs = [results.made(*[hostile("\U000e0fff" * 5000)] * 5) for _ in range(40)]
    told = as_markdown(runs)
    assert len(told.encode()) < MOST_BYTES + 100
    assert told.endswith(" more, see the evidence.\n")


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_that_is_printed_is_anything_but_code(results: Results, text: str) -> None:
    error = LabError(text)
    told = as_markdown([results.made(hostile(text), name=text, error=error)], error)
    tokens = parsed(told)
    assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} == BLOCKS
    inline = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inline} <= OURS
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h2", "h3"]
    assert sum(token.type == "td_open" for token in tokens) == 4
    assert sum(token.type == "fence" for token in tokens) == 3
    written = "".join(child.content for child in inline if child.type == "text")
    assert set(written) <= set("abcdefghijklmnopqrstuvwxyz 0123456789:.,ELNT")


def test_foreign_text_is_shown_as_it_is(results: Results) -> None:
    for text in ("`", "a`", "``a", "a b", " a "):
        tokens = parsed(as_markdown([results.made(check(FAILED, title=text))]))
        codes = [
            child.content
            for token in tokens
            for child in token.children or []
            if child.type == "code_inline"
        ]
        assert escape_line(text) in codes
