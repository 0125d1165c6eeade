"""Transcripts of a made-up program, and how to feed them."""

import re
from collections.abc import Sequence

from peerlab.drive.transcript import LineKinds, Transcript
from peerlab.evidence.journal import Event

KINDS = LineKinds(
    notice=re.compile(r"^\* .*$", re.MULTILINE),
    sent=re.compile(r"^trace: sent (?P<id>\S+) to (?P<to>\S+): (?P<text>.*)$", re.MULTILINE),
    received=re.compile(r"^trace: received (?P<id>\S+): (?P<text>.*)$", re.MULTILINE),
)


def pipe() -> Transcript:
    """The transcript of a program on pipes."""
    return Transcript("u1", KINDS)


def pty() -> Transcript:
    """The transcript of a program on a pseudo-terminal."""
    return Transcript("u1", KINDS, echoes=True)


def shown(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Kind and text of events."""
    return [(event.kind.value, event.text) for event in events]


def feed(transcript: Transcript, *chunks: bytes) -> list[Event]:
    """Print the chunks, one after the other."""
    return [event for chunk in chunks for event in transcript.printed("stdout", chunk, 0.0)]
