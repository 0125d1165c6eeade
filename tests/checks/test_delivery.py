from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from peerlab.checks import delivery, latency, order
from peerlab.checks.messages import NOTHING, WEAKER, Messages
from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Event, Kind
from peerlab.scenario.model import CheckSpec
from peerlab.scenario.source import Span
from tests.support.journals import evidence, failed
from tests.support.messages import LAB, NAT, datagram, received, sent

SPAN = Span(Path("scenario.yaml"), 9, 5, 9, 13)
WHERE = (9, 5)

# One message each: arrived, lost, duplicated, at another node, sent by nobody.
EVENTS = [
    *(sent(name, "u2", at=1.0) for name in ("a", "b", "c", "d")),
    received("a", "u2", at=1.1),
    datagram("b", "u2", at=1.001, fate="dropped", by=["step 6 (drop: 2)"]),
    *(received("c", "u2", at=at) for at in (1.3, 1.4)),
    received("d", "u2", at=1.5),
    received("d", "u3", at=1.5),
    received("e", "u3", at=1.6),
]
COUNTS = {
    "sent": 4,
    "lost": 1,
    "duplicated": 1,
    "misdelivered": 1,
    "unexpected": 1,
    "altered": 0,
    "reordered": 0,
}


def exchanged(path: Path, events: Sequence[Event], *, complete: bool = True) -> Messages:
    return Messages(evidence(path, events, complete=complete))


def spec(name: str = "delivery", /, **given: object) -> CheckSpec:
    defaults: dict[str, dict[str, object]] = {
        "delivery": {**dict.fromkeys(COUNTS, 0), "sent": None, "reordered": None},
        "order": {"from": None, "to": None},
        "latency": {"at-most": None, "at-least": None, "of": None, "from": None, "to": None},
    }
    return CheckSpec(name, defaults[name] | given, name, SPAN)


def test_delivery_passes_exactly_where_every_count_is_as_expected(tmp_path: Path) -> None:
    found = evidence(tmp_path, [*LAB, *EVENTS])
    (passed,) = delivery.check(Messages(found), spec(**COUNTS))
    assert passed.outcome is Outcome.PASSED
    assert passed.message == (
        "4 sent, 3 delivered, 1 lost, 1 duplicated, 1 misdelivered, 1 unexpected, "
        "0 altered, 0 reordered"
    )
    for name, count in COUNTS.items():
        (wrong,) = delivery.check(Messages(found), spec(**{**COUNTS, name: count + 1}))
        assert wrong.outcome is Outcome.FAILED
        messages = "message" if count == 1 else "messages"
        assert wrong.message == f"{count} {messages} {name}, expected {count + 1}"


LOST = (
    "'HEY' (id b), to u2: typed at 0.998 s; left u1 at 1.001 s; "
    "dropped by step 6 (drop: 2); u2 never showed it"
)


def test_a_lost_message_is_told_across_typing_wire_and_output(tmp_path: Path) -> None:
    typed = Event(0.998, Kind.TYPED, "u1", "HEY")
    found = delivery.check(
        exchanged(tmp_path, [*LAB, typed, *EVENTS]), spec(**{**COUNTS, "lost": 0})
    )
    assert found == [
        Finding(
            "delivery",
            Outcome.FAILED,
            "1 message lost, expected 0",
            None,
            WHERE,
            "u1 to u2: 4 sent, 3 delivered, 1 lost, 1 duplicated",
            (LOST,),
            3 / 4,
        )
    ]


def test_a_message_at_the_wrong_place_is_told_with_where_it_was_for(tmp_path: Path) -> None:
    told = delivery.check(
        exchanged(tmp_path, [*LAB, *EVENTS]), spec(**{**COUNTS, "misdelivered": 0})
    )
    assert told[0].why == ("'HEY' (id d): u3 showed it at 1.500 s, and it was sent to u2 only",)


def test_a_message_for_an_address_of_no_node_is_told_with_it(tmp_path: Path) -> None:
    gone = datagram("a", NAT, fate="nowhere")
    (finding,) = delivery.check(exchanged(tmp_path, [*LAB, sent("a", NAT), gone]), spec())
    (why,) = finding.why
    assert why == (
        "'HEY' (id a), to 192.0.2.1: left u1 at 1.000 s; "
        "sent to an address that nobody has; 192.0.2.1 never showed it"
    )


def test_what_nobody_can_know_is_unknown_unless_too_much_is_lost_anyhow(tmp_path: Path) -> None:
    exited = Event(1.2, Kind.EXITED, "u2", "", {"status": 0, "by": "itself"})
    unclear = [sent("a", "u2"), datagram("a", "u2"), exited]
    for lost in (0, 1):
        (finding,) = delivery.check(exchanged(tmp_path, [*LAB, *unclear]), spec(lost=lost))
        assert finding.outcome is Outcome.UNKNOWN
        assert finding.message == "nobody can know whether a message arrived"
        assert finding.why[0].endswith(
            "whether it came there nobody can know: u2 ended 200 ms after it came there"
        )
    surely = [sent("b", "u2"), datagram("b", "u2", fate="dropped")]
    outcomes = [
        finding.outcome
        for finding in delivery.check(exchanged(tmp_path, [*LAB, *unclear, *surely]), spec())
    ]
    assert outcomes == [Outcome.FAILED, Outcome.UNKNOWN]


def test_less_than_expected_may_be_all_that_came_of_steps_that_broke_off(tmp_path: Path) -> None:
    arrived = [sent("a", "u2"), received("a", "u2")]
    found = evidence(tmp_path, [*LAB, *arrived, failed("u2", "u2 never showed it")])
    (finding,) = delivery.check(Messages(found), spec(sent=4))
    assert finding.message == ("1 message sent, expected 4; the steps did not come to their end")
    assert finding.share == 0.25


def test_the_weaker_form_says_that_it_is_weaker(tmp_path: Path) -> None:
    events = [*LAB, sent(None, "u2"), received(None, "u2")]
    (finding,) = delivery.check(exchanged(tmp_path, events), spec(sent=1))
    assert (finding.outcome, finding.why) == (Outcome.PASSED, (WEAKER,))


@pytest.mark.parametrize(
    ("module", "given"), [(delivery, {}), (order, {}), (latency, {"at-most": 1.0})]
)
def test_where_no_message_was_reported_nothing_can_be_said(
    tmp_path: Path, module: object, given: dict[str, object]
) -> None:
    name = {delivery: "delivery", order: "order", latency: "latency"}[module]  # type: ignore[index]
    check = module.check  # type: ignore[attr-defined]
    assert check(exchanged(tmp_path, LAB), spec(name, **given)) == [
        Finding(name, Outcome.UNKNOWN, NOTHING, None, WHERE)
    ]


IN_TURN = [sent("a", "u2", at=1.0), sent("b", "u2", at=1.1), sent("c", "u3", at=1.2)]


def test_order_finds_what_came_after_something_later(tmp_path: Path) -> None:
    came = [received(name, "u2", at=at) for name, at in (("b", 2.0), ("a", 2.1))]
    found = evidence(tmp_path, [*LAB, *IN_TURN, *came, received("c", "u3", at=2.2)])
    (finding,) = order.check(Messages(found), spec("order"))
    assert finding.outcome is Outcome.FAILED
    assert finding.message == "1 of 3 messages arrived after one that was sent later"
    (why,) = finding.why
    assert why == (
        "'HEY' (id a), to u2: sent at 1.000 s; u2 showed it at 2.100 s; "
        "'HEY' (id b), sent later, was shown before"
    )
    assert finding.share == pytest.approx(2 / 3)
    (passed,) = order.check(Messages(found), spec("order", to=("u3",)))
    assert passed.outcome is Outcome.PASSED
    (nothing,) = order.check(Messages(found), spec("order", **{"from": ("u3",)}))
    assert nothing.outcome is Outcome.UNKNOWN


def test_what_left_its_sender_again_and_again_is_told_as_such(tmp_path: Path) -> None:
    by = ["step 2 (delay: 300ms)"]
    left = [datagram("a", "u2", at=1 + tenth / 10, delay=0.3, by=by) for tenth in range(4)]
    came = [received("a", "u2", at=at) for at in (1.3, 1.4)]
    found = evidence(tmp_path, [*LAB, sent("a", "u2"), *left, *came])
    (finding,) = delivery.check(Messages(found), spec())
    (story,) = finding.why
    assert story == (
        "'HEY' (id a), to u2: left u1 4 times, at 1.000 s, 1.100 s, 1.200 s and 1 more; "
        "delayed by 300 ms by step 2 (delay: 300ms); u2 showed it at 1.300 s, 1.400 s"
    )


@pytest.mark.parametrize(("port", "told"), [("5000", []), ("6000", ["to port 5000", "port 6000"])])
def test_what_went_to_another_port_than_the_one_that_is_known_is_told_as_such(
    tmp_path: Path, port: str, told: list[str]
) -> None:
    end = Event(8.0, Kind.END, detail={"variables": {"u2": {"ip": "10.0.0.3", "port": port}}})
    events = [*LAB, sent("a", "u2"), datagram("a", "u2"), end]
    (finding,) = delivery.check(exchanged(tmp_path, events, complete=False), spec())
    (story,) = finding.why
    assert ("it went to port" in story) is bool(told)
    assert all(part in story for part in told)


def test_latency_tells_where_the_time_went(tmp_path: Path) -> None:
    typed = Event(1.0, Kind.TYPED, "u1", "HEY")
    left = datagram("a", "u2", at=1.2, delay=0.3, by=["step 2 (delay: 300ms)"])
    events = [*LAB, typed, sent("a", "u2", at=1.1), left, received("a", "u2", at=1.9)]
    (finding,) = latency.check(exchanged(tmp_path, events), spec("latency", **{"at-most": 0.5}))
    (story,) = finding.why
    assert story.startswith("took 900 ms (200 ms at u1, 300 ms on the way, 400 ms at u2): 'HEY'")


def test_latency_counts_from_the_typing_to_the_showing(tmp_path: Path) -> None:
    typed = Event(0.9, Kind.TYPED, "u1", "HEY")
    came = [received(name, "u2", at=at) for name, at in (("a", 1.2), ("b", 1.4))]
    found = evidence(tmp_path, [*LAB, typed, *IN_TURN[:2], *came])
    for given, outcome in (
        ({"at-most": 0.51}, Outcome.PASSED),
        ({"at-most": 0.4}, Outcome.FAILED),
        ({"at-most": 0.4, "of": 0.5}, Outcome.PASSED),
        ({"at-least": 0.29}, Outcome.PASSED),
        ({"at-least": 0.4}, Outcome.FAILED),
    ):
        (finding,) = latency.check(Messages(found), spec("latency", **given))
        assert finding.outcome is outcome, given
    (finding,) = latency.check(Messages(found), spec("latency", **{"at-most": 0.4}))
    assert finding.message == (
        "1 of 2 messages took at most 400 ms, expected all; median 500 ms, longest 500 ms"
    )
    assert finding.why == (
        "took 500 ms: 'HEY' (id b), to u2: typed at 0.900 s; u2 showed it at 1.400 s",
    )


def test_an_altered_message_is_told_with_what_was_shown(tmp_path: Path) -> None:
    came = received("a", "u2", at=1.3, text="Donau", peer="10.0.0.4")
    events = [*LAB, sent("a", "u2"), came]
    (finding,) = delivery.check(exchanged(tmp_path, events), spec())
    assert finding.message == "1 message altered, expected 0"
    assert finding.why == (
        "'HEY' (id a), to u2: sent at 1.000 s; u2 showed 'Donau', from u3, at 1.300 s",
    )
    (passed,) = delivery.check(exchanged(tmp_path, events), spec(altered=1))
    assert passed.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("given", "share"),
    [
        ({"lost": 1}, 2 / 3),
        ({"lost": 0}, 1 / 3),
        ({"lost": 1, "sent": 6}, 2 / 6),
        ({"lost": 9, "unexpected": 9}, 0.0),
    ],
)
def test_the_share_of_delivery_is_what_is_as_expected(
    tmp_path: Path, given: dict[str, object], share: float
) -> None:
    sends = [sent(name, "u2") for name in ("a", "b", "c")]
    came = [received("a", "u2"), received("b", "u2"), received("b", "u2")]
    for finding in delivery.check(exchanged(tmp_path, [*LAB, *sends, *came]), spec(**given)):
        assert finding.outcome is Outcome.FAILED
        assert finding.share == pytest.approx(share)


@pytest.mark.parametrize(
    ("module", "name", "given"),
    [(delivery, "delivery", {}), (order, "order", {}), (latency, "latency", {"at-most": 1.0})],
    ids=["delivery", "order", "latency"],
)
def test_where_an_id_stands_for_several_messages_nobody_can_tell_them_apart(
    tmp_path: Path,
    module: Any,  # noqa: ANN401 - one of three modules
    name: str,
    given: dict[str, object],
) -> None:
    again = Event(1.5, Kind.SENT, "u3", "HO", {"id": "a", "peer": "10.0.0.3"})
    events = [*LAB, sent("a", "u2"), again, received("a", "u2")]
    (finding,) = module.check(exchanged(tmp_path, events), spec(name, **given))
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.why == ("the id a was used by u1 for 'HEY', then by u3 for 'HO'",)


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("u2", "delivered by the network"),
        ("nat-b", "delivered to the router nat-b"),
        ("u3", "delivered to u3"),
        (None, "delivered by the network"),
    ],
)
def test_a_story_says_whom_the_network_delivered_to(
    tmp_path: Path, to: str | None, told: str
) -> None:
    left = datagram("a", "u2")
    handed = Event(left.at, left.kind, left.node, left.text, {**left.detail, "to": to})
    events = [*LAB, sent("a", "u2"), handed]
    (finding,) = delivery.check(exchanged(tmp_path, events), spec())
    (story,) = finding.why
    assert story == f"'HEY' (id a), to u2: left u1 at 1.000 s; {told}; u2 never showed it"


def test_what_was_not_seen_to_leave_is_told_as_such(tmp_path: Path) -> None:
    events = [*LAB, sent("a", "u3"), datagram("a", "u3"), received("a", "u3"), sent("b", "u2")]
    (finding,) = delivery.check(exchanged(tmp_path, events), spec())
    (story,) = finding.why
    assert story == (
        "'HEY' (id b), to u2: sent at 1.000 s; nothing of it was seen to leave u1; "
        "u2 never showed it"
    )
