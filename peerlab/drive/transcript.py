"""What one terminal showed, kept so that expectations can look at it. No I/O and no clock.

Output falls into three kinds, line by line: traces (a program's own word on the messages that it
sent and received), notices (lines that it prints unasked, such as an incoming message) and the
dialogue (all the rest, prompts without a line end included). Expectations look at the dialogue
and at the notices apart from each other, so a message that comes in the middle of a dialogue
confuses neither.
"""

import codecs
import io
import json
import re
from dataclasses import dataclass, field
from typing import Final, Literal

from peerlab.evidence.journal import Event, Kind

Stream = Literal["stdout", "stderr"]

MAX_UNREAD: Final = 256 * 1024
"""Characters of dialogue kept for expectations; a program that prints more loses the oldest."""
MAX_LINE: Final = 64 * 1024
"""Characters after which a line without an end is taken as it is."""
MAX_NOTICES: Final = 10_000

_TYPED_AS: Final = "********"


@dataclass(frozen=True, slots=True)
class LineKinds:
    """The patterns that tell which lines are notices and traces."""

    notice: re.Pattern[str] | None = None
    sent: re.Pattern[str] | None = None
    received: re.Pattern[str] | None = None


@dataclass(slots=True)
class _OpenLine:
    """The last line of a stream while its end has not come; `read` characters are consumed."""

    decoder: codecs.IncrementalDecoder | io.IncrementalNewlineDecoder
    text: str = ""
    read: int = 0
    since: float = 0.0


def _decoder(*, pty: bool) -> codecs.IncrementalDecoder | io.IncrementalNewlineDecoder:
    utf8 = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    # A pseudo-terminal ends its lines with CR LF, which may come in two pieces.
    return io.IncrementalNewlineDecoder(utf8, translate=True) if pty else utf8


@dataclass(slots=True)
class Transcript:
    """The text of one terminal, from first output to exit.

    Methods that take in something return the events to be written into the journal.

    Attributes:
        echoes: the terminal repeats what is typed (a pseudo-terminal); the repetition is
            taken out, so that an expectation never matches what was typed.
    """

    node: str
    kinds: LineKinds = field(default_factory=LineKinds)
    echoes: bool = False
    outputs: int = 0
    """How many pieces of output came that a person would see (traces do not count)."""
    _unread: list[str] = field(default_factory=list)
    _length: int = 0
    _notices: list[str] = field(default_factory=list)
    _echo_due: list[str] = field(default_factory=list)
    _echo_seen: str = ""
    _open: dict[Stream, _OpenLine] = field(init=False)

    def __post_init__(self) -> None:
        self._open = {
            "stdout": _OpenLine(_decoder(pty=self.echoes)),
            "stderr": _OpenLine(_decoder(pty=self.echoes)),
        }

    def printed(self, stream: Stream, data: bytes, at: float) -> list[Event]:
        """Take in bytes that the program printed at `at`."""
        line = self._open[stream]
        text = line.decoder.decode(data)
        if self.echoes:
            text = self._without_echo(text)
        if not text:
            return []
        if not line.text:
            line.since = at
        before = line.text
        *ended, rest = (before + text).split("\n")
        events: list[Event] = []
        for number, content in enumerate(ended):
            events += self._close_line(stream, content + "\n", line.since)
            # A line end that comes later than its line is nothing new to be seen.
            only_ended = number == 0 and before != "" and content == before
            if events[-1].kind is Kind.PRINTED and not only_ended:
                self.outputs += 1
            line.read, line.since = 0, at
        line.text = rest
        if rest and not self._is_trace(rest):
            self.outputs += 1
        if len(rest) > MAX_LINE:
            events += self._flush(stream)
        return events

    def typed(self, text: str, at: float, *, secret: bool) -> list[Event]:
        """Take in that a line is typed at `at`: whatever is open on the screen ends there."""
        events = [*self._flush("stdout"), *self._flush("stderr")]
        if self.echoes:
            self._echo_due.append(text + "\n")
        self._keep_unread("\n")
        shown = _TYPED_AS if secret else text
        events.append(Event(at, Kind.TYPED, self.node, shown, {"secret": True} if secret else {}))
        return events

    def ended(self) -> list[Event]:
        """Take in that no more output comes."""
        self._open["stdout"].text += self._echo_seen
        self._echo_seen = ""
        for line in self._open.values():
            line.text += line.decoder.decode(b"", final=True)
        return [*self._flush("stdout"), *self._flush("stderr")]

    @property
    def unread(self) -> str:
        """The dialogue since the last match."""
        return self._merge() + "".join(line.text[line.read :] for line in self._open.values())

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices that no step has taken yet."""
        return tuple(self._notices)

    def search(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Look for the pattern in the dialogue since the last match, consuming nothing."""
        return pattern.search(self.unread)

    def consume(self, match: re.Match[str]) -> None:
        """Read up to the end of a match that `search` gave."""
        left, ended = match.end(), self._merge()
        taken = min(left, len(ended))
        self._unread, self._length = [ended[taken:]], len(ended) - taken
        left -= taken
        for line in self._open.values():
            taken = min(left, len(line.text) - line.read)
            line.read += taken
            left -= taken

    def take_notice(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take the first notice that the pattern is found in, leaving the others."""
        for index, notice in enumerate(self._notices):
            match = pattern.search(notice)
            if match is not None:
                del self._notices[index]
                return match
        return None

    def _without_echo(self, text: str) -> str:
        """Take out the lines that repeat what was typed; hold back what may yet become one."""
        text, self._echo_seen = self._echo_seen + text, ""
        while self._echo_due:
            due = self._echo_due[0]
            if text.startswith(due):
                text = text.removeprefix(due)
                del self._echo_due[0]
            elif due.startswith(text):
                self._echo_seen = text
                return ""
            else:  # the program has the echo off
                self._echo_due.clear()
        return text

    def _is_trace(self, line: str) -> bool:
        kinds = (self.kinds.sent, self.kinds.received)
        return any(kind is not None and kind.search(line) for kind in kinds)

    def _close_line(self, stream: Stream, line: str, at: float) -> list[Event]:
        content = line.removesuffix("\n")
        for kind, pattern in ((Kind.SENT, self.kinds.sent), (Kind.RECEIVED, self.kinds.received)):
            match = pattern.search(content) if pattern is not None else None
            if match is not None:
                return [_message(kind, self.node, match, at)]
        detail: dict[str, object] = {"stream": stream}
        read = self._open[stream].read
        notice = None if self.kinds.notice is None else self.kinds.notice.search(content)
        if notice is None:
            self._keep_unread(line[read:])
        else:
            # What stands before it on the line, such as a prompt, is still part of the dialogue.
            self._keep_unread(content[read : notice.start()])
            detail["notice"] = True
            self._notices.append(content[notice.start() :])
            del self._notices[:-MAX_NOTICES]
        return [Event(at, Kind.PRINTED, self.node, line, detail)]

    def _flush(self, stream: Stream) -> list[Event]:
        """Take the open line as it is: it will not become a notice or a trace any more."""
        line = self._open[stream]
        if not line.text:
            return []
        self._keep_unread(line.text[line.read :])
        event = Event(line.since, Kind.PRINTED, self.node, line.text, {"stream": stream})
        line.text, line.read = "", 0
        return [event]

    def _keep_unread(self, text: str) -> None:
        self._unread.append(text)
        self._length += len(text)
        # Not at every line: that would move all that is kept for each of a million short ones.
        if self._length > 2 * MAX_UNREAD:
            self._merge()

    def _merge(self) -> str:
        """The dialogue of the ended lines, in one piece and cut to what is kept."""
        kept = "".join(self._unread)[-MAX_UNREAD:]
        self._unread, self._length = [kept], len(kept)
        return kept


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
    return value if isinstance(value, str) else text
