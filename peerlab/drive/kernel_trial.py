"""Before a run whose network is the kernel's in part: does the kernel do what it is to do?

What it decides by chance cannot be known before. So datagrams are sent under each change's rules
that it has, and how many arrive, and when, must be within what these rules allow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from peerlab.backend.base import Arrival, Departure, LabWire
from peerlab.drive.trial import MARGIN, NO_MAC, TOLERANCE, TRIES, WINDOW, Change, Finding, Plan
from peerlab.wire.native import can_have
from peerlab.wire.rules import Rule
from peerlab.wire.trial import Trial

_EARLY: Final = 0.001
"""Seconds by which the time of sending may be noted late."""

_ETHERNET_HEADER: Final = 14


@dataclass(frozen=True, slots=True)
class Bounds:
    """What rules allow: how many datagrams arrive, and how many seconds after they were sent."""

    fewest: int
    most: int
    earliest: float = 0.0
    latest: float = 0.0

    def under(self, rule: Rule, bits: int) -> "Bounds":
        """What is allowed under one more rule, if a datagram has so many bits."""
        told = rule.arguments
        match rule.effect:
            case "delay":
                return replace(
                    self,
                    earliest=self.earliest + told["seconds"] - told["jitter"],
                    latest=self.latest + told["seconds"] + told["jitter"],
                )
            case "rate":
                one = bits / told["bits"]
                latest = self.latest + one * self.most
                # Those that find the queue full are lost.
                fewest = min(self.fewest, told["queue"])
                return replace(self, fewest=fewest, earliest=self.earliest + one, latest=latest)
            case "duplicate":
                fewest = self.fewest * 2 if told["chance"] == 1 else self.fewest
                return replace(self, fewest=fewest, most=self.most * 2)
            case "loss" if told["chance"] == 1:
                return replace(self, fewest=0, most=0)
            case _:
                return replace(self, fewest=0)


def split(changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """What the wire does of changes, and what the kernel does."""
    by_wire: list[Change] = []
    by_kernel: list[Change] = []
    for change in changes:
        for found, kernels in ((by_wire, False), (by_kernel, True)):
            rules = [rule for rule in change.rules if can_have(Rule(rule)) is kernels]
            found.append(Change(change.step, rules))
    return by_wire, by_kernel


def measure(wire: LabWire, tried: Iterable[Plan]) -> list[Finding]:
    """Try one after the other, as they are about the same devices, and say what came of each.

    Raises:
        LabError: the wire does not obey.
    """
    return [_measure(wire, Plan(plan.change, {**plan.trial, "native": True})) for plan in tried]


def _measure(wire: LabWire, plan: Plan) -> Finding:
    bounds = _bounds(plan)
    # Where all is lost, too, something might come.
    window = min(WINDOW, bounds.latest + 2 * MARGIN)
    if bounds.latest > window - MARGIN:
        bounds = replace(bounds, fewest=0)
    finding = compare(plan, bounds, *wire.measure([plan.trial], window))
    for _ in range(TRIES - 1):
        if finding.wrong is None:
            break
        finding = compare(plan, bounds, *wire.measure([plan.trial], window))
    return finding


def compare(
    plan: Plan, bounds: Bounds, sent: Sequence[Departure], arrived: Sequence[Arrival]
) -> Finding:
    """Compare what arrived with what is allowed."""
    own = plan.trial["number"]
    left = {each.number: each.at for each in sent}
    came = [each for each in arrived if each.trial == own and each.number in left]
    times = [each.at - left[each.number] for each in came]
    typical = median(times) if times else bounds.earliest
    wrong = None
    if not left:
        wrong = "nothing could be sent"
    elif not bounds.fewest <= len(came) <= bounds.most:
        allowed = f"{bounds.fewest} to {bounds.most}"
        wrong = f"{allowed} datagrams should arrive, and {len(came)} did"
    elif min(times, default=typical) < bounds.earliest - _EARLY:
        wrong = f"a datagram came after {min(times) * 1000:.1f} ms"
    elif typical > bounds.latest + TOLERANCE:
        wrong = f"datagrams came after {typical * 1000:.1f} ms at the median"
    late = max(0.0, typical - bounds.latest)
    return Finding(plan, len(left), bounds.fewest, len(came), late, wrong)


def _bounds(plan: Plan) -> Bounds:
    trial = Trial(plan.trial, 0, lambda _address: "")
    bits = (len(trial.frame(1, NO_MAC, NO_MAC)) - _ETHERNET_HEADER) * 8
    bounds = Bounds(trial.count, trial.count)
    for cable in (trial.leaving, trial.arriving):
        # A copy is made before it is delayed and counted.
        for rule in sorted(cable.by_kernel, key=lambda rule: rule.order):
            bounds = bounds.under(rule, bits)
    return bounds
