"""Transcripts of a made-up program, and how to feed them."""

import re
from collections.abc import Sequence
from dataclasses import replace

from peerlab.drive.lines import LineKinds
from peerlab.drive.transcript import Transcript
from peerlab.evidence.journal import Event, Kind

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


def joined(events: Sequence[Event]) -> list[Event]:
    """The events, with dialogue of the same stream and time in one, in however many it came."""
    whole: list[Event] = []
    for event in events:
        before = whole[-1] if whole else None
        if (
            before is not None
            and event.kind is Kind.PRINTED
            and "notice" not in event.detail
            and replace(before, text="") == replace(event, text="")
        ):
            whole[-1] = replace(before, text=before.text + event.text)
        else:
            whole.append(event)
    return whole
