from pathlib import Path
from typing import Any

import pytest

from peerlab.checks.accounting import Account, Pair, account
from peerlab.evidence.journal import Event, Kind
from tests.support.journals import evidence
from tests.support.messages import ADDRESSES, LAB, NAT, datagram, received, sent

CASES = {
    "arrived": ([sent("a", "u2"), received("a", "u2")], (1, 0, 0, 0, 0)),
    "received before it is told as sent": ([received("a", "u2"), sent("a", "u2")], (1, 0, 0, 0, 0)),
    "lost": ([sent("a", "u2")], (1, 1, 0, 0, 0)),
    "same id twice": (
        [sent("a", "u2"), received("a", "u2"), received("a", "u2")],
        (1, 0, 1, 0, 0),
    ),
    "same id three times": (
        [sent("a", "u2"), *[received("a", "u2")] * 3],
        (1, 0, 2, 0, 0),
    ),
    "same text, another id": (
        [sent("a", "u2"), sent("b", "u2"), received("a", "u2"), received("b", "u2")],
        (2, 0, 0, 0, 0),
    ),
    "sent again under its id": (
        [sent("a", "u2"), sent("a", "u2"), received("a", "u2")],
        (1, 0, 0, 0, 0),
    ),
    "never sent": ([sent("a", "u2"), received("a", "u2"), received("b", "u2")], (1, 0, 0, 0, 1)),
    "never sent, twice": (
        [sent("a", "u2"), received("a", "u2"), *[received("b", "u2")] * 2],
        (1, 0, 0, 0, 2),
    ),
    "at another node": ([sent("a", "u2"), received("a", "u3")], (1, 1, 0, 1, 0)),
    "to three": (
        [*(sent("a", to) for to in ("u2", "u3", "u4")), received("a", "u2"), received("a", "u4")],
        (3, 1, 0, 0, 0),
    ),
    "to nobody in the lab": ([sent("a", NAT)], (1, 1, 0, 0, 0)),
    "through a NAT": ([sent("a", NAT), received("a", "u2")], (1, 0, 0, 0, 0)),
    "through a NAT, received before it is told as sent": (
        [received("a", "u2"), sent("a", NAT)],
        (1, 0, 0, 0, 0),
    ),
    "through a NAT, twice": ([sent("a", NAT), *[received("a", "u2")] * 2], (1, 0, 1, 0, 0)),
    "through a NAT, to one too many": (
        [sent("a", NAT), received("a", "u2"), received("a", "u3")],
        (1, 0, 0, 1, 0),
    ),
    "through a NAT, and straight": (
        [sent("a", NAT), sent("a", "u2"), received("a", "u2"), received("a", "u3")],
        (2, 0, 0, 0, 0),
    ),
    "lost on the way to a NAT, not straight": (
        [sent("a", NAT), sent("a", "u2"), received("a", "u2")],
        (2, 1, 0, 0, 0),
    ),
    "lost straight, not on the way to a NAT": (
        [sent("a", NAT), sent("a", "u2"), received("a", "u3")],
        (2, 1, 0, 0, 0),
    ),
    "to two behind one NAT": (
        [*[sent("a", NAT)] * 2, received("a", "u2"), received("a", "u3")],
        (2, 0, 0, 0, 0),
    ),
    "to two behind one NAT, lost for one": (
        [*[sent("a", NAT)] * 2, received("a", "u3")],
        (2, 1, 0, 0, 0),
    ),
    "to two behind one NAT, lost for both": ([sent("a", NAT)] * 2, (2, 2, 0, 0, 0)),
    "received only": ([received("a", "u2")], (0, 0, 0, 0, 1)),
}


@pytest.mark.parametrize(("events", "counts"), CASES.values(), ids=CASES)
def test_every_message_is_accounted_for(
    tmp_path: Path, events: list[Event], counts: tuple[int, ...]
) -> None:
    found = accounted(tmp_path, *events)
    lists = (found.sent, found.lost, found.duplicated, found.misdelivered, found.unexpected)
    assert tuple(len(each) for each in lists) == counts
    assert found.by_id


def accounted(path: Path, *events: Event, end: float = 9.0) -> Account:
    ends = [
        Event(end, Kind.EXITED, node, "", {"status": 0, "by": "lab"})
        for node in ADDRESSES
        if not any(event.kind is Kind.EXITED and event.node == node for event in events)
    ]
    return account(evidence(path, [*LAB, *events, *ends]))


def exited(node: str, at: float, by: str = "itself") -> Event:
    return Event(at, Kind.EXITED, node, "", {"status": 0, "by": by})


UNCLEAR = {
    "its program ended shortly after it came": [sent("a", "u2"), exited("u2", 1.2)],
    "the lab stopped its program shortly after it came": [
        sent("a", "u2"),
        datagram("a", "u2"),
        exited("u2", 1.2, by="lab"),
    ],
    "the lab stopped its program before it could come": [
        sent("a", "u2"),
        datagram("a", "u2", delay=2.0),
        exited("u2", 1.2, by="lab"),
    ],
    "its program stood still and ended when it went on": [
        sent("a", "u2"),
        Event(0.9, Kind.PAUSED, "u2"),
        Event(3.0, Kind.RESUMED, "u2"),
        exited("u2", 3.1),
    ],
    "what it shows is not kept any more": [
        Event(0.8, Kind.TRUNCATED, "u2", "only so many bytes are kept"),
        sent("a", "u2"),
    ],
}


@pytest.mark.parametrize("events", UNCLEAR.values(), ids=UNCLEAR)
def test_of_some_messages_nobody_can_know_whether_they_came(
    tmp_path: Path, events: list[Event]
) -> None:
    found = accounted(tmp_path, *events)
    assert list(found.unclear) == [("a", "u2")]
    assert found.lost == found.delivered == []


LOST = {
    "dropped by the wire, though its program ended": [
        sent("a", "u2"),
        datagram("a", "u2", fate="dropped", by=["step 2 (drop: 1)"]),
        exited("u2", 1.2),
    ],
    "dropped later on its way": [
        sent("a", "u2"),
        datagram("a", "u2"),
        datagram("a", "u2", fate="dropped", cable="router"),
        exited("u2", 1.2),
    ],
    "damaged": [sent("a", "u2"), datagram("a", "u2", damaged="detected"), exited("u2", 1.2)],
    "its program ran on for long and showed nothing": [sent("a", "u2"), datagram("a", "u2")],
    "its program had ended before": [exited("u2", 0.9), sent("a", "u2")],
    "its program ended while it was on its way": [
        sent("a", "u2"),
        datagram("a", "u2", delay=0.5),
        exited("u2", 1.2, by="step"),
    ],
    "another program came in the place of that which it was for": [
        sent("a", "u2"),
        datagram("a", "u2", delay=0.5),
        exited("u2", 1.2, by="step"),
        Event(1.3, Kind.STARTED, "u2", "", {"again": True}),
        exited("u2", 1.9),
    ],
}


@pytest.mark.parametrize("events", LOST.values(), ids=LOST)
def test_what_surely_did_not_come_is_lost(tmp_path: Path, events: list[Event]) -> None:
    found = accounted(tmp_path, *events)
    assert found.lost == [("a", "u2")]
    assert found.unclear == {}


def test_a_datagram_that_was_sent_again_and_came_is_not_lost_for_sure(tmp_path: Path) -> None:
    first = datagram("a", "u2", fate="dropped")
    again = datagram("a", "u2", at=1.1)
    found = accounted(tmp_path, sent("a", "u2"), first, again, exited("u2", 1.3))
    assert list(found.unclear) == [("a", "u2")]


def test_messages_that_come_after_later_ones_are_reordered(tmp_path: Path) -> None:
    events = [
        *(sent(name, "u2", at=at) for name, at in (("a", 1.0), ("b", 1.1), ("c", 1.2))),
        *(received(name, "u2", at=at) for name, at in (("c", 2.0), ("a", 2.1), ("b", 2.2))),
    ]
    found = accounted(tmp_path, *events)
    assert found.reordered == [("a", "u2"), ("b", "u2")]
    assert found.pairs == {("u1", "u2"): Pair(3, 3, 0, 0, 0, 2)}


def test_messages_of_one_moment_are_in_the_order_of_the_journal(tmp_path: Path) -> None:
    sends = [sent("a", "u2"), sent("b", "u2")]
    in_order = [received("a", "u2", at=2.0), received("b", "u2", at=2.0)]
    assert accounted(tmp_path / "1", *sends, *in_order).reordered == []
    assert accounted(tmp_path / "2", *sends, *reversed(in_order)).reordered == [("a", "u2")]


def test_without_ids_messages_are_told_by_sender_text_and_order(tmp_path: Path) -> None:
    events = [
        *(sent(None, "u2", text=text) for text in ("one", "two", "one")),
        received(None, "u2", text="one"),
        received(None, "u2", text="two"),
        received(None, "u2", text="two"),
        received(None, "u3", text="two"),
        received(None, "u2", text="three"),
    ]
    found = accounted(tmp_path, *events)
    assert not found.by_id
    assert found.lost == [("'one' of u1 (2)", "u2")]
    assert found.duplicated == [("'two' of u1", "u2")]
    assert found.misdelivered == [("'two' of u1", "u3")]
    assert found.unexpected == [("'three' of u1", "u2")]


def test_without_ids_a_label_tells_the_sender(tmp_path: Path) -> None:
    events = [
        sent(None, "u2"),
        Event(1.0, Kind.SENT, "u3", "HEY", {"id": None, "peer": ADDRESSES["u2"]}),
        received(None, "u2", peer="USER 3"),
    ]
    labels = {"u1": {"label": "USER 1"}, "u3": {"label": "USER 3"}}
    ending = Event(9.5, Kind.END, None, "", {"variables": labels})
    found = account(evidence(tmp_path, [*LAB, *events, ending], complete=False))
    assert found.delivered == [("'HEY' of u3", "u2")]
    assert found.lost == [("'HEY' of u1", "u2")]


def by_u3(message: str, *, text: str = "HEY") -> Event:
    return Event(1.5, Kind.SENT, "u3", text, {"id": message, "peer": ADDRESSES["u2"]})


ALTERED = {
    "as it was sent": (received("a", "u2"), (None, None)),
    "another text": (received("a", "u2", text="HAY"), ("HAY", None)),
    "as from another node": (received("a", "u2", peer=ADDRESSES["u3"]), (None, "u3")),
    "as from a node with that label": (received("a", "u2", peer="USER 3"), (None, "u3")),
    "as from an address of no node": (received("a", "u2", peer=NAT), (None, None)),
    "another text at a node that it was not for": (received("a", "u4", text="HAY"), ("HAY", None)),
    "as from a label that two nodes had": (received("a", "u2", peer="USER 4"), (None, None)),
    "as from a label of a node that came again": (received("a", "u2", peer="OLD"), (None, None)),
}


@pytest.mark.parametrize(("arrival", "changes"), ALTERED.values(), ids=ALTERED)
def test_what_arrived_otherwise_than_it_was_sent_is_altered(
    tmp_path: Path, arrival: Event, changes: tuple[str | None, str | None]
) -> None:
    labels = {"u1": "USER 4", "u2": "OLD", "u3": "USER 3", "u4": "USER 4"}
    known = {node: {"label": label} for node, label in labels.items()}
    again = Event(1.2, Kind.STARTED, "u2", "", {"again": True})
    end = Event(9.5, Kind.END, None, "", {"variables": known})
    events = [*LAB, sent("a", "u2"), again, arrival, end]
    found = account(evidence(tmp_path, events, complete=False))
    ((key, (message,)),) = found.received.items()
    assert found.changes(message) == changes
    assert found.altered == ([key] if any(changes) else [])


def test_an_id_that_was_used_for_something_else_is_told_with_both(tmp_path: Path) -> None:
    to_two = [sent("a", "u2"), sent("a", "u3"), sent("a", "u2")]
    assert accounted(tmp_path / "same", *to_two).reused == []
    for name, again in (
        ("sender", by_u3("a")),
        ("text", sent("a", "u2", at=1.5, text="HO")),
    ):
        ((first, then),) = accounted(tmp_path / name, *to_two, again).reused
        assert (first.node, first.text) == ("u1", "HEY")
        assert (then.node, then.text) == (again.node, again.text)


def of_text(at: float, payload: str = "HEY", **what: Any) -> Event:  # noqa: ANN401 - as the wire
    return datagram("", "u2", at=at, payload=payload, **what)


TWICE = [sent(None, "u2", at=1.0), sent(None, "u2", at=2.0)]
FIRST, SECOND = ("'HEY' of u1", "u2"), ("'HEY' of u1 (2)", "u2")


def test_of_equal_texts_each_datagram_is_that_of_the_next(tmp_path: Path) -> None:
    left = [of_text(1.0), of_text(2.0, fate="dropped", by=["step 2"])]
    found = accounted(tmp_path, *TWICE, *left, received(None, "u2", at=1.1))
    assert {key: trip.left for key, trip in found.trips.items()} == {FIRST: [1.0], SECOND: [2.0]}
    assert found.trips[SECOND].deeds == ("dropped by step 2",)
    assert found.lost == [SECOND]


def test_what_happened_later_on_the_way_happened_to_the_last_that_left(tmp_path: Path) -> None:
    later = of_text(2.0, fate="dropped", by=["r (queue)"], cable="r")
    found = accounted(tmp_path, *TWICE, later, of_text(1.0), of_text(2.0))
    assert found.trips[FIRST].deeds == ()
    assert found.trips[SECOND].deeds == ("dropped by r (queue) at r",)


def test_of_equal_texts_the_one_that_came_is_not_the_one_that_was_dropped(tmp_path: Path) -> None:
    left = [of_text(1.0, fate="dropped"), of_text(2.0)]
    found = accounted(tmp_path, *TWICE, *left, received(None, "u2", at=2.1))
    assert (found.lost, found.delivered) == ([FIRST], [SECOND])


def test_of_equal_texts_one_that_was_still_under_way_in_the_end_is_unclear(tmp_path: Path) -> None:
    left = [of_text(1.0), of_text(2.0, delay=3.0)]
    came = received(None, "u2", at=1.1)
    found = accounted(tmp_path, *TWICE, *left, came, exited("u2", 3.9, by="lab"))
    assert list(found.unclear) == [SECOND]
    assert found.lost == []


@pytest.mark.parametrize("payload", [r'{"text":"say \"HEY\"\tnow"}', 'say "HEY"\tnow'])
def test_a_text_is_found_as_it_is_and_as_json_writes_it(tmp_path: Path, payload: str) -> None:
    found = accounted(
        tmp_path, sent(None, "u2", text='say "HEY"\tnow'), of_text(1.0, payload=payload)
    )
    assert len(found.trips) == 1


def test_a_datagram_carries_the_longest_of_the_texts_that_stand_in_it(tmp_path: Path) -> None:
    texts = [sent(None, "u2", text="HEY"), sent(None, "u2", text="HEY YOU")]
    found = accounted(tmp_path, *texts, of_text(1.1, "HEY YOU"))
    assert list(found.trips) == [("'HEY YOU' of u1", "u2")]


@pytest.mark.parametrize("by", ["lab", "itself"])
def test_what_the_wire_held_when_its_recipient_ended_is_unclear(tmp_path: Path, by: str) -> None:
    held = datagram("a", "u2", held=True, by=["step 2 (swap: [1, 2])"])
    found = accounted(tmp_path / "1", sent("a", "u2"), held, exited("u2", 2.9, by=by))
    assert found.unclear == {
        ("a", "u2"): "the wire held it, and u2 ended before it surely had come there"
    }
    for_long = accounted(tmp_path / "2", sent("a", "u2"), held, exited("u2", 4.5, by=by))
    assert for_long.lost == [("a", "u2")]


SHORTLY = exited("u2", 1.2)
"""So that what left is unclear."""


def test_what_never_left_where_others_of_its_sender_did_is_lost(tmp_path: Path) -> None:
    events = [sent("a", "u3"), datagram("a", "u3"), sent("b", "u2"), SHORTLY]
    found = accounted(tmp_path, *events)
    assert found.stayed == {("b", "u2")}
    assert found.unclear == {}


LEFT = {
    "nothing of its sender was seen": [],
    "it went to somebody else": [datagram("a", "u3"), datagram("b", "server")],
    "it left with another in one datagram": [
        datagram("", "u3", payload='{"id":"a"} {"id":"b"}'),
    ],
    "the wire did not tell of all": [
        datagram("a", "u3"),
        Event(9.0, Kind.WIRE, None, "unrecorded", {"datagrams": 1, "others": 0}),
    ],
}


@pytest.mark.parametrize("events", LEFT.values(), ids=LEFT)
def test_what_may_have_left_is_not_lost_for_sure(tmp_path: Path, events: list[Event]) -> None:
    found = accounted(tmp_path, sent("a", "u3"), sent("b", "u2"), *events, SHORTLY)
    assert not found.stayed
    assert list(found.unclear) == [("b", "u2")]


@pytest.mark.parametrize("to", ["u1", "127.0.0.1"])
def test_what_a_node_sends_to_itself_passes_no_cable(tmp_path: Path, to: str) -> None:
    found = accounted(tmp_path, sent("a", "u3"), datagram("a", "u3"), sent("b", to))
    assert not found.stayed


def test_of_a_blank_message_nobody_knows_whether_it_left(tmp_path: Path) -> None:
    found = accounted(tmp_path, sent("a", "u3"), datagram("a", "u3"), sent(None, "u2", text=" "))
    assert not found.stayed
