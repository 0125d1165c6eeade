"""What one terminal showed, kept so that expectations can look at it. No I/O and no clock.

Output falls into three kinds, line by line: traces (a program's own word on the messages that it
sent and received), notices (lines that it prints unasked, such as an incoming message) and the
dialogue (all the rest, prompts without a line end included). Expectations look at the dialogue
and at the notices apart from each other, so a message that comes in the middle of a dialogue
confuses neither.
"""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from peerlab.backend.base import Stream
from peerlab.drive.lines import LineKinds
from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.mask import MASK
from peerlab.scenario.values import MAX_LINE

MAX_UNREAD: Final = 256 * 1024
"""Characters of dialogue kept for expectations; a program that prints more loses the oldest."""
MAX_NOTICES: Final = 10_000


@dataclass(slots=True)
class _OpenLine:
    """The last line of a stream while its end has not come.

    Attributes:
        read: characters that are consumed.
        since: when its first piece came.
        looked: how long it was when it was last asked whether it is a trace.
        cut: whether typing has ended the line on the screen and its own end may yet come.
    """

    decoder: codecs.IncrementalDecoder | io.IncrementalNewlineDecoder
    text: str = ""
    read: int = 0
    since: float = 0.0
    looked: int = 0
    is_trace: bool = False
    cut: bool = False


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
    forgot: bool = False
    """Whether something that no step has read is not kept any more."""
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
        before, begun = line.text, bool(line.text) or line.cut
        line.cut = False
        *ended, line.text = (before + text).split("\n")
        events: list[Event] = []
        if ended:
            line.looked, line.is_trace = 0, False
        if ended and begun:
            outputs = self.outputs
            events += self._close_lines(stream, ended[:1], line.since)
            # A line end that comes later than its line is nothing new to be seen.
            if ended.pop(0) == before:
                self.outputs = outputs
            line.since = at
        events += self._close_lines(stream, ended, at)
        if line.text and not self._is_trace_so_far(line):
            self.outputs += 1
        if len(line.text) > MAX_LINE:
            events += self._flush(stream)
        return events

    def typed(self, text: str, at: float, *, secret: bool) -> list[Event]:
        """Take in that a line is typed at `at`: whatever is open on the screen ends there."""
        for line in self._open.values():
            line.cut = line.cut or bool(line.text)
        events = [*self._flush("stdout"), *self._flush("stderr")]
        if self.echoes:
            self._echo_due.append(text + "\n")
        self._keep_unread("\n")
        shown = MASK if secret else text
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

    def open_line(self, stream: Stream) -> str:
        """The last line of a stream while its end has not come; a trace is not shown."""
        line = self._open[stream].text
        return "" if self.kinds.is_trace(line) else line

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
        self.forgot = False
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

    def _is_trace_so_far(self, line: _OpenLine) -> bool:
        """Whether an open line is a trace; one that comes byte by byte is not asked each time."""
        if len(line.text) >= 2 * line.looked:
            line.looked, line.is_trace = len(line.text), self.kinds.is_trace(line.text)
        return line.is_trace

    def _close_lines(self, stream: Stream, lines: Sequence[str], at: float) -> Iterator[Event]:
        """Take in lines that have ended; those of the dialogue are one event as far as they can."""
        dialogue: list[str] = []
        for line in lines:
            told, notice = self.kinds.told(self.node, line, at), None
            if told is None or not told.is_trace:
                notice = self.kinds.noticed(line)
                if notice is None:
                    dialogue.append(line + "\n")
            if dialogue and (told is not None or notice is not None):
                yield self._dialogue(stream, dialogue, at)
                dialogue.clear()
            if notice is not None:
                yield self._notice(stream, line, notice, at)
            if told is not None:
                self._open[stream].read = 0
                yield told.event
        if dialogue:
            yield self._dialogue(stream, dialogue, at)

    def _notice(self, stream: Stream, line: str, notice: re.Match[str], at: float) -> Event:
        # What stands before it on the line, such as a prompt, is still part of the dialogue.
        self._keep_unread(self._rest(stream, line[: notice.start()]))
        self._notices.append(line[notice.start() :])
        if len(self._notices) > MAX_NOTICES:
            del self._notices[0]
            self.forgot = True
        self.outputs += 1
        detail = {"stream": stream, "notice": True}
        return Event(at, Kind.PRINTED, self.node, line + "\n", detail)

    def _dialogue(self, stream: Stream, lines: Sequence[str], at: float) -> Event:
        text = "".join(lines)
        self._keep_unread(self._rest(stream, text))
        self.outputs += len(lines)
        return Event(at, Kind.PRINTED, self.node, text, {"stream": stream})

    def _rest(self, stream: Stream, text: str) -> str:
        """What is not consumed of the text, which begins with the open line of its stream."""
        line = self._open[stream]
        rest = text[line.read :]
        line.read = 0
        return rest

    def _flush(self, stream: Stream) -> list[Event]:
        """Take the open line as it is: it will not become a notice or a trace any more."""
        line = self._open[stream]
        if not line.text:
            return []
        self._keep_unread(self._rest(stream, line.text))
        event = Event(line.since, Kind.PRINTED, self.node, line.text, {"stream": stream})
        line.text, line.looked, line.is_trace = "", 0, False
        return [event]

    def _keep_unread(self, text: str) -> None:
        self._unread.append(text)
        self._length += len(text)
        # Not at every line: that would move all that is kept for each of a million short ones.
        if self._length > 2 * MAX_UNREAD:
            self._merge()

    def _merge(self) -> str:
        """The dialogue of the ended lines, in one piece and cut to what is kept."""
        whole = "".join(self._unread)
        kept = whole[-MAX_UNREAD:]
        self.forgot = self.forgot or len(kept) < len(whole)
        self._unread, self._length = [kept], len(kept)
        return kept
