from peerlab.report.passages import Carrier
from peerlab.report.plots import MOST_PAIRS, draw_latencies, draw_losses
from peerlab.report.traffic import Latency
from tests.support.drawings import drawn, texts


def test_each_message_is_a_ring_at_its_time_and_latency() -> None:
    latencies = [Latency(1.0, 0.002, Carrier.MESSAGE), Latency(2.0, 0.004, Carrier.MESSAGE)]
    plot = draw_latencies(latencies, 4.0)
    first, second = drawn(plot, "point")
    assert float(first.get("cx", 0)) < float(second.get("cx", 0))
    assert float(first.get("cy", 0)) > float(second.get("cy", 0))
    assert "time under way, in ms" in texts(plot)
    assert "time since the run began, in s" in texts(plot)
    assert {"0", "1", "2", "3", "4"} <= set(texts(plot))


def test_what_the_network_delayed_looks_otherwise() -> None:
    plot = draw_latencies([Latency(1.0, 1.5, Carrier.UDP)], 4.0)
    assert (len(drawn(plot, "diamond")), len(drawn(plot, "point"))) == (1, 0)
    assert "time under way, in s" in texts(plot)


def test_many_points_at_one_place_are_drawn_once() -> None:
    many = [Latency(number / 100_000, 0.001, Carrier.MESSAGE) for number in range(100_000)]
    assert len(drawn(draw_latencies(many, 1.0), "point")) < 200


def test_no_plot_is_drawn_of_nothing() -> None:
    assert draw_latencies([], 1.0) is None
    assert draw_losses({}) is None
    assert draw_losses({("u1", "u2"): (5, 0)}) is None


def test_times_of_nothing_are_drawn_all_the_same() -> None:
    assert drawn(draw_latencies([Latency(0.0, 0.0, Carrier.MESSAGE)], 0.0), "point")


def test_losses_are_bars_with_their_numbers() -> None:
    plot = draw_losses({("u1", "u2"): (3, 1), ("u2", "u1"): (4, 0)})
    assert texts(plot) == [
        "u1 \N{RIGHTWARDS ARROW} u2",
        "3 arrived, 1 lost",
        "u2 \N{RIGHTWARDS ARROW} u1",
        "4 arrived, 0 lost",
    ]
    arrived, gone = drawn(plot, "arrived")[0], drawn(plot, "gone")[0]
    assert float(arrived.get("width", 0)) == 3 * float(gone.get("width", 0))


def test_of_many_pairs_some_are_drawn() -> None:
    pairs = {(f"n{number}", "u1"): (1, 1) for number in range(5000)}
    assert len(drawn(draw_losses(pairs), "gone")) == MOST_PAIRS
