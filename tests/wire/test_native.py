"""Which rules are the kernel's, and which stay with the wire."""

from collections.abc import Sequence

import pytest

from peerlab.wire.cable import Cable
from peerlab.wire.native import MOST_JITTER, can_have
from peerlab.wire.rules import Rule
from tests.wire.test_cable import NAMES, numbers, rule

DELAY = {"seconds": 0.05, "jitter": 0.0, "keeps_order": True}
FREE = {"seconds": 3.0, "jitter": 0.01, "keeps_order": False}
MODEL = {"p": 0.1, "r": 0.5, "lost_in_burst": 1.0, "lost_otherwise": 0.0}


def cable(*rules: Rule, leaving: bool = True, native: bool = True) -> Cable:
    made = Cable(7, lambda address: NAMES.get(address, "?"), "u1", leaving=leaving, native=native)
    made.put(rules)
    return made


def shown(rules: Sequence[Rule]) -> list[str]:
    return [rule.shown for rule in rules]


@pytest.mark.parametrize(
    "asked",
    [
        rule("delay", **DELAY),
        rule("delay", **FREE),
        rule("delay", source=None, target=["u1"], **DELAY),
        rule("delay", source=None, **DELAY),
        rule("loss", chance=0.1),
        rule("bursts", **MODEL),
        rule("duplicate", chance=0.1),
        rule("corrupt", chance=0.1, detected=True),
        rule("rate", bits=1000, queue=10),
    ],
    ids=lambda asked: asked.shown,
)
def test_the_kernel_can_have_what_is_about_a_whole_cable(asked: Rule) -> None:
    assert can_have(asked)


@pytest.mark.parametrize(
    "asked",
    [
        rule("delay", target=["u2"], **DELAY),
        rule("delay", protocol="udp", **DELAY),
        rule("delay", protocol="udp", port=53, **DELAY),
        rule("delay", **FREE | {"keeps_order": True}),
        rule("delay", **FREE | {"jitter": MOST_JITTER + 0.1}),
        rule("corrupt", chance=0.1, detected=False),
        rule("reorder", chance=0.1),
        rule("drop-these", which=[[1, 1]]),
        rule("cut"),
        rule("off", kind="delay"),
    ],
    ids=["pair", "udp", "port", "order", "jitter", "delivered", "reorder", "drop", "cut", "off"],
)
def test_the_wire_keeps_what_the_kernel_has_no_words_for(asked: Rule) -> None:
    assert not can_have(asked)


def test_a_rule_is_followed_by_the_kernel_or_by_the_wire() -> None:
    lost = cable(rule("loss", chance=1.0), rule("drop-these", which=[[2, 2]]))
    assert shown(lost.by_kernel) == ["loss"]
    assert numbers(lost, 3) == [1, 3]
    assert numbers(cable(rule("loss", chance=1.0), native=False), 3) == []


def test_each_end_of_the_cable_has_its_own_rules() -> None:
    rules = [rule("delay", **DELAY), rule("loss", source=None, target=["u1"], chance=0.5)]
    assert shown(cable(*rules).by_kernel) == ["delay"]
    assert shown(cable(*rules, leaving=False).by_kernel) == ["loss"]


def test_what_the_kernel_does_already_for_other_packets_the_wire_does_besides() -> None:
    both = cable(rule("loss", chance=0.5), rule("bursts", id="2.0", source=None, **MODEL))
    assert shown(both.by_kernel) == ["loss"]
    assert not both.is_plain


@pytest.mark.parametrize("effect", ["loss", "bursts"])
def test_a_rule_takes_the_place_of_its_like_whoever_follows_it(effect: str) -> None:
    first = rule(effect, **MODEL, chance=1.0)
    second = rule("loss", id="2.0", shown="second", chance=0.2)
    changed = cable(first, second)
    assert (shown(changed.by_kernel), changed.is_plain) == (["second"], True)


def test_the_wire_takes_over_what_the_kernel_has_no_words_for_any_more_and_back() -> None:
    changed = cable()
    seen = []
    for number, keeps_order in enumerate([False, True, False]):
        changed.put([rule("delay", id=f"{number}.0", **FREE | {"keeps_order": keeps_order})])
        seen.append((len(changed.by_kernel), changed.is_plain))
    assert seen == [(1, True), (0, False), (1, True)]


def test_the_kernels_rules_end_by_another_of_nothing_and_by_healing() -> None:
    changed = cable(rule("delay", **DELAY), rule("loss", name="storm", chance=0.5))
    changed.put([rule("off", id="2.0", kind="delay")])
    assert shown(changed.by_kernel) == ["loss"]
    changed.heal("another")
    assert shown(changed.by_kernel) == ["loss"]
    changed.heal("storm")
    assert changed.by_kernel == ()
