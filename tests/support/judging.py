"""A scenario and what is told of its run, for tests of single checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peerlab.checks.judge import CHECKS
from peerlab.checks.messages import Messages
from peerlab.checks.verdict import Finding
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from tests.support.journals import evidence

NODES = ("server", "alice", "bob", "carol")
IPS = {name: f"10.9.0.{number}" for number, name in enumerate(NODES, start=1)}
LAB = [
    Event(
        0.0,
        Kind.DEPLOYED,
        name,
        "",
        {"ip": ip, "program": "server" if name == "server" else "client"},
    )
    for name, ip in IPS.items()
]


def at(time: float, kind: Kind, node: str | None, text: str = "", **detail: Any) -> Event:  # noqa: ANN401 - whatever a journal holds
    """Something happens at a time."""
    return Event(time, kind, node, text, detail)


@dataclass
class Case:
    """A scenario with one check, its nodes those of the chat."""

    path: Path
    check: str
    steps: str = "- alice: login"
    head: str = ""

    @property
    def scenario(self) -> Scenario:
        """The scenario, loaded as every other."""
        file = self.path / "scenario.yaml"
        nodes = "nodes: {server: server, alice: client, bob: client, carol: client}"
        checks = "\n".join(f"  {line}" for line in self.check.splitlines())
        file.write_text(
            f"title: x\n{self.head}\n{nodes}\nsteps:\n{self.steps}\nchecks:\n{checks}\n",
            encoding="utf-8",
        )
        return load_scenario(file, programs=known_programs())

    def judge(self, events: Sequence[Event], variables: object = None) -> list[Finding]:
        """What the check finds in a run with these events."""
        end = at(99.0, Kind.END, None, variables=variables or known())
        told = evidence(self.path / "run", [*LAB, *events, end], complete=False)
        return self.judge_evidence(told)

    def judge_evidence(self, told: Evidence) -> list[Finding]:
        """What the check finds in evidence."""
        scenario = self.scenario
        (spec,) = scenario.checks
        return CHECKS[spec.name](Messages(told), spec, scenario)


def known(**more: dict[str, str]) -> dict[str, dict[str, str]]:
    """The variables at the end of a run: names, addresses, and more."""
    return {name: {"name": name, "ip": ip} | more.get(name, {}) for name, ip in IPS.items()}


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """The outcome and the message of each finding."""
    return [(finding.outcome.value, finding.message) for finding in findings]
