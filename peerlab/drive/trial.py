"""Before a run: does the wire do what the steps will ask of it? Measured, and compared.

For every change of the network that the scenario makes, a few datagrams go from one node to another
under its rules alone. Which arrive, and when, must be what the rules decide.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from statistics import median
from typing import Any, Final

from peerlab.backend.base import Arrival, Departure, LabWire
from peerlab.scenario.model import Network
from peerlab.wire.trial import Trial, carry, digest, rest, stamp_of

DATAGRAMS: Final = 12
"""How many are sent for one change, more where the rules speak of later ones."""

_MOST_DATAGRAMS: Final = 40
_MOST_TRIALS: Final = 64
_AT_ONCE: Final = 6
"""How many trials share a moment: more would be late because of each other."""
TRIES: Final = 8
"""How often is measured before the wire is believed to be wrong: a machine may be busy."""

WINDOW: Final = 0.4
"""Seconds for which arrivals are awaited at most; what is to come later is not looked at."""

MARGIN: Final = 0.02
TOLERANCE: Final = 0.01
"""Seconds by which the median of arrivals may be late."""

NO_MAC: Final = bytes(6)

Rules = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a step does to the network: the step's number (0: the start) and rules."""

    step: int
    rules: Rules


@dataclass(frozen=True, slots=True)
class Plan:
    """One trial: a change, and what is sent from whom to whom."""

    change: Change
    trial: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one trial.

    Attributes:
        sent: how many datagrams.
        expected: how many of them were to arrive while it was looked.
        arrived: how many did.
        late: by how many seconds, at the median.
        wrong: what is not as it was asked for; None: nothing.
    """

    plan: Plan
    sent: int
    expected: int
    arrived: int
    late: float
    wrong: str | None

    def as_dict(self) -> dict[str, object]:
        """For the journal."""
        trial = self.plan.trial
        return {
            "step": self.plan.change.step,
            "rules": [rule["shown"] for rule in self.plan.change.rules],
            "from": trial["sender"],
            "to": trial["receiver"],
            "sent": self.sent,
            "expected": self.expected,
            "arrived": self.arrived,
            "late": round(self.late, 6),
            "wrong": self.wrong,
            "native": trial["native"],
        }


def plans(changes: Sequence[Change], network: Network, addresses: Mapping[str, str]) -> list[Plan]:
    """What to try: every change, between nodes that share a segment."""
    made: list[Plan] = []
    for change in changes:
        tried = set()
        for rule in change.rules:
            ends = _ends(rule, network, addresses)
            if ends is not None and ends not in tried and len(made) < _MOST_TRIALS:
                tried.add(ends)
                sender, receiver, target = ends
                trial = {
                    "number": len(made),
                    "count": _count(change.rules),
                    "rules": change.rules,
                    "sender": sender,
                    "receiver": receiver,
                    "source": addresses[sender],
                    "destination": addresses[target],
                    "native": False,
                }
                made.append(Plan(change, trial))
    return made


def measure(
    wire: LabWire, tried: Sequence[Plan], seed: int, addresses: Mapping[str, str]
) -> list[Finding]:
    """Try it, again where it is not as asked for, and say what came of it the last time.

    Raises:
        LabError: the wire does not obey.
    """
    if len(tried) > _AT_ONCE:
        return [
            finding
            for first in range(0, len(tried), _AT_ONCE)
            for finding in measure(wire, tried[first : first + _AT_ONCE], seed, addresses)
        ]
    findings: list[Finding] = []
    for _ in range(TRIES if tried else 0):
        sent, arrived = wire.measure(
            [plan.trial for plan in tried], _window(tried, seed, addresses)
        )
        findings = [compare(plan, sent, arrived, seed, addresses) for plan in tried]
        if all(finding.wrong is None for finding in findings):
            break
    return findings


def compare(
    plan: Plan,
    sent: Sequence[Departure],
    arrived: Sequence[Arrival],
    seed: int,
    addresses: Mapping[str, str],
) -> Finding:
    """Compare what arrived in a trial with what its rules decide about what was sent."""
    own = plan.trial["number"]
    left = {each.number: each.at for each in sent if each.trial == own}
    came = [each for each in arrived if each.trial == own]
    until = min(left.values(), default=0.0) + WINDOW - MARGIN
    decided = list(_decided(plan, left, seed, addresses))
    due = [each for each in decided if each.at < until]
    surplus = _contents(came) - _contents(due)
    missing = _contents(due) - _contents(came)
    late = list(_lateness(due, came))
    behind = median(late) if late else 0.0
    wrong = None
    if not left:
        wrong = "nothing could be sent"
    # What is due only after the window may come while it is open, but need not.
    elif missing or surplus - _contents(each for each in decided if each.at >= until):
        wrong = f"{_numbers(due)} should arrive, and {_numbers(came)} did"
    elif behind > TOLERANCE:
        wrong = f"datagrams came {behind * 1000:.1f} ms late at the median"
    return Finding(plan, len(left), len(due), len(came), behind, wrong)


def _decided(
    plan: Plan, left: Mapping[int, float], seed: int, addresses: Mapping[str, str]
) -> Iterator[Arrival]:
    """Which datagrams arrive, and when, as the rules decide."""
    names = {ip_address(address).packed: name for name, address in addresses.items()}
    trial = Trial(plan.trial, seed, lambda address: names.get(address, ""))
    frames = [(at, trial.frame(number, NO_MAC, NO_MAC)) for number, at in sorted(left.items())]
    for cable in (trial.leaving, trial.arriving):
        passed = [one for at, frame in frames for one in carry(cable, frame, at)]
        passed += rest(cable)
        frames = sorted(passed, key=lambda delivery: delivery[0])
    for at, frame in frames:
        stamp = stamp_of(frame)
        if stamp is not None:
            yield Arrival(*stamp, at, digest(frame))


def _contents(arrivals: Iterable[Arrival]) -> Counter[tuple[int, int]]:
    return Counter((each.number, each.digest) for each in arrivals)


def _lateness(due: Sequence[Arrival], came: Sequence[Arrival]) -> Iterator[float]:
    """How many seconds after its time each came."""
    times = defaultdict[int, list[float]](list)
    for each in sorted(came, key=lambda arrival: arrival.at):
        times[each.number].append(each.at)
    for each in sorted(due, key=lambda arrival: arrival.at):
        if times[each.number]:
            yield times[each.number].pop(0) - each.at


def _numbers(arrivals: Sequence[Arrival]) -> str:
    return ", ".join(str(each.number) for each in sorted(arrivals)) or "none"


def _window(tried: Sequence[Plan], seed: int, addresses: Mapping[str, str]) -> float:
    """How long arrivals are awaited: up to the last, if that is not too long."""
    last = 0.0
    for plan in tried:
        at_once = dict.fromkeys(range(1, plan.trial["count"] + 1), 0.0)
        last = max([last, *(each.at for each in _decided(plan, at_once, seed, addresses))])
    return min(WINDOW, last + 2 * MARGIN)


def _count(rules: Rules) -> int:
    """How many datagrams are to be sent so that every rule has its say."""
    last: list[int] = [
        rule["second"] if "second" in rule else max(which[1] for which in rule["which"])
        for rule in rules
        if "second" in rule or "which" in rule
    ]
    return min(_MOST_DATAGRAMS, max([DATAGRAMS, *(number + 1 for number in last)]))


def _ends(
    rule: Mapping[str, Any], network: Network, addresses: Mapping[str, str]
) -> tuple[str, str, str] | None:
    """Who sends under a rule, which neighbour gets it, and for whom it is; None: nobody can."""
    if rule["from"] is None and rule["to"] is not None:
        for target in rule["to"]:
            for neighbour in _neighbours(target, network):
                return neighbour, target, target
        return None
    for sender in rule["from"] or addresses:
        others = [name for name in rule["to"] or addresses if name != sender and name in addresses]
        beside = _neighbours(sender, network) or _router_of(sender, network)
        if others and beside:
            receiver = next((name for name in others if name in beside), beside[0])
            # What the rule speaks about is told by addresses, whoever gets it.
            target = receiver if rule["to"] is None and receiver in addresses else others[0]
            return sender, receiver, target
    return None


def _neighbours(node: str, network: Network) -> list[str]:
    """The other nodes on a node's segment."""
    for names in network.segments.values():
        if node in names:
            return [name for name in names if name != node]
    return []


def _router_of(node: str, network: Network) -> list[str]:
    """A router that has its first interface on a node's segment, if there is one."""
    return [
        router.name
        for router in network.routers.values()
        if node in network.segments[router.segments[0]]
    ][:1]
