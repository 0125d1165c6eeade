from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from peerlab.checks.verdict import Finding, Judged
from peerlab.errors import LabError
from peerlab.report.junit import as_junit
from tests.support.nasty import NASTY
from tests.support.results import FAILED, PASSED, UNKNOWN, Results, check, hostile


def test_a_run_is_a_suite_and_a_check_is_a_case(results: Results) -> None:
    findings = (
        Finding("steps", PASSED, "one is right"),
        Finding("steps", FAILED, "u1 never showed 'x'", "u1", (3, 9), "Name: \n> ", ("it slept",)),
        Finding("steps", UNKNOWN, "output was cut"),
    )
    run = results.made(
        check(points=3), Judged("steps", "steps:", findings, (9, 5)), name="chat/login"
    )
    assert as_junit([replace(run, submission="alice")]) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="peerlab" tests="2" failures="1" errors="0" skipped="0" time="1.250">\n'
        '  <testsuite name="chat/login" time="1.250" timestamp="2026-03-04T05:06:07" tests="2" '
        'failures="1" errors="0" skipped="0">\n'
        "    <properties>\n"
        '      <property name="backend" value="fake" />\n'
        '      <property name="seed" value="42" />\n'
        '      <property name="evidence" value="runs/login/run-1" />\n'
        '      <property name="points" value="3 of 3" />\n'
        '      <property name="submission" value="alice" />\n'
        "    </properties>\n"
        '    <testcase classname="chat.login" name="exits: {u1: 0}" time="1.250" '
        'file="scenarios/login.yaml" line="7" />\n'
        '    <testcase classname="chat.login" name="steps:" time="0" '
        'file="scenarios/login.yaml" line="3">\n'
        '      <failure message="u1 never showed \'x\' (and 1 more)" type="steps">'
        "failed: u1 never showed 'x'\n"
        "  it slept\n"
        "  | Name: \n"
        "  | &gt; \n"
        "unknown: output was cut</failure>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_what_nobody_can_judge_is_an_error(results: Results) -> None:
    untrusted = results.made(check(FAILED), check(PASSED), trusted=False)
    root = ET.fromstring(as_junit([results.of([UNKNOWN, PASSED]), untrusted]))
    assert (root.get("failures"), root.get("errors")) == ("0", "3")
    assert [case.find("error") is not None for case in root.iter("testcase")] == [
        True,
        False,
        True,
        True,
    ]


def test_a_lab_that_broke_and_what_was_not_played_are_errors(results: Results) -> None:
    broke = results.made(check(UNKNOWN), error=LabError("no address is left", hint="`clean`"))
    early = replace(results.made(check(UNKNOWN)), interrupted=True)
    root = ET.fromstring(as_junit([broke, early], LabError("interrupted")))
    told = [(case.get("name"), case.find("error")) for case in root.iter("testcase")]
    messages = [(name, None if error is None else error.get("message")) for name, error in told]
    assert messages == [
        ("exits: {u1: 0}", "it is so"),
        ("lab", "no address is left"),
        ("exits: {u1: 0} (2)", "it is so"),
        ("lab (2)", "the run was interrupted"),
        ("the whole of it", "interrupted"),
    ]
    assert root.get("errors") == "5"


def test_no_two_cases_have_the_same_name(results: Results) -> None:
    root = ET.fromstring(as_junit([results.of([PASSED, FAILED]), results.of([PASSED])]))
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names) == 3


def test_of_many_findings_the_first_are_told(results: Results) -> None:
    findings = tuple(Finding("log", FAILED, f"finding {n}") for n in range(30))
    (failure,) = ET.fromstring(as_junit([results.made(Judged("log", "", findings))])).iter(
        "failure"
    )
    assert failure.text is not None
    assert failure.text.splitlines()[-2:] == [
        "failed: finding 19",
        "(10 more findings are in the evidence)",
    ]


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_that_is_printed_forges_a_case(results: Results, text: str) -> None:
    run = results.made(hostile(text), hostile(text, UNKNOWN), name=text or "x", submission=text)
    written = as_junit([run], LabError(text or "x", hint=text))
    assert len(written) < 200_000
    root = ET.fromstring(written.encode())
    cases = list(root.iter("testcase"))
    assert [[child.tag for child in case] for case in cases] == [["failure"], ["error"], ["error"]]
    assert {element.tag for element in root.iter()} == {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
    }
    shown = "".join(element.text or "" for element in root.iter())
    assert set(shown).isdisjoint("\x1b\r\x00\x9b\u202e\ud800")


def test_what_was_cut_out_of_a_proof_is_said(results: Results) -> None:
    written = as_junit([results.made(hostile("x" * 1_000_000))])
    assert "[996000 characters cut]" in written
