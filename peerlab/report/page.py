"""What the page of a run says: plain data from its result and its evidence, for a template."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Judged, Outcome
from peerlab.evidence.journal import Event
from peerlab.evidence.reading import Evidence
from peerlab.report.account import points_of, proof_title
from peerlab.report.captures import Capture, read_captures
from peerlab.report.conditions import read_conditions
from peerlab.report.curves import Curves, draw_streams
from peerlab.report.details import texts_in
from peerlab.report.diagram import Diagram, draw
from peerlab.report.onward import router_addresses
from peerlab.report.plots import MOST_PAIRS, draw_latencies, draw_losses
from peerlab.report.streams import read_streams
from peerlab.report.terminals import Terminal, read_terminal, share_of_each
from peerlab.report.traffic import losses, read_traffic

SYMBOLS: Final = {
    Outcome.PASSED: "\N{CHECK MARK}",
    Outcome.FAILED: "\N{BALLOT X}",
    Outcome.UNKNOWN: "?",
}
MOST_FINDINGS: Final = 50
"""Findings shown one by one, of the failed and unknown, and of the passed ones."""
_AROUND: Final = 2
_LONGEST_PROOF: Final = 8 * 1024
_LONGEST_MESSAGE: Final = 1000
_MOST_SENTENCES: Final = 20
_MORE: Final = re.compile(r"and [\d,]+ more")
_MOST_LINES: Final = 2000
_OPEN_TERMINALS: Final = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as the page shows it: bounded, and raw text, for the template to escape."""

    outcome: Outcome
    check: str
    title: str
    message: str
    where: str
    why: Sequence[str]
    more: str
    proof: str
    proof_title: str
    excerpt: Sequence[tuple[int, str, bool]]


@dataclass(frozen=True, slots=True)
class Plots:
    """Drawings, each None where there is nothing to be drawn."""

    latencies: str | None
    losses: str | None
    pairs_left_out: int
    streams: Curves | None


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page says."""

    outcome: Outcome
    symbol: str
    title: str
    about: Sequence[str]
    name: str
    points: str
    replay: str
    hint: str
    facts: Sequence[tuple[str, str]]
    troubles: Sequence[Found]
    passed: Sequence[Found]
    findings_left_out: int
    diagram: Diagram | None
    terminals: Sequence[tuple[Terminal, bool]]
    plots: Plots
    captures: Sequence[Capture]
    scenario: Sequence[tuple[int, str]]
    counts: Sequence[tuple[str, int]]
    seconds: float


def describe(result: Result, evidence: Evidence, beside: Path) -> Page:
    """Say what came of a run, for a page that is to stand in the directory `beside`.

    Raises:
        UsageError: its evidence cannot be read.
    """
    journal = evidence.journal
    scenario = result.scenario
    nodes = evidence.nodes
    troubles = [found for found in _all(result) if found[1].outcome is not Outcome.PASSED]
    troubles.sort(key=lambda found: found[1].outcome is not Outcome.FAILED)
    passed = [found for found in _all(result) if found[1].outcome is Outcome.PASSED]
    named = {finding.node for _, finding in troubles if finding.node is not None}
    routers = scenario.network.routers
    traffic = read_traffic(journal, evidence.addresses, routers)
    names = {name: f"{node.ip or ''} {node.program or ''}".strip() for name, node in nodes.items()}
    names |= {
        name: " ".join(["router", *found])
        for name, found in router_addresses(journal, routers).items()
        if name not in names
    }
    share = share_of_each(len(nodes))
    pairs = losses(traffic.passages)
    return Page(
        outcome=result.verdict.outcome,
        symbol=SYMBOLS[result.verdict.outcome],
        title=scenario.title,
        about=[" ".join(part.split()) for part in scenario.about.split("\n\n") if part],
        name=scenario.name,
        points=points_of(result.verdict),
        replay=_replay(result, journal),
        hint=result.error.hint or "" if result.error is not None else "",
        facts=list(_facts(result, journal)),
        troubles=[_found(result, *found) for found in troubles[:MOST_FINDINGS]],
        passed=[_found(result, *found) for found in passed[:MOST_FINDINGS]],
        findings_left_out=sum(max(0, len(of) - MOST_FINDINGS) for of in (troubles, passed)),
        diagram=draw(names, traffic.passages, read_conditions(journal, scenario), named),
        terminals=[
            (read_terminal(node, share), len(nodes) <= _OPEN_TERMINALS or name in named)
            for name, node in nodes.items()
        ],
        plots=Plots(
            draw_latencies(traffic.latencies, result.seconds),
            draw_losses(pairs),
            max(0, len(pairs) - MOST_PAIRS),
            draw_streams(read_streams(evidence, scenario), result.seconds),
        ),
        captures=list(read_captures(result.evidence, beside)),
        scenario=list(_numbered(scenario.text)),
        counts=sorted(Counter(event.kind.value for event in journal).items()),
        seconds=max((event.at for event in journal), default=0.0),
    )


def began_of(journal: Sequence[Event]) -> str:
    """When a run began, to the second, as its journal has it."""
    began = str(journal[0].detail.get("began", "")) if journal else ""
    return began[:19].replace("T", " ") + " UTC" if began else "not known"


def _all(result: Result) -> Iterator[tuple[Judged, Finding]]:
    for judged in result.verdict.checks:
        for finding in judged.findings:
            yield judged, finding


def _found(result: Result, judged: Judged, finding: Finding) -> Found:
    where = finding.where or judged.where
    why, more = _story(finding.why)
    return Found(
        finding.outcome,
        finding.check,
        judged.shown,
        clipped(finding.message, _LONGEST_MESSAGE),
        f"line {where[0]}" if where is not None else "",
        [clipped(told, _LONGEST_MESSAGE) for told in why],
        more,
        clipped(finding.proof, _LONGEST_PROOF),
        proof_title(finding).capitalize(),
        list(_excerpt(result.scenario.text, where[0])) if where is not None else [],
    )


def _story(why: Sequence[str]) -> tuple[Sequence[str], str]:
    """The sentences of a story, and apart from them what says that there is more."""
    if len(why) > _MOST_SENTENCES:
        return why[:_MOST_SENTENCES], f"and {len(why) - _MOST_SENTENCES} more, in verdict.json"
    if why and _MORE.fullmatch(why[-1]):
        return why[:-1], why[-1]
    return why, ""


def _excerpt(text: str, line: int) -> Iterator[tuple[int, str, bool]]:
    """Lines around one: number, text, and whether it is that one."""
    lines = text.removesuffix("\n").split("\n")
    for number in range(max(1, line - _AROUND), min(len(lines), line + _AROUND) + 1):
        yield number, clipped(lines[number - 1], _LONGEST_MESSAGE), number == line


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """The lines of the scenario; of a long one the first, with a line that says so."""
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines[:_MOST_LINES], start=1):
        yield number, clipped(line, _LONGEST_MESSAGE)
    if len(lines) > _MOST_LINES:
        more = len(lines) - _MOST_LINES
        yield _MOST_LINES + 1, f"({more:,} more lines are in scenario.yaml)"


def clipped(text: str, most: int) -> str:
    """The begin of a text, and how much more there is."""
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]}\N{HORIZONTAL ELLIPSIS} ({left:,} more characters)"


def _replay(result: Result, journal: Sequence[Event]) -> str:
    """The command that plays it again, with the same decisions of the network."""
    words = ["peerlab", "run"]
    if journal:
        words += ["--wire", "native"] if journal[0].detail.get("wire") == "native" else []
        for given in texts_in(journal[0], "given"):
            words += ["--program", given]
    return shlex.join([*words, "--seed", str(result.seed), str(result.scenario.path)])


def _facts(result: Result, journal: Sequence[Event]) -> Iterator[tuple[str, str]]:
    yield "played on", began_of(journal)
    yield "duration", f"{result.seconds:.1f} s"
    yield "backend", result.backend
    yield "seed", str(result.seed)
    if result.submission is not None:
        yield "submission", result.submission
    about = journal[0].detail if journal else {}
    yield "run", str(about.get("run", result.evidence.name))
