from xml.etree import ElementTree as ET

import pytest

from peerlab.report.curves import Curves, draw_streams
from peerlab.report.streams import MOST_STREAMS, Figures, Point, Stream
from tests.support.drawings import SVG, drawn, texts


def stream(*values: tuple[float, float | None], name: str = "a") -> Stream:
    """A stream with a point a second: jitter and percent lost."""
    points = [
        Point(Figures(float(at), 50 * at, 0, jitter), share)
        for at, (jitter, share) in enumerate(values, start=1)
    ]
    return Stream("u1", "u2", name, points)


def draw(*streams: Stream, seconds: float = 4.0) -> Curves:
    curves = draw_streams(streams, seconds)
    assert curves is not None
    return curves


def places(drawing: str, number: int = 0) -> list[tuple[float, float]]:
    found = []
    for sample in drawn(drawing, f"sample s{number}"):
        x, _, y = (sample.get("transform") or "")[len("translate(") : -1].partition(" ")
        found.append((float(x), float(y)))
    return found


def test_jitter_and_loss_are_drawn_over_time() -> None:
    curves = draw(stream((5.0, 0.0), (10.0, 50.0)))
    (x1, y1), (x2, y2) = places(curves.jitter)
    assert x1 < x2
    assert y1 > y2
    (_, low), (_, high) = places(curves.loss)
    assert low > high
    assert {"jitter, in ms", "time since the run began, in s"} <= set(texts(curves.jitter))
    assert {"loss, in %", "time since the run began, in s"} <= set(texts(curves.loss))


def test_a_point_says_what_it_is() -> None:
    (sample,) = drawn(draw(stream((5.25, 12.5))).loss, "sample s0")
    assert sample.findtext(f"{SVG}title") == "u1 \N{RIGHTWARDS ARROW} u2 (a): 12.5 %, at 1.000 s"


def test_a_point_at_which_nothing_was_due_has_no_loss() -> None:
    curves = draw(stream((5.0, 0.0), (5.0, None)))
    assert (len(places(curves.jitter)), len(places(curves.loss))) == (2, 1)


def test_streams_can_be_told_apart_without_colours() -> None:
    streams = [stream((1.0, 0.0), (2.0, 0.0), name=f"n{number}") for number in range(MOST_STREAMS)]
    curves = draw(*streams)
    looks = set()
    for number, (key, _) in enumerate(curves.streams):
        (curve,) = drawn(curves.jitter, f"curve s{number}")
        marker = drawn(curves.jitter, f"sample s{number}")[0].get("d")
        looks.add((curve.get("stroke-dasharray"), marker))
        assert drawn(key, f"sample s{number}")[0].get("d") == marker
        assert drawn(key, f"curve s{number}")[0].get("stroke-dasharray") == curve.get(
            "stroke-dasharray"
        )
    assert (
        len({dashes for dashes, _ in looks}) == len({marker for _, marker in looks}) == len(looks)
    )
    assert len(looks) == MOST_STREAMS


def test_of_many_streams_the_first_are_drawn_and_the_others_counted() -> None:
    curves = draw(*(stream((1.0, 0.0), name=str(number)) for number in range(1000)))
    assert [shown.name for _, shown in curves.streams] == [str(n) for n in range(MOST_STREAMS)]
    assert curves.left_out == 1000 - MOST_STREAMS


def test_nothing_is_drawn_of_no_stream() -> None:
    assert draw_streams([], 1.0) is None


@pytest.mark.parametrize("jitter", [0.0, 1e-300, 1e9])
def test_any_figure_can_be_drawn(jitter: float) -> None:
    curves = draw(stream((jitter, None)), seconds=0.0)
    ((_, y),) = places(curves.jitter)
    assert 0 <= y <= 240
    assert places(curves.loss) == []


def test_names_are_escaped_and_bounded() -> None:
    nasty = "<script>&\x1b\"'" + "x" * 10_000
    curves = draw(stream((1.0, 0.0), name=nasty))
    ET.fromstring(curves.jitter)
    assert "<script>" not in curves.jitter
    assert "\x1b" not in curves.jitter
    assert len(curves.jitter) < 10_000
