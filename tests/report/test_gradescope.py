import json
from typing import Any

import pytest

from peerlab.checks.verdict import Visibility
from peerlab.errors import LabError, UsageError
from peerlab.report.gradescope import NOT_JUDGED, as_gradescope
from tests.support.nasty import NASTY
from tests.support.results import FAILED, UNKNOWN, Results, check, hostile


def read(text: str) -> dict[str, Any]:
    """Read it as strictly as JSON is."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    told: dict[str, Any] = json.loads(text, parse_constant=refuse)
    scores = [test.get("score", 0) for test in told["tests"]]
    assert told["score"] == pytest.approx(sum(scores))
    assert all(0 <= test.get("score", 0) <= test.get("max_score", 0) for test in told["tests"])
    return told


def test_checks_are_tests_with_their_points(results: Results) -> None:
    hidden = check(FAILED, points=1.5, title="Ends", visibility=Visibility.HIDDEN)
    told = read(as_gradescope([results.made(check(points=3), hidden, check())]))
    assert told == {
        "score": 3,
        "execution_time": 1.25,
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "score": 3,
                "max_score": 3,
                "status": "passed",
                "name": "login: exits: {u1: 0}",
                "name_format": "text",
                "number": "1.1",
                "output": "passed: it is so",
                "output_format": "text",
                "visibility": "visible",
            },
            {
                "score": 0,
                "max_score": 1.5,
                "status": "failed",
                "name": "login: Ends",
                "name_format": "text",
                "number": "1.2",
                "output": "failed: it is so",
                "output_format": "text",
                "visibility": "hidden",
            },
            {
                "status": "passed",
                "name": "login: exits: {u1: 0}",
                "name_format": "text",
                "number": "1.3",
                "output": "passed: it is so",
                "output_format": "text",
                "visibility": "visible",
            },
        ],
    }


def test_what_could_not_be_judged_counts_nothing_and_calls_for_a_person(results: Results) -> None:
    hidden = check(UNKNOWN, points=2, title="Secret", visibility=Visibility.HIDDEN)
    told = read(as_gradescope([results.made(check(points=3), hidden)]))
    assert told["score"] == 3
    test = told["tests"][1]
    assert (test["score"], test["max_score"], test["status"]) == (0, 2, "failed")
    assert test["output"] == f"{NOT_JUDGED}\nunknown: it is so"
    assert told["output"] == f"login: {NOT_JUDGED}"


def test_a_network_that_was_not_as_asked_for_earns_nothing(results: Results) -> None:
    told = read(as_gradescope([results.made(check(points=3), trusted=False)]))
    assert (told["score"], told["tests"][0]["status"]) == (0, "failed")
    assert NOT_JUDGED in told["output"]
    assert "the network was not what the scenario asks for" in told["tests"][0]["output"]


def test_what_was_not_played_calls_for_a_person() -> None:
    told = read(as_gradescope([], LabError("no engine")))
    assert (told["score"], told["tests"]) == (0, [])
    assert told["output"].startswith("Not everything was played. A person must look at it: no eng")


def test_part_of_the_points_add_up_without_the_noise_of_fractions(results: Results) -> None:
    told = read(as_gradescope([results.made(check(points=0.1), check(points=0.2))]))
    assert told["score"] == 0.3


def test_points_of_several_submissions_are_not_added_up(results: Results) -> None:
    runs = [results.made(check(points=1), submission=name) for name in ("alice", "bob")]
    with pytest.raises(UsageError, match="one submission, got those of 2"):
        as_gradescope(runs)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_that_is_printed_forges_a_score(results: Results, text: str) -> None:
    written = as_gradescope([results.made(hostile(text), name=text)], LabError(text))
    assert len(written) < 200_000
    told = read(written)
    assert (told["score"], len(told["tests"]), written.count("\n")) == (0, 1, 1)
    assert "##[" not in written
    shown = told["tests"][0]["output"] + told["tests"][0]["name"] + told["output"]
    assert set(shown).isdisjoint("\x1b\r\x00\x9b\u202e\ud800")
