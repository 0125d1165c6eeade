"""Streams of datagrams from one node to another, measured by the programs that send and take them.

Both read the clock of the kernel that they share, so what a datagram took on its way is one
difference. The same programs run with any backend, and without a lab.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.played import PROGRAMS, ROOT, Played

SENDER, RECEIVER = "here", "there"
PAYLOAD = 200
HEADERS = 28
"""Bytes of IPv4 and UDP before the payload."""

_QUIET = 0.4
_WITHIN = "30s"


@dataclass(frozen=True, slots=True)
class Stream:
    """So many datagrams, so many a second.

    Attributes:
        wire: what the wire does from here on, as the scenario says it; None: nothing, not even
            what it did before.
        most: how many may arrive, where some are duplicated.
        quiet: seconds without any after which no more are awaited.
    """

    count: int
    rate: int
    wire: str | None = None
    size: int = PAYLOAD
    most: int | None = None
    quiet: float = _QUIET

    @property
    def to_send(self) -> str:
        """What the sender is told."""
        return f"{self.count} {self.rate} {self.size}"

    @property
    def to_collect(self) -> str:
        """What the receiver is told."""
        return f"{self.most or self.count} {self.quiet}"

    @property
    def steps(self) -> list[str]:
        """The steps of a scenario that let it flow."""
        return [
            *([f"wire: {self.wire}"] if self.wire is not None else []),
            f"{RECEIVER}: {{type: '{self.to_collect}'}}",
            f"{RECEIVER}: {{expect: collecting}}",
            f"{SENDER}: {{type: '{RECEIVER} {self.to_send}'}}",
            f"{SENDER}: {{expect: /sent {self.count} .*$/}}",
            f"{RECEIVER}: {{expect: '/\\{{.*\\}}$/'}}",
        ]


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of a stream.

    Attributes:
        arrived: how many came.
        different: how many of these were no copies.
        seconds: between the first and the last.
        percentiles: of the seconds that they were under way, 0 to 100.
        numbers: of those that came, sorted, with copies; where they are few.
        sent_in: the seconds that sending took.
    """

    arrived: int
    different: int
    seconds: float
    percentiles: Sequence[float]
    numbers: Sequence[int]
    sent_in: float

    @classmethod
    def of(cls, sent: str, collected: str) -> Self:
        """As both programs tell it."""
        told: dict[str, Any] = json.loads(collected)
        return cls(**told, sent_in=float(sent.split()[3]))

    @property
    def median(self) -> float:
        """The median of the seconds that they were under way."""
        return self.percentiles[50]


def scenario(directory: Path, name: str, streams: Sequence[Stream], *, start: str = "") -> Path:
    """Write a scenario in which streams flow one after the other; `start`: of its `network`."""
    for program in ("sends", "collects"):
        code = (PROGRAMS / f"{program}.py").read_text(encoding="utf-8")
        lines = [
            f"about: The program {program}.py, in an image that has Python",
            "image: peerlab/client",
            f"build: {{context: {json.dumps(str(ROOT))}, target: client}}",
            f"command: [python3, -I, -S, -c, {json.dumps(code)}]",
            "ready: ready",
        ]
        (directory / f"{program}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = [
        f"title: {name}",
        f"within: {_WITHIN}",
        *([f"network: {start}"] if start else []),
        "programs: {sends: sends.yaml, collects: collects.yaml}",
        f"nodes: {{{SENDER}: sends, {RECEIVER}: collects}}",
        "steps:",
        *(f"  - {step}" for stream in streams for step in stream.steps),
    ]
    path = directory / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def arrived(played: Played) -> list[Arrived]:
    """What came of the streams of a scenario, in order."""
    sent, collected = (played.evidence.node(name).printed for name in (SENDER, RECEIVER))
    return [
        Arrived.of(one, other)
        for one, other in zip(
            [line for line in sent.splitlines() if line.startswith("sent ")],
            [line for line in collected.splitlines() if line.startswith("{")],
            strict=True,
        )
    ]
