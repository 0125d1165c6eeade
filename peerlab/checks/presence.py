"""`presence`: every list of who is there that a node was shown has those on it who were.

What programs print says when nodes are in and what they were shown (`presence` in a program file).
A list shows some moment between the last line typed before it and its own line; who came or went
meanwhile may be on it or not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from peerlab.checks.searching import find_all, find_first
from peerlab.checks.sessions import Session, Typing, sessions
from peerlab.checks.verdict import Finding, Outcome, worst
from peerlab.evidence.journal import Kind
from peerlab.evidence.reading import Evidence, NodeEvidence
from peerlab.scenario.model import CheckSpec, Scenario
from peerlab.scenario.values import no_variables

_MOST_FINDINGS: Final = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """A list that a node was shown.

    Attributes:
        asked: when the node typed its last line before that.
        at: when it was shown.
        addresses: those on it.
    """

    node: str
    asked: float
    at: float
    addresses: tuple[str, ...]
    line: str


def check(evidence: Evidence, spec: CheckSpec, scenario: Scenario) -> list[Finding]:
    """Compare every list with the sessions of the nodes at that time."""
    settle, within = spec.arguments["settle"], spec.arguments["within"]
    assert isinstance(settle, float)  # noqa: S101 - the loader made it so
    assert within is None or isinstance(within, float)  # noqa: S101 - the loader made it so
    known = sessions(evidence, scenario, settle, within)
    if not known:
        message = "no node's program file says how its program tells who is there ('presence')"
        return [Finding(spec.name, Outcome.UNKNOWN, message, None, spec.where)]
    lists = [shown for name in known for shown in lists_shown(evidence.nodes[name], scenario)]
    if not lists:
        message = "no node was ever shown a list, so there is nothing to compare"
        return [Finding(spec.name, Outcome.UNKNOWN, message, None, spec.where)]
    register = Register(
        known,
        evidence.addresses,
        frozenset(address for shown in lists for address in shown.addresses),
    )
    judged = [(shown, register.judge(shown)) for shown in lists]
    wrong = [(shown, said) for shown, said in judged if said is not None]
    if not wrong:
        message = f"{len(lists)} lists had those on them who were there"
        return [Finding(spec.name, Outcome.PASSED, message, None, spec.where)]
    share = 1 - len(wrong) / len(lists)
    # What is wrong for sure comes first: there is no end to what may be said else.
    wrong.sort(key=lambda each: (each[1].outcome is not Outcome.FAILED, each[0].at))
    findings = [
        Finding(
            spec.name,
            said.outcome,
            f"at {shown.at:.3f} s {shown.node} was shown a list {said.text}",
            shown.node,
            spec.where,
            shown.line,
            share=share,
        )
        for shown, said in wrong[:_MOST_FINDINGS]
    ]
    if len(wrong) > _MOST_FINDINGS:
        rest = wrong[_MOST_FINDINGS:]
        message = f"{len(rest)} more lists are wrong or cannot be judged"
        outcome = worst([said.outcome for _, said in rest])
        findings.append(Finding(spec.name, outcome, message, None, spec.where, share=share))
    return findings


def lists_shown(node: NodeEvidence, scenario: Scenario) -> Iterator[Shown]:
    """The lists that a node was shown."""
    presence = scenario.nodes[node.name].program.presence
    assert presence is not None  # noqa: S101 - it has sessions
    listed, entry = presence.listed.compile(no_variables), presence.entry.compile(no_variables)
    typing = Typing()
    for event in node.journal:
        is_list = event.kind is Kind.PRINTED and not event.detail.get("notice")
        if is_list and find_first(listed, event.text):
            found = tuple(str(match["ip"]) for match in find_all(entry, event.text))
            yield Shown(node.name, typing.since, event.at, found, event.text.rstrip("\n"))
        typing.take(event)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is not right with a list, or cannot be told."""

    outcome: Outcome
    text: str


@dataclass(frozen=True)
class Register:
    """Who was in when.

    Attributes:
        sessions: by node.
        names: the nodes by their addresses.
        listed: all addresses that any list ever had. A node whose own is not among them may be
            listed with that of a NAT.
    """

    sessions: Mapping[str, Sequence[Session]]
    names: Mapping[str, str]
    listed: frozenset[str]

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The nodes that are never listed with their own address."""
        return frozenset(self.sessions).difference(map(self.names.get, self.listed))

    def judge(self, shown: Shown) -> Wrong | None:
        """What is wrong with a list; None: nothing."""
        counts = Counter(self.names.get(address, "") for address in shown.addresses)
        strangers = counts.pop("", 0)
        said = [f"with {name}, which never joins" for name in counts if name not in self.sessions]
        unseen: list[str] = []
        room = 0
        for name, own in self.sessions.items():
            count = counts[name]
            least = most = 0
            for session in own:
                most += not session.is_out(shown.asked, shown.at)
                least += session.is_in(shown.asked, shown.at)
            room += most if name in self.hidden else 0
            if count > most:
                said.append(_surplus(name, own, shown, count))
            elif count < least:
                (unseen if name in self.hidden else said).append(_missing(name, own, shown))
        if strangers < len(unseen):
            beside = f"with {strangers} addresses of no node, and " if strangers else ""
            said.insert(0, beside + ", ".join(unseen))
        if said:
            return Wrong(Outcome.FAILED, ", ".join(said))
        if strangers > room:
            address = next(ip for ip in shown.addresses if ip not in self.names)
            return Wrong(Outcome.UNKNOWN, f"with {address}, which is the address of no node")
        return None


def _missing(name: str, own: Sequence[Session], shown: Shown) -> str:
    joined = next(each.joined for each in own if each.is_in(shown.asked, shown.at))
    return f"without {name}, who had joined at {joined:.3f} s"


def _surplus(name: str, own: Sequence[Session], shown: Shown, count: int) -> str:
    if count > 1:
        return f"with {name} {count} times"
    left = filter(None, (session.why_gone(shown.asked, shown.at) for session in own))
    why = next((absence.what for absence in left), "had not joined")
    return f"with {name}, who {why}"
