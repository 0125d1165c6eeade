"""What single lines of output are: notices, traces, or the word of a program on a message."""

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from peerlab.evidence.journal import Event, Kind
from peerlab.scenario.values import MAX_LINE


class Told(NamedTuple):
    """What a line tells of a message; a trace is for nobody's eyes."""

    event: Event
    is_trace: bool


@dataclass(frozen=True, slots=True)
class LineKinds:
    """The patterns that tell which lines are notices, and which tell of messages.

    None of them matches the empty text. A line that tells of a message with an `id` is a trace. One
    without is for people, too: it is all that the program says of the message.
    """

    notice: re.Pattern[str] | None = None
    sent: re.Pattern[str] | None = None
    received: re.Pattern[str] | None = None

    def told(self, node: str, line: str, at: float) -> Told | None:
        """What a line of a node tells of a message, if it does."""
        for kind, pattern in ((Kind.SENT, self.sent), (Kind.RECEIVED, self.received)):
            match = pattern.search(line, 0, MAX_LINE) if line and pattern is not None else None
            if match is not None:
                return Told(_message(kind, node, match, at), "id" in match.re.groupindex)
        return None

    def is_trace(self, line: str) -> bool:
        """Whether a line, or what there is of it, is a trace."""
        told = self.told("", line, 0.0)
        return told is not None and told.is_trace

    def noticed(self, line: str) -> re.Match[str] | None:
        """The notice in a line, if there is one."""
        return self.notice.search(line, 0, MAX_LINE) if line and self.notice is not None else None


def _message(kind: Kind, node: str, match: re.Match[str], at: float) -> Event:
    groups = match.groupdict()
    detail = {"id": groups.get("id"), "peer": groups.get("to" if kind is Kind.SENT else "from")}
    quoted = groups.get("quoted")
    text = groups.get("text") or "" if quoted is None else _unquoted(quoted)
    return Event(at, kind, node, text, detail)


def _unquoted(text: str) -> str:
    """The text of a JSON string; what is none is kept as it is, since programs can be wrong."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, str):
        return text
    # Half a surrogate pair is nothing that can be written down.
    return value.encode("utf-8", "backslashreplace").decode()
