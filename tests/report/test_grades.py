import csv
import io

import pytest

from peerlab.errors import LabError, NotJudged
from peerlab.report.grades import as_csv
from tests.support.nasty import NASTY
from tests.support.results import FAILED, PASSED, UNKNOWN, Results, check, hostile


def read(text: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert all(None not in row and None not in row.values() for row in rows)
    return rows


def test_a_row_is_a_submission(results: Results) -> None:
    runs = [
        results.made(check(points=2), name="a", submission="alice"),
        results.made(check(FAILED, points=2), name="a", submission="bob"),
        results.made(check(points=1.5), name="b", submission="alice"),
        results.made(check(points=1.5), name="b", submission="bob"),
    ]
    assert as_csv(runs) == (
        "submission,a points,a outcome,b points,b outcome,total,max,outcome,error\r\n"
        "alice,2,passed,1.5,passed,3.5,3.5,passed,\r\n"
        "bob,0,failed,1.5,passed,1.5,3.5,failed,\r\n"
    )


def test_what_nobody_can_say_is_left_empty_and_has_no_total(results: Results) -> None:
    broke = LabError("it broke")
    runs = [
        results.made(check(UNKNOWN, points=2), name="a", submission="alice", error=broke),
        results.made(check(points=1), name="b", submission="alice"),
        results.made(check(points=2), name="a", submission="bob"),
    ]
    alice, bob = read(as_csv(runs))
    assert (alice["a points"], alice["a outcome"], alice["b points"]) == ("", "unknown", "1")
    assert (alice["total"], alice["max"], alice["outcome"]) == ("", "3", "unknown")
    assert alice["error"] == "it broke"
    assert (bob["b points"], bob["b outcome"]) == ("", "")
    assert (bob["total"], bob["max"], bob["outcome"]) == ("", "3", "unknown")


def test_an_error_has_a_row_and_leaves_no_totals(results: Results) -> None:
    run = results.made(check(points=2), submission="alice")
    alice, last = read(as_csv([run], LabError("interrupted")))
    assert (alice["login points"], alice["total"], alice["outcome"]) == ("2", "", "unknown")
    assert (last["submission"], last["outcome"], last["error"]) == ("", "unknown", "interrupted")


def test_who_was_not_judged_has_a_row_and_leaves_the_others_their_totals(
    results: Results,
) -> None:
    runs = [results.made(check(points=2), submission=name) for name in ("alice", "bob")]
    why = NotJudged({"bob": "no second scenario", "carol": "no program"})
    alice, bob, carol = read(as_csv(runs, why))
    assert (alice["total"], alice["outcome"], alice["error"]) == ("2", "passed", "")
    assert (bob["login points"], bob["total"], bob["outcome"]) == ("2", "", "unknown")
    assert bob["error"] == "no second scenario"
    assert (carol["login points"], carol["total"], carol["max"]) == ("", "", "2")
    assert (carol["outcome"], carol["error"]) == ("unknown", "no program")


def test_of_runs_of_the_same_scenario_the_worst_counts(results: Results) -> None:
    outcomes = (PASSED, FAILED, PASSED)
    runs = [results.made(check(outcome, points=2), submission="alice") for outcome in outcomes]
    (row,) = read(as_csv(runs))
    assert (row["login points"], row["login outcome"], row["total"]) == ("0", "failed", "0")


def test_checks_without_points_earn_none(results: Results) -> None:
    (row,) = read(as_csv([results.made(check(), submission="alice")]))
    assert (row["login points"], row["total"], row["max"], row["outcome"]) == (
        "",
        "0",
        "0",
        "passed",
    )


def test_without_a_name_a_row_is_called_as_its_folder(results: Results) -> None:
    runs = [results.made(check(), evidence=f"graded/{name}") for name in ("alice", "bob")]
    assert [row["submission"] for row in read(as_csv(runs))] == ["alice", "bob"]


def test_two_people_whose_folders_are_called_the_same_are_not_taken_for_one(
    results: Results,
) -> None:
    runs = [results.made(check(), evidence=f"{name}/latest") for name in ("alice", "bob")]
    assert [row["submission"] for row in read(as_csv(runs))] == ["alice/latest", "bob/latest"]


def test_a_name_that_is_a_folder_of_somebody_else_is_not_taken_for_it(results: Results) -> None:
    runs = [
        results.made(check(FAILED), submission="alice"),
        results.made(check(), evidence="graded/alice"),
    ]
    assert [row["outcome"] for row in read(as_csv(runs))] == ["failed", "passed"]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", r"'\t=1"),
        ("\rx", r"'\rx"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),  # noqa: RUF001
        ("a;=1", "a;'=1"),
        ("anna-maria=", "anna-maria="),
        ('a "b", c', 'a "b", c'),
    ],
)
def test_no_name_is_a_formula(results: Results, name: str, cell: str) -> None:
    (row,) = read(as_csv([results.made(check(), submission=name)]))
    assert row["submission"] == cell


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_that_is_printed_forges_a_cell(results: Results, text: str) -> None:
    runs = [
        results.made(hostile(text), name=name, submission=text, error=LabError(text))
        for name in (text, "other")
    ]
    written = as_csv(runs, LabError(text))
    assert len(written) < 20_000
    rows = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    assert [len(row) for row in rows] == [9, 9, 9]
    assert rows[1][1:5] == ["0", "failed", "0", "failed"]
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
        assert set(cell).isdisjoint("\x1b\r\n\x00\x9b\u202e\ud800")
