import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from peerlab.report.conditions import Band, Change, Conditions, Mark, Stretch
from peerlab.report.diagram import Diagram, draw
from peerlab.report.passages import Carrier, Passage
from peerlab.report.timeline import (
    MOST_LIFELINES,
    MOST_MARKS,
    MOST_PASSAGES,
    MOST_PIXELS,
    Timeline,
    choose_lifelines,
    choose_marks,
    choose_passages,
)

NAMES = {"u1": "10.0.0.1 chat", "u2": "10.0.0.2 chat", "u3": "10.0.0.3 chat"}
NOTHING = Conditions((), (), (), ())
SVG = "{http://www.w3.org/2000/svg}"


def datagram(at: float = 1.0, source: str = "u1", target: str | None = "u2") -> Passage:
    return Passage(at, at, Carrier.UDP, source, target, "Hello")


LOST = replace(datagram(), lost=True, why=("step 3 (drop: 1)",))


def drawn(*passages: Passage, conditions: Conditions = NOTHING) -> Diagram:
    diagram = draw(NAMES, passages, conditions)
    assert diagram is not None
    return diagram


def texts(drawing: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(drawing).iter(f"{SVG}text")]


def count(drawing: str, kind: str) -> int:
    return sum(
        set(kind.split()) <= set(element.get("class", "").split())
        for element in ET.fromstring(drawing).iter()
    )


def test_every_node_has_a_lifeline_with_its_name_above() -> None:
    diagram = drawn(datagram())
    assert texts(diagram.head)[::2] == ["u1", "u2", "u3"]
    assert texts(diagram.head)[1] == "10.0.0.1 chat"
    assert count(diagram.body, "lifeline") == 3


def test_what_arrived_is_an_arrow_with_its_text() -> None:
    diagram = drawn(datagram())
    assert texts(diagram.body) == ["Hello"]
    assert (count(diagram.body, "head udp"), count(diagram.body, "cross")) == (1, 0)


def test_what_was_lost_ends_in_a_cross_with_the_reason() -> None:
    diagram = drawn(LOST)
    assert texts(diagram.body) == ["Hello", "lost: step 3 (drop: 1)"]
    assert (count(diagram.body, "head udp"), count(diagram.body, "cross")) == (0, 1)


def test_what_was_lost_at_a_router_ends_there() -> None:
    lost = replace(LOST, lost_at="u3")
    body = ET.fromstring(drawn(lost).body)
    (way,) = [line for line in body.iter(f"{SVG}line") if "way" in line.get("class", "")]
    lifelines = [line for line in body.iter(f"{SVG}line") if line.get("class") == "lifeline"]
    assert way.get("x2") == lifelines[2].get("x1")


def test_what_was_delayed_slopes_to_where_it_arrives() -> None:
    slow = replace(datagram(), arrives=1.7, delay=0.7, why=("step 8 (delay: 700ms)",))
    body = ET.fromstring(drawn(slow, datagram(1.7)).body)
    first, second = [line for line in body.iter(f"{SVG}line") if "way" in line.get("class", "")]
    assert float(first.get("y2", 0)) > float(first.get("y1", 0))
    assert first.get("y2") == second.get("y1")
    assert "0.7 s later: step 8 (delay: 700ms)" in texts(drawn(slow).body)


def test_what_waited_crosses_what_overtook_it() -> None:
    waited = replace(datagram(), arrives=1.2, held=True, why=("waited for others",))
    body = ET.fromstring(drawn(waited, datagram(1.2)).body)
    first, second = [line for line in body.iter(f"{SVG}line") if "way" in line.get("class", "")]
    assert float(first.get("y1", 0)) < float(second.get("y1", 0))
    assert float(first.get("y2", 0)) > float(second.get("y2", 0))


def test_the_table_says_when_it_arrived_and_what_nobody_saw() -> None:
    late = replace(datagram(), arrives=1.7, delay=0.7, why=("step 8 (delay: 700ms)",))
    unseen = replace(datagram(2.0), remark="on from nat-a: not seen")
    assert [told.fate for told in drawn(late, unseen).table] == [
        "arrived at 1.700 s; 0.7 s later: step 8 (delay: 700ms)",
        "arrived; on from nat-a: not seen",
    ]


def test_what_arrives_twice_is_two_arrows() -> None:
    twice = drawn(replace(datagram(), copies=2, why=("step 2 (duplicate: 1)",)))
    assert count(twice.body, "head udp") == 2
    assert "arrives 2 times: step 2 (duplicate: 1)" in texts(twice.body)


def test_a_connection_opens_as_an_arrow_and_ends_as_a_line() -> None:
    opened = Passage(1.0, 1.0, Carrier.TCP, "u1", "u2", "TCP to port 80")
    body = drawn(opened, replace(opened, ends=True)).body
    assert (count(body, "head tcp"), count(body, "way tcp"), count(body, "bar")) == (1, 4, 2)


def test_what_is_for_nobody_goes_elsewhere() -> None:
    diagram = drawn(datagram(target=None))
    assert texts(diagram.head)[-2:] == ["elsewhere", "no node of the lab"]
    assert diagram.table[0].target == "elsewhere"


def test_states_and_steps_of_the_wire_are_shown_over_their_time() -> None:
    conditions = Conditions(
        [Mark(1.0, "u1", "starts", "plain"), Mark(2.0, "u1", "paused", "odd")],
        [Stretch("u1", "runs", 1.0, 9.0), Stretch("u1", "paused", 2.0, 3.0)],
        [Change(2.5, 6, "{partition: [[u1], [u2]]}")],
        [Band(6, "{partition: [[u1], [u2]]}", 2.5, 9.0)],
    )
    diagram = drawn(datagram(5.0), conditions=conditions)
    assert "step 6: {partition: [[u1], [u2]]}" in texts(diagram.body)
    for kind in ("runs", "paused", "band", "tint", "mark odd", "mark plain"):
        assert count(diagram.body, kind), kind


def ends_of_lifelines(body: str) -> list[float]:
    lines = ET.fromstring(body).iter(f"{SVG}line")
    return [float(line.get("y2", 0)) for line in lines if line.get("class") == "lifeline"]


def test_a_lifeline_ends_with_its_node_or_with_the_last_that_came_for_it() -> None:
    marks = [Mark(at, node, "exit 0", "plain") for at, node in ((2.0, "u1"), (3.0, "u2"))]
    conditions = Conditions(marks, (), (), (), {"u1": 2.0, "u2": 3.0})
    first, second, third = ends_of_lifelines(drawn(datagram(1.0), conditions=conditions).body)
    assert first < second < third
    later = drawn(datagram(1.0), datagram(4.0, "u3", "u1"), conditions=conditions).body
    first, second, third = ends_of_lifelines(later)
    assert second < first < third


def test_the_legend_has_what_is_drawn() -> None:
    opened = Passage(1.0, 1.0, Carrier.TCP, "u1", "u2", "TCP to port 80")
    assert drawn(opened).legend == {"opened"}
    assert drawn(replace(opened, ends=True), LOST).legend == {"ended", "udp", "lost"}
    conditions = Conditions(
        (), [Stretch("u1", "paused", 2.0, 3.0)], (), [Band(1, "{loss: 1%}", 1.0, 2.0)]
    )
    assert drawn(datagram(), conditions=conditions).legend == {"udp", "paused", "band"}


def test_bands_at_the_same_time_stand_beside_each_other() -> None:
    bands = [Band(1, "a", 1.0, 5.0), Band(2, "b", 2.0, 5.0), Band(3, "c", 6.0, 7.0)]
    changes = [Change(band.begin, band.number, band.text) for band in bands]
    body = drawn(datagram(), conditions=Conditions((), (), changes, bands)).body
    places = [
        element.get("x")
        for element in ET.fromstring(body).iter(f"{SVG}rect")
        if element.get("class") == "band"
    ]
    assert places == ["3", "23", "3"]


def test_the_table_says_the_same_in_words() -> None:
    conditions = Conditions([Mark(0.5, "u1", "starts", "plain")], (), (), ())
    diagram = drawn(datagram(), replace(LOST, at=2.0), conditions=conditions)
    assert [
        (told.at, told.source, told.target, told.what, told.fate) for told in diagram.table
    ] == [
        (0.5, "u1", "", "starts", ""),
        (1.0, "u1", "u2", "Hello", "arrived"),
        (2.0, "u1", "u2", "Hello", "lost: step 3 (drop: 1)"),
    ]


def test_where_nothing_happened_nothing_is_drawn() -> None:
    assert draw(NAMES, (), NOTHING) is None


HOSTILE = "</svg><script>alert(1)</script>\"'&]]>\x1b[31m\u202e" + "x" * 1_000_000


def test_no_text_gets_out_of_the_drawing() -> None:
    nasty = replace(LOST, what=HOSTILE, why=(HOSTILE,))
    diagram = draw({"u1": HOSTILE, "u2": HOSTILE}, [nasty], NOTHING)
    assert diagram is not None
    for part in (diagram.head, diagram.times, diagram.body):
        assert len(part) < 10_000
        tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(part).iter()}
        assert "script" not in tags
        assert set(part).isdisjoint("\x1b\u202e")
    assert all(len(told.what) + len(told.fate) < 400 for told in diagram.table)


# Time


def rows(times: Sequence[float]) -> Timeline:
    return Timeline(datagram(at) for at in times)


def test_time_always_goes_down() -> None:
    timeline = rows([0.001, 0.002, 0.003, 10.0, 10.0, 10.5])
    heights = [timeline.y(at) for at in (0.0, 0.001, 0.0015, 0.002, 5.0, 10.0, 10.2, 10.5, 99.0)]
    assert heights == sorted(heights)
    assert heights[-1] < timeline.height


def test_a_long_wait_is_cut_and_its_length_is_told() -> None:
    short, long = rows([1.0, 1.1]), rows([1.0, 61.0])
    assert [row.gap for row in short.rows] == [0.0, 0.0]
    assert [row.gap for row in long.rows] == [0.0, 60.0]
    assert long.rows[1].y - short.rows[1].y < MOST_PIXELS
    diagram = drawn(datagram(1.0), datagram(61.0))
    assert "\N{VERTICAL ELLIPSIS} 60.0 s" in texts(diagram.times)
    assert "61.000" in texts(diagram.times)


@pytest.mark.parametrize("wait", [0.0, 1e-6, 0.01, 5.0])
def test_no_two_labels_share_a_place(wait: float) -> None:
    timeline = Timeline(replace(LOST, at=1.0 + wait * number) for number in range(9))
    heights = [row.y for row in timeline.rows]
    assert all(after - before >= 34 for before, after in pairwise(heights))


def test_what_befalls_several_nodes_at_once_shares_a_row() -> None:
    marks = [Mark(1.0, "u1", "a", "plain"), Mark(1.01, "u2", "b", "plain")]
    assert len(Timeline(marks).rows) == 1
    assert len(Timeline([*marks, Mark(1.015, "u1", "c", "plain")]).rows) == 2
    assert len(Timeline([marks[0], Mark(2.0, "u2", "b", "plain")]).rows) == 2


def test_what_shares_a_row_lies_at_its_height() -> None:
    marks = [Mark(1.0, "u1", "a", "plain"), Mark(1.01, "u2", "b", "plain")]
    timeline = Timeline([*marks, Mark(1.5, "u1", "c", "plain")])
    first, second = timeline.rows
    assert [timeline.y(at) for at in (1.0, 1.005, 1.01, 1.5)] == [first.y] * 3 + [second.y]
    assert first.y < timeline.y(1.2) < second.y


# How much is drawn

MANY = [f"n{number}" for number in range(100)]


def test_of_many_nodes_those_of_findings_come_first_then_the_lossy_then_the_busy() -> None:
    passages = [datagram(source="n50", target="n51")] * 5
    passages += [replace(LOST, source="n70", target="n71")]
    chosen = choose_lifelines(MANY, passages, [Mark(1.0, "n80", "killed", "odd")], {"n99"})
    assert len(chosen) == MOST_LIFELINES
    assert chosen == sorted(chosen, key=MANY.index)
    assert {"n99", "n70", "n71", "n80", "n50", "n51"} <= set(chosen)
    assert "n98" not in chosen


def test_others_share_one_lifeline_and_it_is_told_that_they_do() -> None:
    passages = [replace(LOST, source=name, target="n0") for name in MANY[1:30]]
    passages += [datagram(source="n98", target="n99")]
    diagram = draw(dict.fromkeys(MANY, ""), passages, NOTHING)
    assert diagram is not None
    assert "76 others" in texts(diagram.head)
    assert count(diagram.body, "lifeline") == MOST_LIFELINES + 1
    assert diagram.left_out == [
        "76 nodes have no lifeline of their own.",
        "1 more datagrams, messages or connections, not drawn, are in journal.jsonl.",
    ]


def test_of_many_arrows_the_odd_ones_are_drawn_all() -> None:
    odd = [replace(LOST, at=5.0) for _ in range(1000)]
    chosen = choose_passages([*[datagram()] * 100_000, *odd], {"u1"})
    assert len(chosen) == MOST_PASSAGES
    assert sum(passage.is_odd for passage in chosen) == 1000
    assert [passage.at for passage in chosen] == sorted(passage.at for passage in chosen)


def test_of_many_marks_the_odd_ones_are_drawn_first() -> None:
    marks = [Mark(1.0, "u1", "starts", "plain")] * 1000 + [Mark(2.0, "u1", "exit 3", "odd")] * 9
    chosen = choose_marks(marks, {"u1"})
    assert (len(chosen), chosen[-9:]) == (MOST_MARKS, marks[-9:])


def test_a_crowd_is_drawn_within_bounds() -> None:
    passages = [
        datagram(number / 100, MANY[number % 100], MANY[(number * 7 + 1) % 100])
        for number in range(30_000)
    ]
    diagram = draw(dict.fromkeys(MANY, ""), passages, NOTHING)
    assert diagram is not None
    assert len(diagram.body) < 2_000_000
    assert len(diagram.table) <= MOST_PASSAGES
    (told,) = [told for told in diagram.left_out if "more datagrams" in told]
    assert re.match(r"28,500 more datagrams", told)
