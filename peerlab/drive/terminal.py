"""One node's terminal as the director uses it: type, and wait for output with a deadline.

Threads: the backend's reader thread comes in through `printed`, `exited` and `lost`; the
director's threads wait. One condition guards all state of the terminal.
"""

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar

from peerlab.backend.base import LabNode
from peerlab.drive.transcript import LineKinds, Stream, Transcript
from peerlab.errors import LabError
from peerlab.evidence.journal import Journal, Kind
from peerlab.scenario.model import Signal

MAX_OUTPUT: Final = 4 * 1024 * 1024
"""Bytes kept of one node's output. What comes after is dropped, and the verdict says so."""

TAIL: Final = 2000
"""Characters of unread output shown with a failed expectation."""


_T = TypeVar("_T")


class StepFailed(Exception):  # noqa: N818 - a fact about the program, not an error of the lab
    """Raised when a program did not do what a step expects. It becomes a finding."""

    def __init__(self, message: str, *, node: str, waited: float, since: str, state: str) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.waited = waited
        self.since = since
        self.state = state


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """Raised out of a wait when the run is to end early."""


@dataclass(frozen=True, slots=True)
class Found:
    """Which of several patterns matched, and how."""

    index: int
    match: re.Match[str]


class Terminal:
    """Types into one node and waits for what it prints."""

    def __init__(
        self,
        name: str,
        node: LabNode,
        journal: Journal,
        log: BinaryIO,
        *,
        kinds: LineKinds,
        echoes: bool,
    ) -> None:
        self.name = name
        self._node = node
        self._journal = journal
        self._log = log
        self._transcript = Transcript(name, kinds, echoes)
        self._changed = threading.Condition()
        self._kept = 0
        self._status: int | None = None
        self._lost: str | None = None
        self._started = False
        self._stopped = False
        self._ended_by_lab = False

    @property
    def ip(self) -> str:
        """The node's address."""
        return self._node.ip

    @property
    def status(self) -> int | None:
        """The program's exit status, None while it runs."""
        return self._status

    # What the backend tells (Sink).

    def printed(self, stream: Stream, data: bytes) -> None:
        """Take in output."""
        with self._changed:
            room = MAX_OUTPUT - self._kept
            if room < 0:
                return
            self._kept += len(data)
            self._log.write(data[:room])
            now = self._journal.now()
            for event in self._transcript.printed(stream, data[:room], now):
                self._journal.append(event)
            if len(data) > room:
                self._journal.record(
                    Kind.TRUNCATED, self.name, f"only the first {MAX_OUTPUT} bytes are kept"
                )
            self._changed.notify_all()

    def exited(self, status: int) -> None:
        """Take in that the program has ended."""
        with self._changed:
            self._flush()
            self._status = status
            by = "lab" if self._ended_by_lab else "itself"
            self._journal.record(Kind.EXITED, self.name, status=status, by=by)
            self._changed.notify_all()

    def lost(self, reason: str) -> None:
        """Take in that the backend lost the node."""
        with self._changed:
            self._flush()
            self._lost = reason
            self._changed.notify_all()

    # What the director does.

    def start(self) -> None:
        """Start the program.

        Raises:
            StepFailed: it has been started before.
        """
        with self._changed:
            self._raise_if_over()
            if self._started:
                raise self._failure(f"{self.name} was started before", waited=0)
            self._started = True
        self._journal.record(Kind.STARTED, self.name)
        self._node.start(self)

    def type(self, text: str, *, secret: bool) -> None:
        """Type a line.

        Raises:
            StepFailed: the program does not run, nobody is there to read it.
        """
        with self._changed:
            self._raise_if_over()
            if not self._started or self._status is not None:
                shown = "a line" if secret else repr(text)
                raise self._failure(f"cannot type {shown} into {self.name}", waited=0)
            for event in self._transcript.typed(text, self._journal.now(), secret=secret):
                self._journal.append(event)
        self._node.write(text.encode() + b"\n")

    def end_input(self) -> None:
        """Close the program's standard input.

        Raises:
            StepFailed: the program was not started.
        """
        self._raise_unless_started("end the input of")
        self._journal.record(Kind.INPUT_ENDED, self.name)
        self._node.end_input()

    def signal(self, signal: Signal) -> None:
        """Send a signal to the program.

        Raises:
            StepFailed: the program was not started.
        """
        self._raise_unless_started(signal.value)
        self._journal.record(Kind.SIGNALLED, self.name, signal=signal.value)
        self._node.signal(signal)

    def expect(self, patterns: Sequence[re.Pattern[str]], shown: str, within: float) -> Found:
        """Wait until one of the patterns is in the dialogue; consume up to its end.

        The one that starts first counts, the earlier named one where they start together.

        Raises:
            StepFailed: it did not come in time, or the program ended without it.
        """

        def look() -> Found | None:
            matches = [
                Found(index, match)
                for index, pattern in enumerate(patterns)
                if (match := self._transcript.search(pattern)) is not None
            ]
            if not matches:
                return None
            found = min(matches, key=lambda found: (found.match.start(), found.index))
            self._transcript.consume(found.match)
            return found

        return self._await(look, within, f"{self.name} never showed {shown}", until_exit=True)

    def notice(self, pattern: re.Pattern[str], shown: str, within: float) -> re.Match[str]:
        """Wait for a notice with the pattern in it; consume only that notice."""
        return self._await(
            lambda: self._transcript.take_notice(pattern),
            within,
            f"{self.name} never showed {shown}",
            until_exit=True,
        )

    def ready(self, pattern: re.Pattern[str], shown: str, within: float) -> None:
        """Wait until the program shows that it is ready, consuming nothing."""
        self._await(
            lambda: self._transcript.search(pattern),
            within,
            f"{self.name} never became ready: it did not show {shown}",
            until_exit=True,
        )

    def exits(self, status: int | None, within: float) -> None:
        """Wait until the program has ended.

        Raises:
            StepFailed: it still runs, or ended with another status.
        """
        self._await(lambda: self._status is not None or None, within, f"{self.name} did not end")
        if status is not None and self._status != status:
            raise self._failure(
                f"{self.name} ended with status {self._status}, expected {status}", waited=0
            )

    def stays_silent(self, seconds: float) -> None:
        """Watch that nothing new is printed for so long, and that no notice waits to be seen.

        Raises:
            StepFailed: something was printed, or no program runs that could print.
        """
        with self._changed:
            if not self._started or self._status is not None:
                raise self._failure(f"{self.name} has no program to stay silent", waited=0)
            before = self._transcript.outputs
            came = self._wait(
                lambda: bool(self._transcript.notices) or self._transcript.outputs > before, seconds
            )
            if came:
                raise self._failure(
                    f"{self.name} was to stay silent for {seconds:g} s but printed something",
                    waited=seconds,
                )

    def stop(self) -> None:
        """Ask the program to end in order, as the lab does at the end of a run."""
        with self._changed:
            if not self._started or self._status is not None or self._lost is not None:
                return
            self._ended_by_lab = True
        self._node.stop()

    def leave(self) -> None:
        """Record the open line, whose end the lab will not see."""
        with self._changed:
            self._flush()

    def wait_ended(self, within: float) -> bool:
        """Wait until no more output can come; False if it still can."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._started or self._status is not None or self._lost is not None,
                within,
            )

    def abandon(self) -> None:
        """Let every wait on this terminal end at once with `Stopped`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def state(self) -> str:
        """Whether the program still runs, in words."""
        if not self._started:
            return "was not started"
        return "is still running" if self._status is None else f"ended with status {self._status}"

    def _await(
        self,
        look: Callable[[], _T | None],
        within: float,
        complaint: str,
        *,
        until_exit: bool = False,
    ) -> _T:
        """Wait until `look` finds something; with `until_exit` no longer than the program lives."""
        result: _T | None = None

        def settled() -> bool:
            nonlocal result
            result = look()
            return result is not None or (until_exit and self._status is not None)

        with self._changed:
            began = time.monotonic()
            self._wait(settled, within)
            if result is None:
                raise self._failure(complaint, waited=time.monotonic() - began)
            return result

    def _wait(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait until the condition holds; False if it did not in time. It is not asked again."""
        holds = False

        def settled() -> bool:
            nonlocal holds
            holds = condition()
            return holds or self._stopped or self._lost is not None

        self._changed.wait_for(settled, within)
        if not holds:
            self._raise_if_over()
        return holds

    def _raise_if_over(self) -> None:
        if self._stopped:
            raise Stopped
        if self._lost is not None:
            raise LabError(f"lost the connection to {self.name}: {self._lost}")

    def _raise_unless_started(self, doing: str) -> None:
        with self._changed:
            if not self._started:
                raise self._failure(f"cannot {doing} {self.name}", waited=0)

    def _flush(self) -> None:
        for event in self._transcript.ended():
            self._journal.append(event)

    def _failure(self, message: str, *, waited: float) -> StepFailed:
        since = "\n".join(filter(None, [self._transcript.unread, *self._transcript.notices]))
        return StepFailed(
            message, node=self.name, waited=waited, since=since[-TAIL:], state=self.state()
        )
