"""What rules make of the packets that pass one end of a cable. Time is what the test says it is."""

from collections import Counter
from collections.abc import Sequence
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerlab.wire.cable import Cable, Passage
from peerlab.wire.checksum import checksums_hold
from peerlab.wire.packet import ACK, SYN, Packet, parse
from peerlab.wire.rules import Rule
from tests.wire import frames

NAMES = {frames.address(number): f"u{number}" for number in range(1, 5)}


def rule(effect: str, **more: object) -> Rule:
    """A rule for all that u1 sends, unless the test says otherwise."""
    described: dict[str, object] = {
        "id": f"1.{effect}",
        "shown": effect,
        "name": None,
        "from": ["u1"],
        "to": None,
        "protocol": None,
        "port": None,
        "effect": effect,
    }
    for name, value in more.items():
        described[{"source": "from", "target": "to"}.get(name, name)] = value
    return Rule(described)


def cable(*rules: Rule, seed: int = 7, node: str = "u1", leaving: bool = True) -> Cable:
    made = Cable(seed, lambda address: NAMES.get(address, "?"), node, leaving=leaving)
    made.put(rules)
    return made


def packet(number: int = 0, to: int = 2, *, by: int = 1, size: int = 8) -> Packet:
    parsed = parse(frames.udp((by, to), str(number).encode().ljust(size)))
    assert parsed is not None
    return parsed


def number_of(frame: bytes) -> int:
    return int(frame[42:50])


def carried(
    through: Cable, sent: Sequence[Packet], *, every: float = 0.001
) -> list[tuple[float, int]]:
    """When which of the packets get through, in order; they come one after the other."""
    got: list[tuple[float, int]] = []
    for count, each in enumerate(sent):
        _, deliveries = through.carry(each, count * every)
        got += [(round(at, 6), number_of(frame)) for at, frame in deliveries]
    return sorted(got, key=lambda delivery: delivery[0])


def numbers(through: Cable, count: int, **options: float) -> list[int]:
    """Which of so many packets get through."""
    sent = [packet(number) for number in range(1, count + 1)]
    return [number for _, number in carried(through, sent, **options)]


def passage(through: Cable, sent: Packet, at: float = 0.0) -> Passage:
    """What became of one packet that rules speak about."""
    made, _ = through.carry(sent, at)
    assert made is not None
    return made


# Single packets


def test_packets_that_no_rule_speaks_about_pass_as_they_are() -> None:
    assert cable().carry(packet(), 1.5) == (None, ((1.5, packet().frame),))
    assert cable().is_plain


def test_chosen_packets_are_dropped_counted_from_the_rule_on() -> None:
    through = cable()
    assert numbers(through, 3) == [1, 2, 3]
    through.put([rule("drop-these", which=[[2, 2], [4, 6]])])
    assert numbers(through, 8) == [1, 3, 7, 8]


def test_every_flow_is_counted_for_itself() -> None:
    through = cable(rule("drop-these", which=[[1, 1]]))
    sent = [packet(1, to=2), packet(2, to=3), packet(3, to=2), packet(4, to=3)]
    assert [number for _, number in carried(through, sent)] == [3, 4]


def test_what_another_rule_loses_is_counted_all_the_same() -> None:
    through = cable(rule("drop-these", which=[[1, 2]]), rule("duplicate-these", which=[[3, 3]]))
    assert numbers(through, 4) == [3, 3, 4]


def test_chosen_packets_are_delayed_and_others_overtake_them() -> None:
    through = cable(rule("delay-these", which=[[2, 2, 0.5], [3, 4, 1.0]]))
    sent = [packet(number) for number in range(1, 6)]
    assert carried(through, sent, every=0.1) == [(0.0, 1), (0.4, 5), (0.6, 2), (1.2, 3), (1.3, 4)]


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [(1, 2, [2, 1, 3, 4, 5]), (4, 5, [1, 2, 3, 5, 4]), (2, 5, [1, 5, 3, 4, 2])],
)
def test_two_packets_change_places(first: int, second: int, order: list[int]) -> None:
    assert numbers(cable(rule("swap-these", first=first, second=second)), 5) == order


def test_a_swap_whose_second_packet_never_comes_lets_the_first_go_after_a_while() -> None:
    through = cable(rule("swap-these", first=1, second=2))
    held = passage(through, packet(1))
    assert held.held
    assert through.release_at == 2.0
    assert through.release(1.9) == []
    assert [(at, number_of(frame)) for at, frame in through.release(2.0)] == [(2.0, 1)]
    assert through.release_at == inf


def test_a_swap_whose_second_packet_is_lost_goes_on_without_it() -> None:
    lossy = rule("drop-these", which=[[2, 2]])
    assert numbers(cable(lossy, rule("swap-these", first=1, second=2)), 3) == [1, 3]


def test_what_waits_under_a_rule_goes_when_the_rule_is_healed() -> None:
    through = cable(rule("swap-these", first=1, second=2))
    passage(through, packet(1))
    through.heal(None)
    assert through.release_at == 0.0
    assert [number_of(frame) for _, frame in through.release(0.3)] == [1]
    assert through.is_plain


def test_what_has_waited_has_the_delay_of_other_rules_still_before_it() -> None:
    through = cable(
        rule("swap-these", first=1, second=2),
        rule("delay", seconds=0.1, jitter=0.0, keeps_order=True),
    )
    sent = [packet(1), packet(2)]
    assert carried(through, sent, every=0.01) == [(0.11, 2), (0.11, 1)]


# Chance


def decisions(seed: int, *rules: Rule, count: int = 200) -> list[int]:
    return numbers(cable(*rules, seed=seed), count)


def test_the_same_seed_decides_the_same_and_another_one_otherwise() -> None:
    lossy = rule("loss", chance=0.3)
    assert decisions(1, lossy) == decisions(1, lossy)
    assert decisions(1, lossy) != decisions(2, lossy)


def test_what_one_rule_decides_does_not_depend_on_others() -> None:
    lossy = rule("loss", chance=0.3)
    others = [
        rule("delay", seconds=0.1, jitter=0.1, keeps_order=False),
        rule("corrupt", chance=0.5, detected=True),
    ]
    alone, together = decisions(1, lossy), cable(lossy, *others, seed=1)
    passed = [number for number in range(1, 201) if not passage(together, packet(number)).lost]
    assert passed == alone


def test_what_is_decided_about_one_flow_does_not_depend_on_others() -> None:
    lossy = rule("loss", chance=0.3)
    through = cable(lossy, seed=1)
    sent = [packet(number, to) for number in range(1, 201) for to in (3, 2, 4)]
    got = Counter(number for _, number in carried(through, sent))
    through = cable(lossy, seed=1)
    to_two = set(numbers(through, 200))
    assert {number for number in got if number in to_two} == to_two
    through = cable(lossy, seed=1)
    to_three = [number for _, number in carried(through, [packet(n, 3) for n in range(1, 201)])]
    assert to_three != sorted(to_two)


@pytest.mark.parametrize(("effect", "seed"), [("loss", 1), ("loss", 2), ("loss", 3)])
def test_as_many_are_lost_as_the_rule_says(effect: str, seed: int) -> None:
    lost = 10_000 - len(decisions(seed, rule(effect, chance=0.1), count=10_000))
    assert 900 < lost < 1100  # 3.3 standard deviations of a binomial distribution


def test_losses_in_bursts_come_in_bursts_of_the_length_that_was_asked_for() -> None:
    bursts = rule("bursts", p=0.02, r=0.25, lost_in_burst=1.0, lost_otherwise=0.0)
    got = set(decisions(1, bursts, count=20_000))
    lost = [number for number in range(1, 20_001) if number not in got]
    begins = sum(number - 1 not in set(lost) for number in lost)
    assert 0.06 < len(lost) / 20_000 < 0.09  # p / (p + r) = 0.074
    assert 3.4 < len(lost) / begins < 4.6  # 1 / r = 4


def test_duplicates_come_as_often_as_the_rule_says() -> None:
    got = Counter(decisions(1, rule("duplicate", chance=0.25), count=4000))
    assert set(got.values()) == {1, 2}
    assert 880 < sum(count == 2 for count in got.values()) < 1120


@given(st.integers(0, 2**32), st.floats(0, 0.2), st.lists(st.floats(0, 0.05), max_size=30))
def test_jitter_stays_within_its_bounds_and_keeps_the_order_if_asked_to(
    seed: int, jitter: float, gaps: list[float]
) -> None:
    through = cable(rule("delay", seconds=0.2, jitter=jitter, keeps_order=True), seed=seed)
    at = 0.0
    last = 0.0
    for gap in gaps:
        at += gap
        ((due, _),) = through.carry(packet(), at)[1]
        assert at + 0.2 - jitter - 1e-9 <= due
        assert due <= max(last, at + 0.2 + jitter + 1e-9)
        assert due >= last
        last = due


def test_jitter_without_order_lets_packets_overtake_each_other() -> None:
    through = cable(rule("delay", seconds=0.1, jitter=0.1, keeps_order=False))
    order = numbers(through, 100)
    assert order != sorted(order)
    assert sorted(order) == list(range(1, 101))


def test_a_reordered_packet_goes_right_behind_the_next() -> None:
    order = numbers(cable(rule("reorder", chance=0.3)), 50)
    moved = [number for place, number in enumerate(order, 1) if number < place]
    assert moved
    assert all(order[number - 1] == number + 1 for number in moved)


def test_a_reordered_packet_without_a_next_goes_after_a_while() -> None:
    through = cable(rule("reorder", chance=1.0))
    passage(through, packet(1))
    assert [(at, number_of(frame)) for at, frame in through.release(0.2)] == [(0.2, 1)]


# Damage


@pytest.mark.parametrize("detected", [True, False])
def test_one_bit_of_the_payload_is_damaged(*, detected: bool) -> None:
    through = cable(rule("corrupt", chance=1.0, detected=detected))
    for number in range(50):
        sent = packet(number)
        ((_, frame),) = through.carry(sent, 0.0)[1]
        changed = int.from_bytes(frame[42:]) ^ int.from_bytes(sent.frame[42:])
        assert changed.bit_count() == 1
        assert frame[:40] == sent.frame[:40]
        assert checksums_hold(frame) is not detected


@pytest.mark.parametrize("by", [frames.udp((1, 2), b""), frames.tcp((1, 2), SYN, (1, 0))])
def test_a_packet_without_payload_can_be_damaged_too(by: bytes) -> None:
    sent = parse(by)
    assert sent is not None
    ((_, frame),) = cable(rule("corrupt", chance=1.0, detected=True)).carry(sent, 0.0)[1]
    assert not checksums_hold(frame)


# Rate


def test_packets_leave_no_faster_than_the_rate() -> None:
    through = cable(rule("rate", bits=8_000, queue=100))
    sent = [packet(number, size=72) for number in range(1, 4)]  # 100 bytes of IP: 0.1 s each
    assert carried(through, sent, every=0.0) == [(0.1, 1), (0.2, 2), (0.3, 3)]
    ((due, _),) = through.carry(packet(4, size=72), 1.0)[1]
    assert due == pytest.approx(1.1)


def test_what_finds_the_queue_full_is_lost() -> None:
    through = cable(rule("rate", bits=8_000, queue=2))
    sent = [packet(number, size=72) for number in range(1, 7)]
    assert [number for _, number in carried(through, sent, every=0.01)] == [1, 2, 3]
    assert passage(through, packet(7, size=72), at=0.11).departures == [pytest.approx(0.4)]


def test_all_that_share_a_cable_share_its_rate_and_pairs_have_their_own() -> None:
    sent = [packet(1, 2, size=72), packet(2, 3, size=72)]
    shared = carried(cable(rule("rate", bits=8_000, queue=9)), sent, every=0.0)
    assert [at for at, _ in shared] == pytest.approx([0.1, 0.2])
    pairs = rule("rate", bits=8_000, queue=9, target=["u2", "u3"])
    assert [at for at, _ in carried(cable(pairs), sent, every=0.0)] == pytest.approx([0.1, 0.1])


# Scope


def test_a_rule_for_a_pair_speaks_about_that_pair_alone() -> None:
    through = cable(rule("cut", target=["u2"]))
    assert passage(through, packet(to=2)).lost
    assert through.carry(packet(to=3), 0.0)[0] is None


def test_a_rule_for_who_receives_acts_at_the_receivers_cable() -> None:
    to_two = rule("loss", chance=1.0, source=None, target=["u2"])
    assert cable(to_two).is_plain
    assert passage(cable(to_two, node="u2", leaving=False), packet()).lost
    assert cable(to_two, node="u3", leaving=False).is_plain


def test_a_rule_for_everybody_acts_once_where_packets_leave() -> None:
    everybody = rule("loss", chance=1.0, source=None)
    assert passage(cable(everybody), packet()).lost
    assert cable(everybody, node="u2", leaving=False).is_plain
    router = Cable(1, NAMES.__getitem__, "r", leaving=True, routes=True)
    router.put([everybody])
    assert router.is_plain


def test_what_is_cut_is_cut_at_both_ends() -> None:
    cut = rule("cut", target=["u2"])
    arriving = cable(cut, node="u2", leaving=False)
    assert passage(arriving, packet(by=1)).lost
    assert arriving.carry(packet(by=3), 0.0)[0] is None


def test_a_rule_for_a_protocol_or_a_port_lets_all_else_pass() -> None:
    tcp = parse(frames.tcp((1, 2), SYN, (1, 0), ports=(6000, 80)))
    assert tcp is not None
    assert passage(cable(rule("cut", protocol="tcp")), tcp).lost
    assert cable(rule("cut", protocol="udp")).carry(tcp, 0.0)[0] is None
    for port, spoken_of in ((80, True), (6000, True), (81, False)):
        assert (cable(rule("cut", port=port)).carry(tcp, 0.0)[0] is not None) is spoken_of


def test_of_segments_those_that_carry_something_are_counted() -> None:
    through = cable(rule("drop-these", which=[[1, 1]], protocol="tcp"))
    for flags, payload, lost in ((SYN, b"", None), (ACK, b"", None), (ACK, b"x", True)):
        segment = parse(frames.tcp((1, 2), flags, (1, 0), payload))
        assert segment is not None
        made, _ = through.carry(segment, 0.0)
        assert (made.lost if made else None) is lost


# Changes


def test_the_same_impairment_for_the_same_scope_takes_the_place_of_the_first() -> None:
    def delay(seconds: float, **scope: object) -> Rule:
        return rule(
            "delay", id=f"{seconds}", seconds=seconds, jitter=0.0, keeps_order=True, **scope
        )

    through = cable(delay(0.1))
    through.put([delay(0.2)])
    assert passage(through, packet()).departures == [pytest.approx(0.2)]
    through.put([delay(0.3, target=["u2"])])
    assert passage(through, packet()).departures == [pytest.approx(0.5)]
    through.put([rule("off", kind="delay")])
    assert passage(through, packet()).departures == [pytest.approx(0.3)]


def test_loss_of_one_kind_takes_the_place_of_the_other() -> None:
    through = cable(rule("loss", chance=1.0))
    through.put([rule("bursts", p=0.0, r=1.0, lost_in_burst=1.0, lost_otherwise=0.0)])
    assert not passage(through, packet()).lost


def test_heal_ends_the_rules_of_a_name_or_all() -> None:
    through = cable(
        rule("loss", chance=1.0, name="storm"),
        rule("delay", seconds=1.0, jitter=0.0, keeps_order=True),
    )
    through.heal("another")
    assert passage(through, packet()).lost
    through.heal("storm")
    assert passage(through, packet()).departures == [1.0]
    through.heal(None)
    assert through.is_plain


def test_a_rule_that_was_exhausted_does_nothing_more_and_a_new_one_counts_anew() -> None:
    through = cable(rule("drop-these", which=[[1, 1]]))
    assert numbers(through, 3) == [2, 3]
    through.put([rule("drop-these", id="2.0", which=[[1, 1]])])
    assert numbers(through, 3) == [2, 3]


def test_what_did_something_to_a_packet_is_told_in_order() -> None:
    through = cable(
        rule("delay", seconds=1.0, jitter=0.0, keeps_order=True, id="0.1", shown="delay: 1s"),
        rule("duplicate-these", which=[[1, 1]], id="3.2", shown="duplicate: 1"),
    )
    told = passage(through, packet())
    assert [each.place for each in told.by] == ["step 3 (duplicate: 1)", "the start (delay: 1s)"]
    assert told.departures == [1.0, 1.0]


def test_what_one_protocol_does_changes_nothing_for_another() -> None:
    lossy = rule("loss", chance=0.3)
    alone = decisions(1, lossy)
    mixed = cable(lossy, seed=1)
    segment = parse(frames.tcp((1, 2), ACK, (1, 0)))
    assert segment is not None
    passed = []
    for number in range(1, 201):
        mixed.carry(segment, 0.0)
        passed += [number_of(frame) for _, frame in mixed.carry(packet(number), 0.0)[1]]
    assert passed == alone


def test_all_strangers_are_one_flow() -> None:
    through = cable(rule("drop-these", which=[[2, 2]]))
    lost = [passage(through, packet(to=stranger)).lost for stranger in range(10, 14)]
    assert lost == [False, True, False, False]


def test_what_has_waited_is_not_held_again_by_a_rule_that_has_ended() -> None:
    through = cable(rule("swap-these", first=1, second=3), rule("reorder", chance=1.0), seed=1)
    passage(through, packet(1))
    through.heal(None)
    assert [number_of(frame) for _, frame in through.release(0.5)] == [1]
    assert through.is_plain


def test_what_is_lost_after_it_has_waited_is_told_later() -> None:
    through = cable(rule("swap-these", first=1, second=2), rule("rate", bits=8_000, queue=0))
    assert numbers(through, 2, every=0.001) == [2]
    (late,) = through.lost_late
    assert late.told()["fate"] == "dropped"
    assert [each.effect for each in late.by] == ["swap-these", "rate"]
