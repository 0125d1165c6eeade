"""Results as JSON are as docs/results.schema.json says, and so is the verdict of a folder."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from peerlab.checks.verdict import Finding, Judged, Outcome, Visibility
from peerlab.errors import LabError
from peerlab.report.results import SCHEMA, as_json
from tests.support.bench import Bench
from tests.support.nasty import NASTY
from tests.support.results import FAILED, PASSED, UNKNOWN, Results, check, hostile

FILE = Path(__file__).parents[2] / "docs" / "results.schema.json"
RESULTS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def validate(told: object, part: str = "") -> None:
    schema = RESULTS if not part else RESULTS | {"$ref": f"#/$defs/{part}"}
    kept = schema if not part else {key: schema[key] for key in ("$schema", "$ref", "$defs")}
    Draft202012Validator(kept, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(told)


def test_results_are_as_their_schema_says(results: Results) -> None:
    Draft202012Validator.check_schema(RESULTS)
    finding = Finding("log", FAILED, "no", None, None, "proof", ("it slept",), 0.5)
    judged = Judged("log", "log: x", (finding,), None, "Title", 2.0, partial=True)
    runs = [
        results.made(check(points=2), submission="alice"),
        results.made(judged, check(UNKNOWN, points=1), error=LabError("it broke")),
        replace(results.made(check(PASSED)), began=None, interrupted=True),
    ]
    told = json.loads(as_json(runs))
    validate(told)
    assert told["outcome"] == "failed"
    assert [run["submission"] for run in told["scenarios"]] == ["alice", None, None]
    assert [run["error"] for run in told["scenarios"]] == [None, "it broke", None]
    assert [run["earned"] for run in told["scenarios"]] == [2, None, None]


def test_the_schema_refuses_what_results_are_not(results: Results) -> None:
    told = json.loads(as_json([results.made(check())]))
    run, judged = told["scenarios"][0], told["scenarios"][0]["checks"][0]
    for wrong in (told, run, judged, judged["findings"][0]):
        for key in list(wrong):
            value = wrong.pop(key)
            assert not Draft202012Validator(RESULTS).is_valid(told), key
            wrong[key] = value
        wrong["odd"] = 1
        assert not Draft202012Validator(RESULTS).is_valid(told)
        del wrong["odd"]
    validate(told)


def test_the_schema_has_the_version_and_the_words_of_the_code() -> None:
    assert RESULTS["properties"]["schema"]["const"] == SCHEMA
    assert RESULTS["$defs"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    check = RESULTS["$defs"]["check"]["properties"]
    assert check["visibility"]["enum"] == [visibility.value for visibility in Visibility]
    assert list(RESULTS["$defs"]["finding"]["properties"]) == [key.name for key in fields(Finding)]


def test_the_verdict_of_a_folder_is_as_the_schema_says(tmp_path: Path) -> None:
    text = "title: T\nnodes: {u1: chat}\nsteps: [{u1: {expect: never, within: 50ms}}]\n"
    run = Bench(tmp_path).play(text)
    verdict = json.loads((run.evidence / "verdict.json").read_text(encoding="utf-8"))
    validate(verdict, "verdict")
    assert verdict["outcome"] == "failed"
    with pytest.raises(Exception, match="odd"):
        validate(verdict | {"odd": 1}, "verdict")


def test_what_was_not_played_leaves_the_whole_unknown(results: Results) -> None:
    told = json.loads(as_json([results.of([PASSED])], LabError("no engine", hint="doctor")))
    validate(told)
    assert (told["outcome"], told["error"]) == ("unknown", "no engine\n   hint: doctor")
    assert json.loads(as_json([])) == {"schema": 1, "outcome": "unknown", "scenarios": []}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_all_that_is_printed_is_there_and_nothing_else(results: Results, text: str) -> None:
    written = as_json([results.made(hostile(text), name=text, submission=text)], LabError(text))
    assert written.count("\n") == 1
    assert "##[" not in written
    assert set(written).isdisjoint("\x1b\x7f\x9b\u202e\u2028")
    told = json.loads(written.encode("utf-8", "backslashreplace"))
    validate(told)
    (run,) = told["scenarios"]
    (found,) = run["checks"][0]["findings"]
    assert (told["error"], run["name"], run["submission"]) == (text, text, text)
    assert (found["message"], found["proof"], found["why"]) == (text, text, [text, text])
