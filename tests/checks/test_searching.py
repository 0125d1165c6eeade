import re
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.checks.searching import REACH, find_all, find_first
from peerlab.evidence.journal import Kind
from peerlab.scenario.values import MAX_LINE
from tests.support.judging import Case, at, told

BETWEEN = re.compile("x[^y]*y")


@given(st.text("ab \n", max_size=60), st.sampled_from(["a", "a+", "^b*a$", r"\s+b", "^", r"\Z"]))
def test_in_what_is_short_all_is_found(text: str, pattern: str) -> None:
    compiled = re.compile(pattern, re.MULTILINE)
    spans = [match.span() for match in find_all(compiled, text) if match[0]]
    assert spans == [match.span() for match in compiled.finditer(text) if match[0]]


@pytest.mark.parametrize("before", [0, 1, REACH - 1, REACH, REACH + 1, MAX_LINE - 1, 10 * MAX_LINE])
def test_what_is_not_too_long_is_found_wherever_it_stands(before: int) -> None:
    text = "." * before + "x" + "-" * (REACH - 2) + "y" + "." * MAX_LINE
    (match,) = find_all(BETWEEN, text)
    assert match.span() == (before, before + REACH)


def test_no_more_than_so_much_is_looked_at_at_a_time() -> None:
    text = "x" + "-" * (MAX_LINE - 1) + "y"
    assert find_first(BETWEEN, text) is None
    assert find_first(BETWEEN, text[1:].replace("-", "x", 1)) is not None


def test_a_match_of_all_there_is_comes_in_pieces() -> None:
    pieces = list(find_all(re.compile(".+"), "-" * (1 << 20)))
    assert [len(piece[0]) for piece in pieces] == [MAX_LINE] * ((1 << 20) // MAX_LINE)


def test_many_matches_are_found_one_by_one() -> None:
    found = find_all(re.compile("a"), "a" * (1 << 20))
    assert [match.start() for match in islice(found, 3)] == [0, 1, 2]
    assert sum(1 for _ in found) == (1 << 20) - 3


@pytest.mark.parametrize(("check", "outcome"), [("contains", "passed"), ("lacks", "failed")])
@pytest.mark.parametrize("filling", ["\n", "-"])
def test_a_check_of_a_log_finds_what_stands_behind_a_megabyte(
    tmp_path: Path, check: str, outcome: str, filling: str
) -> None:
    case = Case(tmp_path, f"- log: {{node: alice, {check}: '/e[n]d/'}}")
    printed = at(1.0, Kind.PRINTED, "alice", filling * (1 << 20) + "end", stream="stdout")
    ((found, _),) = told(case.judge([printed]))
    assert found == outcome
