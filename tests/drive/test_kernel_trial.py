"""The kernel on trial: what its rules allow, and what is made of what arrives."""

from collections.abc import Mapping, Sequence

import pytest

from peerlab.backend.base import Arrival, Departure
from peerlab.drive.kernel_trial import Bounds, measure, split
from peerlab.drive.trial import TRIES, WINDOW, Change, Plan, plans
from peerlab.scenario.model import Network
from peerlab.wire.rules import Rule
from tests.wire.test_cable import rule

ADDRESSES = {"u1": "10.0.0.1", "u2": "10.0.0.2"}
NETWORK = Network({"lan": ("u1", "u2")}, {}, ())
DELAY = {"seconds": 0.05, "jitter": 0.01, "keeps_order": False}
COUNT = 12


class Kernel:
    """A wire on which datagrams on trial take the same times again and again."""

    def __init__(self, *took: float) -> None:
        self._took = took
        self.windows: list[float] = []

    def put(self, rules: Sequence[Mapping[str, object]]) -> None:
        raise AssertionError(rules)

    def heal(self, name: str | None) -> None:
        raise AssertionError(name)

    def check(self) -> None:
        raise AssertionError

    def plug(self, node: str, *, connected: bool) -> None:
        raise AssertionError(node, connected)

    def measure(
        self, trials: Sequence[Mapping[str, object]], seconds: float
    ) -> tuple[Sequence[Departure], Sequence[Arrival]]:
        (trial,) = trials
        assert trial["native"]
        self.windows.append(seconds)
        return (
            [Departure(0, number, 1.0) for number in range(1, COUNT + 1)],
            [Arrival(0, 1 + index % COUNT, 1.0 + took, 0) for index, took in enumerate(self._took)],
        )


def plan(*rules: Rule) -> list[Plan]:
    change = Change(3, [dict(each.arguments) for each in rules])
    return plans([change], NETWORK, ADDRESSES)


def wrong(kernel: Kernel, *rules: Rule) -> str | None:
    (finding,) = measure(kernel, plan(*rules))
    assert finding.as_dict()["native"]
    return finding.wrong


def test_of_a_change_the_kernel_has_what_it_can() -> None:
    delay, drop = rule("delay", **DELAY), rule("drop-these", which=[[1, 1]])
    by_wire, by_kernel = split([Change(3, [delay.arguments, drop.arguments])])
    assert by_wire == [Change(3, [drop.arguments])]
    assert by_kernel == [Change(3, [delay.arguments])]


@pytest.mark.parametrize(
    ("rules", "bounds"),
    [
        ([rule("delay", **DELAY)], Bounds(12, 12, 0.04, 0.06)),
        ([rule("loss", chance=1)], Bounds(0, 0)),
        ([rule("loss", chance=0.5)], Bounds(0, 12)),
        ([rule("duplicate", chance=1)], Bounds(24, 24)),
        ([rule("duplicate", chance=0.5)], Bounds(12, 24)),
        ([rule("rate", bits=1000, queue=10)], Bounds(10, 12, 0.1, 1.2)),
        ([rule("loss", chance=1), rule("duplicate", chance=1)], Bounds(0, 0)),
        ([rule("corrupt", chance=1)], Bounds(0, 12)),
    ],
    ids=["delay", "all", "some", "twice", "maybe", "rate", "both", "corrupt"],
)
def test_rules_allow_so_many_datagrams_at_these_times(rules: list[Rule], bounds: Bounds) -> None:
    allowed = Bounds(COUNT, COUNT)
    for each in rules:
        allowed = allowed.under(each, bits=100)
    assert (allowed.fewest, allowed.most) == (bounds.fewest, bounds.most)
    assert allowed.earliest == pytest.approx(bounds.earliest)
    assert allowed.latest == pytest.approx(bounds.latest)


@pytest.mark.parametrize(
    ("took", "rules"),
    [
        ([0.045] * COUNT, [rule("delay", **DELAY)]),
        ([], [rule("loss", chance=1)]),
        ([0.0] * 7, [rule("loss", chance=0.5)]),
        ([0.0] * COUNT * 2, [rule("duplicate", chance=1)]),
    ],
    ids=["delay", "all", "some", "twice"],
)
def test_a_kernel_within_the_bounds_is_tried_once(took: list[float], rules: list[Rule]) -> None:
    kernel = Kernel(*took)
    assert wrong(kernel, *rules) is None
    assert len(kernel.windows) == 1


@pytest.mark.parametrize(
    ("took", "rules", "found"),
    [
        ([0.02] * COUNT, [rule("delay", **DELAY)], "a datagram came after 20.0 ms"),
        ([0.09] * COUNT, [rule("delay", **DELAY)], "datagrams came after 90.0 ms at the median"),
        ([0.05] * 9, [rule("delay", **DELAY)], "12 to 12 datagrams should arrive, and 9 did"),
        ([0.0], [rule("loss", chance=1)], "0 to 0 datagrams should arrive, and 1 did"),
    ],
    ids=["early", "late", "few", "many"],
)
def test_a_kernel_beyond_them_is_tried_again_and_told(
    took: list[float], rules: list[Rule], found: str
) -> None:
    kernel = Kernel(*took)
    assert wrong(kernel, *rules) == found
    assert len(kernel.windows) == TRIES


def test_what_comes_only_later_is_not_waited_for() -> None:
    kernel = Kernel()
    assert wrong(kernel, rule("delay", seconds=20.0, jitter=0.0, keeps_order=True)) is None
    assert kernel.windows == [WINDOW]
