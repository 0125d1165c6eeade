"""Always on: the network that the scenario asked for was the one that the nodes had."""

from typing import Final

from peerlab.checks.verdict import Finding, Outcome
from peerlab.evidence.journal import Event
from peerlab.evidence.reading import Evidence

NAME: Final = "wire"
MOST_LATE: Final = 0.1
"""Which part of the packets that the wire delays may be handed on late."""
FEW_LATE: Final = 5
"""Up to how many may be in any case: a busy machine is late now and then."""
TOO_LATE: Final = 0.5
"""Seconds by which none may be late."""


def check(evidence: Evidence) -> list[Finding]:
    """Unknown if the wire did not do what was asked for when it was tried, or came not along."""
    totals = evidence.wire_totals
    missed = sum(int(event.detail["missed"]) for event in totals)
    timed = sum(int(event.detail.get("timed", 0)) for event in totals)
    late = sum(int(event.detail.get("late", 0)) for event in totals)
    tried = evidence.told_by_wire("tried")
    messages = [_not_as_asked(event) for event in tried if event.detail["wrong"]]
    overflowed = sum(int(event.detail.get("overflowed", 0)) for event in totals)
    messages += [
        f"{event.detail['part']} did not tell how it ended"
        for event in evidence.told_by_wire("silent")
    ]
    stood_still = max((float(event.detail.get("stood_still", 0)) for event in totals), default=0)
    if stood_still > TOO_LATE:
        messages.append(f"the wire stood still for {stood_still:.3g} s")
    if overflowed:
        messages.append(f"the wire lost {overflowed} frames: more waited than it can keep")
    if missed:
        messages.append(f"the wire missed {missed} frames: more came than this machine can hand on")
    latest = max((float(event.detail.get("latest", 0)) for event in totals), default=0)
    if late > max(FEW_LATE, timed * MOST_LATE) or latest > TOO_LATE:
        messages.append(
            f"the wire handed on {late} of {timed} delayed packets late, one of them by "
            f"{latest:.3g} s: this machine is too busy"
        )
    return [Finding(NAME, Outcome.UNKNOWN, message) for message in messages]


def _not_as_asked(event: Event) -> str:
    step = event.detail["step"]
    where = f"step {step}" if step else "the start"
    rules = ", ".join(event.detail["rules"])
    pair = f"{event.detail['from']} to {event.detail['to']}"
    return f"the wire does not do what {where} asks for ({rules}): {pair}, {event.detail['wrong']}"
