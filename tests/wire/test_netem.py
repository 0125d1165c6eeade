"""How the kernel's netem is told what rules ask for, compared with what iproute2's tc tells it."""

import struct
from collections.abc import Iterator, Mapping

import pytest

from peerlab.wire.netem import options
from tests.wire.test_cable import rule

QOPT = struct.Struct("=6I")
_LATENCY, LIMIT, LOSS, _GAP, DUPLICATE, _JITTER = range(6)
LATENCY64, JITTER64, PRNG_SEED = 10, 11, 14


def told(
    *effects: tuple[str, Mapping[str, object]], seed: int = 1, cable: str = "from u1"
) -> bytes:
    rules = [rule(effect, **arguments) for effect, arguments in effects]
    return options(rules, seed, cable)


def attributes(data: bytes) -> Iterator[bytes]:
    """The attributes behind the fixed part, each as it is."""
    start = QOPT.size
    while start < len(data):
        (length,) = struct.unpack_from("=H", data, start)
        yield data[start : start + length]
        start += (length + 3) & ~3


def attribute(data: bytes, kind: int) -> bytes:
    """The value of one."""
    (found,) = (
        each[4:] for each in attributes(data) if struct.unpack_from("=H", each, 2) == (kind,)
    )
    return found


@pytest.mark.parametrize(
    ("effect", "arguments", "place", "by_tc"),
    [
        ("loss", {"chance": 0.1}, LOSS, "9a999919"),  # tc ... netem loss 10%
        ("loss", {"chance": 1}, LOSS, "ffffffff"),
        ("duplicate", {"chance": 0.3}, DUPLICATE, "cccccc4c"),  # duplicate 30%
    ],
)
def test_chances_are_told_as_by_tc(
    effect: str, arguments: dict[str, object], place: int, by_tc: str
) -> None:
    fixed = QOPT.unpack_from(told((effect, arguments)))
    assert fixed[place] == int.from_bytes(bytes.fromhex(by_tc), "little")


@pytest.mark.parametrize(
    ("effect", "arguments", "by_tc"),
    [
        # loss gemodel 1% 25% 90% 0.5%
        (
            "bursts",
            {"p": 0.01, "r": 0.25, "lost_in_burst": 0.9, "lost_otherwise": 0.005},
            ["1800058014000200295c8f02000000409999991914ae4701"],
        ),
        ("corrupt", {"chance": 0.2, "detected": True}, ["0c0004003333333300000000"]),  # corrupt 20%
        # rate 256kbit -14
        (
            "rate",
            {"bits": 256_000, "queue": 100},
            ["14000600007d0000f2ffffff0000000000000000"],
        ),
        # rate 40gbit -14
        (
            "rate",
            {"bits": 40_000_000_000, "queue": 100},
            ["0c00080000f2052a01000000", "14000600fffffffff2ffffff0000000000000000"],
        ),
    ],
    ids=["bursts", "corrupt", "rate", "fast"],
)
def test_what_has_an_attribute_is_told_as_by_tc(
    effect: str, arguments: dict[str, object], by_tc: list[str]
) -> None:
    there = list(attributes(told((effect, arguments))))
    assert [each for each in by_tc if bytes.fromhex(each) not in there] == []


def test_delays_are_told_in_nanoseconds() -> None:
    data = told(("delay", {"seconds": 0.05, "jitter": 0.01, "keeps_order": False}))
    assert struct.unpack("=q", attribute(data, LATENCY64)) == (50_000_000,)
    assert struct.unpack("=q", attribute(data, JITTER64)) == (10_000_000,)


def test_what_no_rule_asks_for_any_more_is_told_to_be_nothing() -> None:
    corrupt, rate = 4, 6
    data = told()
    assert QOPT.unpack_from(data) == (0, 1_000_000, 0, 0, 0, 0)
    for kind in (LATENCY64, JITTER64, corrupt, rate):
        assert set(attribute(data, kind)) == {0}


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [(0, 21), (0.012, 22), (1.2, 121)],
)
def test_packets_that_are_delayed_do_not_fill_the_queue_of_a_rate(
    seconds: float, limit: int
) -> None:
    delay = {"seconds": seconds, "jitter": 0, "keeps_order": True}
    data = told(("rate", {"bits": 1_000_000, "queue": 20}), ("delay", delay))
    assert QOPT.unpack_from(data)[LIMIT] == limit


def test_the_slowest_rate_is_not_no_rate() -> None:
    (octets,) = struct.unpack_from("=I", attribute(told(("rate", {"bits": 1, "queue": 1})), 6))
    assert octets == 1


def test_chance_starts_from_the_seed_the_rules_and_the_cable() -> None:
    loss = ("loss", {"chance": 0.5})
    starts = [
        attribute(data, PRNG_SEED)
        for data in (
            told(loss),
            told(loss, seed=2),
            told(loss, cable="to u1"),
            told(("duplicate", {"chance": 0.5})),
        )
    ]
    assert len(set(starts)) == 4
    assert attribute(told(loss), PRNG_SEED) == starts[0]
