import re
from dataclasses import replace
from pathlib import Path

import pytest

from peerlab.checks.verdict import Finding, Judged
from peerlab.errors import LabError
from peerlab.report.github import as_github
from tests.support.nasty import NASTY
from tests.support.results import FAILED, PASSED, UNKNOWN, Results, check, hostile

COMMAND = re.compile(r"::(error|warning) ([^:]*)::([^\r\n]*)")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """As the runner of GitHub reads a line; fails where it is no command."""
    found = COMMAND.fullmatch(line)
    assert found is not None, line[:200]
    name, properties, message = found.groups()
    pairs = dict(pair.split("=", 1) for pair in properties.split(","))
    return name, {key: unescaped(value) for key, value in pairs.items()}, unescaped(message)


def unescaped(text: str) -> str:
    for code, char in {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}.items():
        text = text.replace(code, char)
    return text


def test_findings_are_told_at_their_lines_failed_ones_first(results: Results) -> None:
    failed = Finding("log", FAILED, "100% wrong: a, b", "u1", (3, 9), "one\ntwo", ("it slept",))
    run = results.made(check(PASSED), check(UNKNOWN), Judged("log", "log: x", (failed,)))
    assert as_github([run]) == (
        "::error file=scenarios/login.yaml,line=3,col=9,title=login%3A log%3A x"
        "::100%25 wrong: a, b%0A  it slept%0A  | one%0A  | two\n"
        "::warning file=scenarios/login.yaml,line=7,col=5,title=login%3A exits%3A {u1%3A 0}"
        "::it is so\n"
    )


def test_whose_program_was_played_is_told(results: Results) -> None:
    told = as_github([results.made(check(FAILED), submission="alice")])
    assert ",title=login (alice)%3A exits%3A {u1%3A 0}::" in told


def test_a_run_that_passed_is_not_told(results: Results) -> None:
    assert as_github([results.of([PASSED])]) == ""


def test_what_keeps_runs_from_being_played_is_an_error(results: Results) -> None:
    told = as_github([results.of([FAILED])], LabError("no engine", hint="`peerlab doctor`"))
    first = read(told.splitlines()[0])
    assert first == ("error", {"title": "peerlab"}, "no engine\n   hint: `peerlab doctor`")


def test_what_cannot_be_trusted_is_a_warning(results: Results) -> None:
    (line,) = as_github([results.made(check(FAILED), trusted=False)]).splitlines()
    assert line.startswith("::warning ")
    assert "not judged: the network was not what the scenario asks for; it is so" in line


def test_github_shows_ten_so_the_tenth_tells_of_the_others(results: Results) -> None:
    lines = as_github([results.of([FAILED] * 12 + [UNKNOWN] * 10)]).splitlines()
    told = [read(line) for line in lines]
    assert [name for name, _, _ in told] == ["error"] * 10 + ["warning"] * 10
    assert told[9][2] == "it is so\n(and 2 more that GitHub does not show)"
    assert told[-1][2] == "it is so"


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_that_is_printed_is_a_command_of_its_own(results: Results, text: str) -> None:
    run = results.made(hostile(text), hostile(text, UNKNOWN), name=text)
    run = replace(run, scenario=replace(run.scenario, path=Path("scenarios", "a:,%b.yaml")))
    lines = as_github([run], LabError(text)).splitlines()
    assert [read(line)[0] for line in lines] == ["error", "error", "warning"]
    places = [read(line)[1] for line in lines]
    assert [place.get("file") for place in places] == [None] + ["scenarios/a:,%b.yaml"] * 2
    assert [place.get("line") for place in places] == [None, "7", "7"]
