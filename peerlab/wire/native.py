"""Which rules the kernel can have instead of the wire: those that its netem has words for.

Netem acts on all that a network device sends, so it can have rules for whole cables alone. A device
has one netem, and that does each thing once.
"""

from collections.abc import Iterable

from peerlab.wire.rules import Rule

_DOES = {
    "loss": "loss",
    "bursts": "loss",
    "corrupt": "corruption",
    "duplicate": "duplication",
    "rate": "rate",
    "delay": "delay",
}
"""What netem does for an effect.

Its reordering does for none: it lets some packets overtake all that it delays.
"""

MOST_JITTER = 2.0
"""Seconds; netem counts them in 31 bits of nanoseconds."""


def can_have(rule: Rule) -> bool:
    """Whether the kernel can do what a rule asks for."""
    of_a_whole_cable = rule.sources is None or rule.targets is None
    if not of_a_whole_cable or rule.protocol is not None or rule.port is not None:
        return False
    if rule.effect == "corrupt":
        return bool(rule.arguments["detected"])
    if rule.effect == "delay" and rule.arguments["jitter"]:
        # Netem lets packets overtake each other by it.
        return not rule.arguments["keeps_order"] and rule.arguments["jitter"] <= MOST_JITTER
    return rule.effect in _DOES


def has_room(rule: Rule, beside: Iterable[Rule]) -> bool:
    """Whether the kernel can do that at a cable beside what it does there already."""
    return can_have(rule) and _DOES[rule.effect] not in {_DOES[other.effect] for other in beside}
