import textwrap
from pathlib import Path

import pytest

from peerlab.checks.verdict import Outcome
from peerlab.evidence.journal import Event, Kind
from tests.support.judging import Case, at, known, told

SHOWN = "Enter your username: alice\nIt is 2026-11-27 19:19:43\nhello 10.9.0.3:4711\nbye\n"


def case(path: Path, text: str, more: str = "") -> Case:
    block = textwrap.indent(text, "      ")
    return Case(path, f"- transcript:\n    node: alice\n{more}    equals: |2\n{block}\n")


def shown(text: str) -> list[Event]:
    return [at(1.0, Kind.PRINTED, "alice", line) for line in text.splitlines(keepends=True)]


RIGHT = {
    "the same": SHOWN,
    "without the blanks at the very end": f"{SHOWN.rstrip()}  \n\n",
    "placeholders": "Enter your username: alice\nIt is <time>\nhello <ip>:<port>\nbye\n",
    "a number": SHOWN.replace("4711", "<number>"),
    "anything within a line": "Enter <any>: alice\n<any>:<any>:<any>\n<any>\nb<any>e\n",
    "any lines": "Enter your username: alice\n<lines>\nbye\n",
    "any lines at both ends": "<lines>\nhello <any>\n<lines>\n",
    "no lines where there may be any": SHOWN.replace("hello", "<lines>\nhello"),
    "variables": "Enter your username: {alice}\n<lines>\nhello {bob.ip}:4711\nbye\n",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_what_a_terminal_showed_is_the_text_with_its_placeholders(
    tmp_path: Path, text: str
) -> None:
    assert told(case(tmp_path, text).judge(shown(SHOWN))) == [
        ("passed", "alice's terminal showed the 4 lines that were expected")
    ]


WRONG = {
    "another line": (
        SHOWN.replace("bye", "good bye"),
        "line 4 of alice's terminal is 'bye', expected 'good bye'",
        0.75,
    ),
    "a line too many": (
        SHOWN.replace("bye\n", ""),
        "line 4 of alice's terminal is 'bye', expected nothing more",
        0.75,
    ),
    "a line that is missing": (
        f"{SHOWN}quit\n",
        "alice's terminal showed 4 lines, expected 'quit' as line 5",
        0.8,
    ),
    "a line that is missing in between": (
        SHOWN.replace("hello", "welcome\nhello"),
        "line 3 of alice's terminal is 'hello 10.9.0.3:4711', expected 'welcome'",
        0.8,
    ),
    "no time": (
        SHOWN.replace("19:19:43", "<time>"),
        (
            "line 2 of alice's terminal is 'It is 2026-11-27 19:19:43', "
            "expected 'It is 2026-11-27 <time>'"
        ),
        0.75,
    ),
    "a number that is only a part of it": (
        SHOWN.replace("4711", "<number>1"),
        "line 3 of alice's terminal is 'hello 10.9.0.3:4711', expected 'hello 10.9.0.3:<number>1'",
        0.75,
    ),
    "a placeholder written as it is": (
        SHOWN.replace("bye", "<<any>>"),
        "line 4 of alice's terminal is 'bye', expected '<any>'",
        0.75,
    ),
    "another end": (
        "<lines>\nhello <any>\n",
        "line 4 of alice's terminal is 'bye', expected 'hello <any>'",
        0.5,
    ),
    "a line that is nowhere": (
        "Enter <any>\n<lines>\nno\n<lines>\n",
        "alice's terminal never showed 'no' from line 2 on",
        0.5,
    ),
    "half of what is looked for": (
        "<lines>\nhello <any>\nno\n<lines>\n",
        "line 4 of alice's terminal is 'bye', expected 'no'",
        0.5,
    ),
    "a variable with another value": (
        SHOWN.replace("10.9.0.3", "{carol.ip}"),
        "line 3 of alice's terminal is 'hello 10.9.0.3:4711', expected 'hello 10.9.0.4:4711'",
        0.75,
    ),
}


@pytest.mark.parametrize(("text", "message", "share"), WRONG.values(), ids=WRONG)
def test_the_first_line_that_differs_is_told_and_what_part_is_right(
    tmp_path: Path, text: str, message: str, share: float
) -> None:
    (finding,) = case(tmp_path, text).judge(shown(SHOWN))
    assert (finding.outcome, finding.message) == (Outcome.FAILED, message)
    assert finding.share == pytest.approx(share)
    assert finding.node == "alice"
    assert finding.where is not None


def test_the_proof_has_both_sides_and_what_stands_before(tmp_path: Path) -> None:
    (finding,) = case(tmp_path, SHOWN.replace("hello", "hi")).judge(shown(SHOWN))
    assert finding.proof.splitlines() == [
        "  Enter your username: alice",
        "  It is 2026-11-27 19:19:43",
        "- hi 10.9.0.3:4711",
        "- bye",
        "+ hello 10.9.0.3:4711",
        "+ bye",
    ]


def test_what_was_typed_is_part_of_it_and_secrets_are_masked(tmp_path: Path) -> None:
    events = [
        at(1.0, Kind.PRINTED, "alice", "Password: "),
        at(1.1, Kind.TYPED, "alice", "********", secret=True),
        at(1.2, Kind.PRINTED, "alice", "Go: "),
        at(1.3, Kind.TYPED, "alice", "quit"),
    ]
    assert case(tmp_path, "Password: ********\nGo: quit\n").judge(events)[0].outcome == "passed"
    assert case(tmp_path, "Password: \nGo: quit\n").judge(events)[0].outcome == "failed"


def test_a_value_of_a_variable_is_taken_as_it_is(tmp_path: Path) -> None:
    variables = known(bob={"label": "<any> {x}"})
    text = "to {bob.label}\n"
    assert case(tmp_path, text).judge(shown("to <any> {x}\n"), variables)[0].outcome == "passed"
    assert case(tmp_path, text).judge(shown("to me {x}\n"), variables)[0].outcome == "failed"


def test_a_variable_that_nobody_knows_makes_it_unknown(tmp_path: Path) -> None:
    assert told(case(tmp_path, "{bob.label}\n").judge(shown("USER 1\n"))) == [
        ("unknown", "bob.label is not known: nothing that was printed told it")
    ]


def test_nothing_is_what_an_empty_terminal_shows(tmp_path: Path) -> None:
    assert case(tmp_path, "\n").judge([])[0].outcome == "passed"
    assert told(case(tmp_path, "x\n").judge([])) == [
        ("failed", "alice's terminal showed 0 lines, expected 'x' as line 1")
    ]


NOTICE = "2026-11-27 19:19:43 Received message from USER 2: hi\n"


def notice(text: str) -> Event:
    return at(2.0, Kind.PRINTED, "alice", text, notice=True)


INTERRUPTED = {
    "between lines": [*shown("Number: 3\n"), notice(NOTICE), *shown("Name: ")],
    "at an open prompt": [*shown("Number: 3\nName: \n"), notice(NOTICE), *shown("Name: ")],
    "twice at an open prompt": [
        *shown("Number: 3\nName: \n"),
        notice(NOTICE),
        *shown("Name: \n"),
        notice(NOTICE),
        *shown("Name: "),
    ],
    "behind a prompt": [*shown("Number: 3\n"), notice(f"Name: {NOTICE}"), *shown("Name: ")],
    "not at all": shown("Number: 3\nName: "),
}


@pytest.mark.parametrize("events", INTERRUPTED.values(), ids=INTERRUPTED)
def test_notices_apart_it_is_the_same_whenever_they_come(
    tmp_path: Path, events: list[Event]
) -> None:
    apart = case(tmp_path, "Number: 3\nName: bob\n", more="    notices: apart\n")
    assert apart.judge([*events, at(3.0, Kind.TYPED, "alice", "bob")])[0].outcome == "passed"


def test_notices_count_unless_they_are_left_out(tmp_path: Path) -> None:
    events = [*shown("Number: 3\n"), notice(NOTICE)]
    assert case(tmp_path, "Number: 3\n").judge(events)[0].outcome == "failed"
    with_it = case(tmp_path, "Number: 3\n<time> Received message from USER 2: hi\n")
    assert with_it.judge(events)[0].outcome == "passed"


def test_a_line_that_is_shown_twice_without_a_notice_stays_twice(tmp_path: Path) -> None:
    apart = case(tmp_path, "Name: \n", more="    notices: apart\n")
    assert apart.judge(shown("Name: \nName: \n"))[0].outcome == "failed"


def test_a_line_full_of_what_nearly_fits_takes_no_long_time(tmp_path: Path) -> None:
    text = f"{'<any>ab' * 40}c\n"
    (finding,) = case(tmp_path, text).judge(shown("ab" * 30_000 + "\n"))
    assert finding.outcome == "failed"
