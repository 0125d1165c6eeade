"""One node's terminal as the director uses it: type, wait for output with a deadline, start, end.

Every method raises StepFailed where the program is not in a state for it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from peerlab.backend.base import LabNode
from peerlab.drive.awaited import Awaited, StepFailed
from peerlab.drive.lines import LineKinds
from peerlab.drive.watch import Stopped, Watch
from peerlab.errors import LabError
from peerlab.evidence.journal import Journal, Kind
from peerlab.scenario.model import Signal

__all__ = ["Found", "StepFailed", "Stopped", "Terminal"]

KILLED_WITHIN: Final = 10.0
"""Seconds after which a program that was killed and did not end is an error of the lab."""


@dataclass(frozen=True, slots=True)
class Found:
    """Which of several patterns matched, and how."""

    index: int
    match: re.Match[str]


class Terminal(Watch):
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
        super().__init__(name, journal, log, kinds, echoes=echoes)
        self._node = node
        self._interrupt_due = False

    @property
    def ip(self) -> str:
        """The node's address."""
        return self._node.ip

    def start(self) -> None:
        """Start the program.

        Raises:
            StepFailed: it has been started before.
        """
        with self._changed:
            self._raise_if_over()
            if self._started:
                raise self._failure(f"{self.name} was started before", waited=0)
            self._start_afresh()
        self._journal.record(Kind.STARTED, self.name)
        self._node.start(self)

    def restart(self, grace: float) -> None:
        """Start the program again, at the same address; where it still runs, `finish` it before."""
        self._raise_unless_started("restart")
        self.finish(grace)
        with self._changed:
            self._start_afresh()
        self._journal.record(Kind.STARTED, self.name, again=True)
        self._node.start(self)

    def finish(self, grace: float) -> None:
        """Ask the program to end in order; kill it where it has not within `grace` seconds.

        Nothing happens once it has ended.

        Raises:
            LabError: it did not end at all.
        """
        self._raise_unless_started("stop")
        if not self._is_to_end("step"):
            return
        self._journal.record(Kind.SIGNALLED, self.name, signal="terminate")
        self._node.stop()
        if self._ends_within(grace):
            return
        self.signal(Signal.KILL)
        if not self._ends_within(KILLED_WITHIN):
            raise LabError(f"{self.name} was killed and did not end")

    def pause(self) -> None:
        """Let the whole node stand still."""
        with self._changed:
            self._raise_if_over()
            if not self._running or self._paused:
                raise self._failure(f"cannot pause {self.name}", waited=0)
            self._paused, self._interrupt_due = True, False
        self._node.pause()
        self._journal.record(Kind.PAUSED, self.name)

    def resume(self) -> None:
        """Let the node go on, as `pause` found it."""
        with self._changed:
            self._raise_if_over()
            if not self._paused:
                raise self._failure(f"cannot resume {self.name}", waited=0)
        self._go_on()

    def type(self, text: str, *, secret: bool) -> None:
        """Type a line.

        Raises:
            StepFailed: the program does not run, nobody is there to read it.
        """
        with self._changed:
            self._raise_if_over()
            if not self._running:
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
        """Send a signal to the program. A paused node is interrupted when it goes on.

        Raises:
            StepFailed: the program was not started.
        """
        self._raise_unless_started(signal.value)
        self._journal.record(Kind.SIGNALLED, self.name, signal=signal.value)
        with self._changed:
            if signal is Signal.KILL:
                self._ending, self._paused = "step", False
            elif self._paused:
                self._interrupt_due = True
                return
        self._node.signal(signal)

    def expect(self, awaited: Sequence[Awaited], within: float) -> Found:
        """Wait until one of the patterns is in the dialogue; consume up to its end.

        The one that starts first counts, the earlier named one where they start together.

        Raises:
            StepFailed: it did not come in time, or cannot come any more.
        """

        def look() -> Found | None:
            matches = [
                Found(index, match)
                for index, each in enumerate(awaited)
                if (match := self._transcript.search(each.pattern)) is not None
            ]
            if not matches:
                return None
            found = min(matches, key=lambda found: (found.match.start(), found.index))
            self._transcript.consume(found.match)
            return found

        shown = " or ".join(map(str, awaited))
        return self._await(look, within, f"{self.name} never showed {shown}", awaited)

    def notice(self, awaited: Awaited, within: float) -> re.Match[str]:
        """Wait for a notice with the pattern in it; consume only that notice."""
        return self._await(
            lambda: self._transcript.take_notice(awaited.pattern),
            within,
            f"{self.name} never showed {awaited}",
            [awaited],
        )

    def ready(self, awaited: Awaited, within: float) -> None:
        """Wait until the program shows that it is ready, consuming nothing."""
        self._await(
            lambda: self._transcript.search(awaited.pattern),
            within,
            f"{self.name} never became ready: it did not show {awaited}",
            [awaited],
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
            if not self._running:
                raise self._failure(f"{self.name} has no program to stay silent", waited=0)
            before = self._transcript.outputs
            came = self._wait(
                lambda: bool(self._transcript.notices) or self._transcript.outputs > before, seconds
            )
            if came:
                raise self._failure(
                    f"{self.name} was to stay silent for {seconds:g} s but printed something",
                    waited=seconds,
                    about_output=True,
                )

    def release(self) -> None:
        """Take in that the run is over: however the program ends from now on, the lab ends it."""
        with self._changed:
            if self._running and self._ending == "itself":
                self._ending = "lab"

    def stop(self) -> None:
        """Ask the program to end in order, as the lab does at the end of a run."""
        if self._is_to_end("lab"):
            self._node.stop()

    def compare(self) -> bool:
        """Compare what was read with what the engine logged; False: that cannot be done.

        Raises:
            LabError: it is not the same.
        """
        logged = self._node.logged() if self.whole else None
        if logged is None:
            return False
        stream = self.differs_from(logged)
        if stream is not None:
            raise LabError(f"what was read of {self.name}'s {stream} is not what the engine logged")
        return True

    def leave(self) -> None:
        """Let the program run on, and record the open line, whose end the lab will not see."""
        self._go_on()
        with self._changed:
            self._flush()

    def _is_to_end(self, by: Literal["step", "lab"]) -> bool:
        """Let a paused program go on, since only so can it end in order; False: it has ended."""
        with self._changed:
            if not self._running or self._lost is not None:
                return False
            if self._ending == "itself":  # what a step has killed may be told to have ended later
                self._ending = by
        self._go_on()
        return True

    def _ends_within(self, seconds: float) -> bool:
        with self._changed:
            return self._wait(lambda: not self._running, seconds)

    def _go_on(self) -> None:
        with self._changed:
            if not self._paused:
                return
            interrupt = self._interrupt_due
            self._paused = self._interrupt_due = False
        self._journal.record(Kind.RESUMED, self.name)
        self._node.resume()
        if interrupt:
            self._node.signal(Signal.INTERRUPT)

    def _raise_unless_started(self, doing: str) -> None:
        with self._changed:
            self._raise_if_over()
            if not self._started:
                raise self._failure(f"cannot {doing} {self.name}", waited=0)
