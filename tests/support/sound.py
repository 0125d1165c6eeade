"""Made-up evidence of nodes that heard streams, and told of them in traces."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from peerlab.evidence.journal import Event, Kind
from tests.support.journals import evidence

PROGRAM = r"""
command: [chat]
streams: >-
  /^media from=(?P<from>\S+) name=(?P<stream>\S+) expected=(?P<expected>\S+) lost=(?P<lost>\S+)
  jitter=(?P<jitter>\S+)$/
"""
IPS = {"u1": "10.0.0.1", "u2": "10.0.0.2", "u3": "10.0.0.3"}


def traced(at: float, node: str, text: str, stream: str = "stderr") -> Event:
    """A node prints at a time, whole lines or a piece of one."""
    return Event(at, Kind.PRINTED, node, text, {"stream": stream})


def media(
    expected: object, lost: object, jitter: object, *, ip: str = "10.0.0.1", name: str = "a"
) -> str:
    """A line that tells of a stream."""
    return f"media from={ip} name={name} expected={expected} lost={lost} jitter={jitter}\n"


def heard(folder: Path, events: Sequence[Event], program: str = PROGRAM) -> Path:
    """The folder of a run of three nodes in which that happened."""
    files: Mapping[str, str] = {
        "programs/heard.yaml": program,
        "scenario.yaml": (
            'title: Who hears whom\nnodes: {"u[1-3]": heard}\nsteps:\n  - u1: {stays-silent: 1s}\n'
        ),
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    begun = Event(0.0, Kind.RUN, None, "x", {"scenario": "sound", "backend": "made up", "seed": 1})
    there = [
        Event(0.0, Kind.DEPLOYED, node, "", {"ip": ip, "program": "heard"})
        for node, ip in IPS.items()
    ]
    return evidence(folder, [begun, *there, *events]).path


def call(folder: Path) -> Path:
    """The folder of a run in which two nodes heard a third for ten seconds, one of them badly."""
    events = []
    for second in range(1, 11):
        sent = 50 * second
        events += [
            traced(second, "u2", media(sent, second * second // 2, second / 2)),
            traced(second + 0.1, "u3", media(sent, 0, 0.2)),
        ]
    return heard(folder, events)
