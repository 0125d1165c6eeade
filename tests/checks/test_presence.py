from pathlib import Path

import pytest

from peerlab.checks.verdict import Finding
from peerlab.evidence.journal import Event, Kind
from tests.support.judging import IPS, Case, at, told

STEPS = """
- alice: login
- wire: {partition: [[bob], [server, alice, carol]], name: cut}
- wire: {heal: cut}
"""
PASSED = [("passed", "1 lists had those on them who were there")]


def judge(
    path: Path, events: list[Event], check: str = "- presence", head: str = ""
) -> list[Finding]:
    return Case(path, check, STEPS, head).judge(sorted(events, key=lambda event: event.at))


def joins(node: str, time: float) -> list[Event]:
    """Starts, is asked for the password, types it, and is in 0.2 s later."""
    return [
        at(time - 0.5, Kind.STARTED, node),
        at(time - 0.4, Kind.PRINTED, node, "Enter your password: "),
        at(time - 0.2, Kind.TYPED, node, "********", secret=True),
        at(time, Kind.PRINTED, node, "Authentication successful!\n"),
        at(time + 0.01, Kind.PRINTED, node, "LIST AVAILABLE CLIENTS: Y/N\n"),
    ]


def sees(node: str, time: float, *others: str, asked: float | None = None) -> list[Event]:
    """Asks for the list, and is shown it 0.1 s later."""
    entries = ", ".join(
        f"'USER {number}': ('{IPS.get(other, other)}', 4000)"
        for number, other in enumerate(others, start=1)
    )
    line = f"Available clients are: {{{entries}}}\n"
    return [
        at(time - 0.1 if asked is None else asked, Kind.TYPED, node, "Y"),
        at(time, Kind.PRINTED, node, line),
    ]


def quits(node: str, time: float) -> list[Event]:
    return [
        at(time - 0.1, Kind.TYPED, node, "quit"),
        at(time, Kind.EXITED, node, status=0, by="itself"),
    ]


def killed(node: str, time: float) -> list[Event]:
    return [
        at(time - 0.1, Kind.SIGNALLED, node, signal="kill"),
        at(time, Kind.EXITED, node, status=137, by="step"),
    ]


ALL = [*joins("alice", 1.0), *joins("bob", 2.0)]

RIGHT = {
    "who has joined is there": [*ALL, *sees("alice", 3.0, "alice", "bob")],
    "who joins at that moment may be": [*ALL, *sees("alice", 1.9, "alice", "bob")],
    "who joins at that moment need not be": [*ALL, *sees("alice", 2.05, "alice")],
    "who has not joined is not": [*ALL, *sees("alice", 1.7, "alice")],
    "who has quit is not": [*ALL, *quits("bob", 3.0), *sees("alice", 4.2, "alice")],
    "who quits at that moment may be": [
        *ALL,
        *quits("bob", 3.0),
        *sees("alice", 2.95, "alice", "bob"),
    ],
    "who quits at that moment need not be": [
        *ALL,
        *quits("bob", 3.0),
        *sees("alice", 2.95, "alice"),
    ],
    "who has just quit may be": [*ALL, *quits("bob", 3.0), *sees("alice", 3.9, "alice", "bob")],
    "who was killed may be for ever": [
        *ALL,
        *killed("bob", 3.0),
        *sees("alice", 50.0, "alice", "bob"),
    ],
    "who was killed need not be": [*ALL, *killed("bob", 3.0), *sees("alice", 3.1, "alice")],
    "who was unplugged need not be": [
        *ALL,
        at(2.5, Kind.UNPLUGGED, "bob"),
        *sees("alice", 3.0, "alice"),
    ],
    "who was paused may be": [
        *ALL,
        at(2.5, Kind.PAUSED, "bob"),
        *sees("alice", 3.0, "alice", "bob"),
    ],
    "who was cut off need not be": [
        *ALL,
        at(2.5, Kind.WIRE, None, "changed", number=2),
        *sees("alice", 3.0, "alice"),
    ],
    "whom a server that ended has forgotten need not be": [
        *ALL,
        at(2.5, Kind.EXITED, "server", status=0, by="step"),
        *sees("alice", 3.0, "alice"),
    ],
    "who was restarted and is in again": [
        *ALL,
        *killed("bob", 3.0),
        *joins("bob", 4.0),
        *sees("alice", 5.0, "alice", "bob", "bob"),
    ],
    "who did not see its own answer may be": [
        *joins("alice", 1.0),
        *joins("bob", 2.0)[:3],
        *killed("bob", 2.1),
        *sees("alice", 3.0, "alice", "bob"),
    ],
    "what others say is no list and lets nobody in": [
        *ALL,
        at(2.2, Kind.PRINTED, "bob", "x Available clients are: {}\n", notice=True),
        *sees("alice", 3.0, "alice", "bob"),
    ],
    "behind a NAT, one unknown address for one": [*ALL, *sees("alice", 3.0, "alice", "192.0.2.1")],
}


@pytest.mark.parametrize("events", RIGHT.values(), ids=RIGHT)
def test_a_list_is_right_that_was_true_at_some_moment_while_it_was_made(
    tmp_path: Path, events: list[Event]
) -> None:
    assert told(judge(tmp_path, events)) == PASSED


WITHIN = "- presence: {within: 2s}"
WRONG = {
    "who has joined is missing": (
        [*ALL, *sees("alice", 3.0, "alice")],
        "- presence",
        "at 3.000 s alice was shown a list without bob, who had joined at 2.000 s",
    ),
    "the one who asks is missing": (
        [*ALL, *sees("alice", 3.0, "bob")],
        "- presence",
        "at 3.000 s alice was shown a list without alice, who had joined at 1.000 s",
    ),
    "who has not typed the password yet is there": (
        [*ALL, *sees("alice", 1.7, "alice", "bob")],
        "- presence",
        "at 1.700 s alice was shown a list with bob, who had not joined",
    ),
    "who was refused is there": (
        [
            *joins("alice", 1.0),
            *joins("bob", 2.0)[:3],
            at(2.0, Kind.PRINTED, "bob", "Incorrect username or password.\n"),
            *sees("alice", 3.0, "alice", "bob"),
        ],
        "- presence",
        "at 3.000 s alice was shown a list with bob, who had not joined",
    ),
    "who has quit is there": (
        [*ALL, *quits("bob", 3.0), *sees("alice", 4.2, "alice", "bob")],
        "- presence",
        "at 4.200 s alice was shown a list with bob, who had ended at 3.000 s",
    ),
    "who has quit is there after less": (
        [*ALL, *quits("bob", 3.0), *sees("alice", 3.3, "alice", "bob")],
        "- presence: {settle: 100ms}",
        "at 3.300 s alice was shown a list with bob, who had ended at 3.000 s",
    ),
    "who was killed is still there": (
        [*ALL, *killed("bob", 3.0), *sees("alice", 5.2, "alice", "bob")],
        WITHIN,
        "at 5.200 s alice was shown a list with bob, who was killed at 3.000 s",
    ),
    "who is paused is still there": (
        [*ALL, at(3.0, Kind.PAUSED, "bob"), *sees("alice", 5.2, "alice", "bob")],
        WITHIN,
        "at 5.200 s alice was shown a list with bob, who was paused at 3.000 s",
    ),
    "who was unplugged is still there": (
        [
            *ALL,
            at(3.0, Kind.UNPLUGGED, "bob"),
            *sees("alice", 5.2, "alice", "bob"),
            at(6.0, Kind.PLUGGED, "bob"),
        ],
        WITHIN,
        "at 5.200 s alice was shown a list with bob, who was unplugged at 3.000 s",
    ),
    "who was cut off is still there": (
        [
            *ALL,
            at(3.0, Kind.WIRE, None, "changed", number=2),
            *sees("alice", 5.2, "alice", "bob"),
            at(6.0, Kind.WIRE, None, "changed", number=3),
        ],
        WITHIN,
        "at 5.200 s alice was shown a list with bob, who was cut off at 3.000 s",
    ),
    "one is there twice": (
        [*ALL, *sees("alice", 3.0, "alice", "bob", "bob")],
        "- presence",
        "at 3.000 s alice was shown a list with bob 2 times",
    ),
    "the server is there": (
        [*joins("alice", 1.0), *sees("alice", 3.0, "alice", "server")],
        "- presence",
        "at 3.000 s alice was shown a list with server, which never joins",
    ),
    "two things at once": (
        [*ALL, *sees("alice", 3.0, "bob", "carol")],
        "- presence",
        (
            "at 3.000 s alice was shown a list without alice, who had joined at 1.000 s, "
            "with carol, who had not joined"
        ),
    ),
    "behind a NAT, fewer unknown addresses than there must be": (
        [*ALL, *joins("carol", 2.5), *sees("alice", 4.0, "alice", "192.0.2.1")],
        "- presence",
        (
            "at 4.000 s alice was shown a list with 1 addresses of no node, and without bob, "
            "who had joined at 2.000 s, without carol, who had joined at 2.500 s"
        ),
    ),
}


@pytest.mark.parametrize(("events", "check", "message"), WRONG.values(), ids=WRONG)
def test_a_list_is_wrong_that_was_true_at_no_moment(
    tmp_path: Path, events: list[Event], check: str, message: str
) -> None:
    (finding,) = judge(tmp_path, events, check)
    assert told([finding]) == [("failed", message)]
    assert finding.node == "alice"
    assert finding.proof.startswith("Available clients are: ")
    assert finding.share == 0


def test_one_who_is_back_in_time_may_be_listed(tmp_path: Path) -> None:
    events = [
        *ALL,
        at(3.0, Kind.PAUSED, "bob"),
        at(4.0, Kind.RESUMED, "bob"),
        *sees("alice", 9.0, "alice", "bob"),
    ]
    assert told(judge(tmp_path, events, WITHIN)) == PASSED


def test_one_who_was_killed_while_paused_and_started_again_is_to_be_listed(tmp_path: Path) -> None:
    again = [*ALL, at(2.5, Kind.PAUSED, "bob"), *killed("bob", 3.0), *joins("bob", 4.0)]
    there = judge(tmp_path / "there", [*again, *sees("alice", 7.0, "alice", "bob")], WITHIN)
    assert told(there) == PASSED
    missing = judge(tmp_path / "missing", [*again, *sees("alice", 7.0, "alice")], WITHIN)
    message = "at 7.000 s alice was shown a list without bob, who had joined at 4.000 s"
    assert told(missing) == [("failed", message)]


def test_the_share_is_that_of_the_right_lists(tmp_path: Path) -> None:
    events = [
        *ALL,
        *sees("alice", 3.0, "alice", "bob"),
        *sees("alice", 4.0, "alice"),
        *sees("bob", 5.0, "alice", "bob"),
        *sees("bob", 6.0, "alice", "bob"),
    ]
    (finding,) = judge(tmp_path, events)
    assert finding.share == 0.75


def test_an_address_that_stands_for_nobody_makes_it_unknown(tmp_path: Path) -> None:
    events = [*ALL, *sees("alice", 3.0, "alice", "bob", "192.0.2.1")]
    assert told(judge(tmp_path, events)) == [
        (
            "unknown",
            "at 3.000 s alice was shown a list with 192.0.2.1, which is the address of no node",
        )
    ]


def test_of_many_wrong_lists_ten_are_told_and_the_others_counted(tmp_path: Path) -> None:
    events = [*ALL, *(event for time in range(3, 15) for event in sees("alice", time, "alice"))]
    found = judge(tmp_path, events)
    assert len(found) == 11
    assert told(found[-1:]) == [("failed", "2 more lists are wrong or cannot be judged")]


def test_where_no_list_was_shown_nothing_can_be_said(tmp_path: Path) -> None:
    assert told(judge(tmp_path, ALL)) == [
        ("unknown", "no node was ever shown a list, so there is nothing to compare")
    ]


def test_where_no_program_file_tells_of_lists_nothing_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text("image: test/plain\n")
    head = "programs: {client: plain.yaml}"
    case = Case(tmp_path, "- presence", "- alice: {expect: x}", head)
    assert told(case.judge([])) == [
        (
            "unknown",
            "no node's program file says how its program tells who is there ('presence')",
        )
    ]
