from pathlib import Path

import pytest

from peerlab.checks import delivery
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Event, Kind
from peerlab.scenario.model import CheckSpec
from peerlab.scenario.source import Span
from tests.support.journals import deployed, event, evidence

SPAN = Span(Path("scenario.yaml"), 9, 5, 9, 13)
ADDRESSES = {"u1": "10.0.0.2", "u2": "10.0.0.3", "u3": "10.0.0.4", "u4": "10.0.0.5"}
NAT = "192.0.2.1"
"""An address of no node."""
LAB = [deployed(name, ip) for name, ip in ADDRESSES.items()]


def spec(**expected: int) -> CheckSpec:
    arguments = {"lost": 0, "duplicated": 0, "unexpected": 0, "sent": None} | expected
    return CheckSpec("delivery", arguments, "delivery", SPAN)


def sent(message: str, to: str) -> Event:
    return event(Kind.SENT, "u1", "HEY", id=message, peer=ADDRESSES.get(to, to))


def received(message: str, by: str) -> Event:
    return event(Kind.RECEIVED, by, "HEY", id=message, peer=ADDRESSES["u1"])


CASES = {
    "arrived": ([sent("a", "u2"), received("a", "u2")], (1, 0, 0, 0)),
    "received before it is told as sent": ([received("a", "u2"), sent("a", "u2")], (1, 0, 0, 0)),
    "lost": ([sent("a", "u2")], (1, 1, 0, 0)),
    "same id twice": (
        [sent("a", "u2"), received("a", "u2"), received("a", "u2")],
        (1, 0, 1, 0),
    ),
    "same id three times": (
        [sent("a", "u2"), *[received("a", "u2")] * 3],
        (1, 0, 2, 0),
    ),
    "same text, another id": (
        [sent("a", "u2"), sent("b", "u2"), received("a", "u2"), received("b", "u2")],
        (2, 0, 0, 0),
    ),
    "sent again under its id": (
        [sent("a", "u2"), sent("a", "u2"), received("a", "u2")],
        (1, 0, 0, 0),
    ),
    "never sent": ([sent("a", "u2"), received("a", "u2"), received("b", "u2")], (1, 0, 0, 1)),
    "never sent, twice": (
        [sent("a", "u2"), received("a", "u2"), *[received("b", "u2")] * 2],
        (1, 0, 0, 2),
    ),
    "at another node": ([sent("a", "u2"), received("a", "u3")], (1, 1, 0, 1)),
    "to three": (
        [*(sent("a", to) for to in ("u2", "u3", "u4")), received("a", "u2"), received("a", "u4")],
        (3, 1, 0, 0),
    ),
    "to nobody in the lab": ([sent("a", NAT)], (1, 1, 0, 0)),
    "through a NAT": ([sent("a", NAT), received("a", "u2")], (1, 0, 0, 0)),
    "through a NAT, received before it is told as sent": (
        [received("a", "u2"), sent("a", NAT)],
        (1, 0, 0, 0),
    ),
    "through a NAT, twice": ([sent("a", NAT), *[received("a", "u2")] * 2], (1, 0, 1, 0)),
    "through a NAT, to one too many": (
        [sent("a", NAT), received("a", "u2"), received("a", "u3")],
        (1, 0, 0, 1),
    ),
    "through a NAT, and straight": (
        [sent("a", NAT), sent("a", "u2"), received("a", "u2"), received("a", "u3")],
        (2, 0, 0, 0),
    ),
    "lost on the way to a NAT, not straight": (
        [sent("a", NAT), sent("a", "u2"), received("a", "u2")],
        (2, 1, 0, 0),
    ),
    "lost straight, not on the way to a NAT": (
        [sent("a", NAT), sent("a", "u2"), received("a", "u3")],
        (2, 1, 0, 0),
    ),
    "to two behind one NAT": (
        [*[sent("a", NAT)] * 2, received("a", "u2"), received("a", "u3")],
        (2, 0, 0, 0),
    ),
    "to two behind one NAT, lost for one": (
        [*[sent("a", NAT)] * 2, received("a", "u3")],
        (2, 1, 0, 0),
    ),
    "to two behind one NAT, lost for both": ([sent("a", NAT)] * 2, (2, 2, 0, 0)),
    "received only": ([received("a", "u2")], (0, 0, 0, 1)),
}


@pytest.mark.parametrize(("events", "account"), CASES.values(), ids=CASES)
def test_every_message_is_accounted_for(
    tmp_path: Path, events: list[Event], account: tuple[int, int, int, int]
) -> None:
    found = delivery.account(evidence(tmp_path, [*LAB, *events]))
    assert (
        len(found.sent),
        len(found.lost),
        len(found.duplicated),
        len(found.unexpected),
    ) == account


@pytest.mark.parametrize(("events", "account"), CASES.values(), ids=CASES)
def test_the_check_passes_exactly_where_the_account_is_as_expected(
    tmp_path: Path, events: list[Event], account: tuple[int, int, int, int]
) -> None:
    found = evidence(tmp_path, [*LAB, *events])
    names = ("sent", "lost", "duplicated", "unexpected")
    expected = dict(zip(names, account, strict=True))
    told = ", ".join(f"{count} {name}" for name, count in expected.items())
    assert delivery.check(found, spec(**expected)) == [Finding("delivery", Outcome.PASSED, told)]
    for name, count in expected.items():
        wrong = delivery.check(found, spec(**{**expected, name: count + 1}))
        assert [(finding.outcome, finding.message) for finding in wrong] == [
            (Outcome.FAILED, f"{count} messages {name}, expected {count + 1}")
        ]


def test_a_failure_names_the_messages(tmp_path: Path) -> None:
    events = [sent("a", "u2"), sent("b", "u2"), received("b", "u2"), received("c", "u3")]
    assert delivery.check(evidence(tmp_path, [*LAB, *events]), spec()) == [
        Finding(
            "delivery",
            Outcome.FAILED,
            "1 messages lost, expected 0",
            None,
            (9, 5),
            "message a 'HEY': u1 to u2 at 1.000 s, received 0 times",
        ),
        Finding(
            "delivery",
            Outcome.FAILED,
            "1 messages unexpected, expected 0",
            None,
            (9, 5),
            "message c: received by u3 1 times, but not sent to it",
        ),
    ]


def test_a_failure_names_the_address_where_no_node_has_it(tmp_path: Path) -> None:
    events = [*LAB, event(Kind.DATAGRAM, "nat"), sent("a", NAT)]
    (finding,) = delivery.check(evidence(tmp_path, events), spec())
    assert finding.proof == "message a 'HEY': u1 to 192.0.2.1 at 1.000 s, received 0 times"


def test_where_no_message_was_reported_nothing_can_be_said(tmp_path: Path) -> None:
    assert delivery.check(evidence(tmp_path, LAB), spec(sent=0)) == [
        Finding(
            "delivery",
            Outcome.UNKNOWN,
            "no node reported a message, so nothing can be counted",
            None,
            (9, 5),
        )
    ]
