"""What is seen of one node: its output and its end, as the backend tells them, and waits for them.

Threads: the backend's reader thread comes in through `printed`, `exited` and `lost`; the
director's threads wait. One condition guards all state.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, Literal, TypeVar

from peerlab.drive.transcript import LineKinds, Stream, Transcript
from peerlab.errors import LabError
from peerlab.evidence.journal import Journal, Kind

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


class Watch:
    """Watches one node, as often as its program is started."""

    def __init__(
        self, name: str, journal: Journal, log: BinaryIO, kinds: LineKinds, *, echoes: bool
    ) -> None:
        self.name = name
        self._journal = journal
        self._log = log
        self._transcript = Transcript(name, kinds, echoes)
        self._changed = threading.Condition()
        self._kept = 0
        self._started = False
        self._paused = False
        self._status: int | None = None
        self._ending: Literal["itself", "step", "lab"] = "itself"
        self._lost: str | None = None
        self._stopped = False

    @property
    def status(self) -> int | None:
        """The program's exit status, None while it runs."""
        return self._status

    # What the backend tells (Sink).

    def printed(self, stream: Stream, data: bytes) -> None:
        """Take in output."""
        with self._changed, self._keeping():
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

    def exited(self, status: int) -> None:
        """Take in that the program has ended."""
        with self._changed, self._keeping():
            self._status, self._paused = status, False
            self._flush()
            self._journal.record(Kind.EXITED, self.name, status=status, by=self._ending)

    def lost(self, reason: str) -> None:
        """Take in that the backend lost the node."""
        with self._changed, self._keeping():
            self._lost = f"lost the connection to {self.name}: {reason}"
            self._flush()

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """Wake up who waits; evidence that cannot be kept ends their waiting, too."""
        try:
            yield
        except OSError as error:
            self._lost = f"cannot keep the evidence: {error}"
        finally:
            self._changed.notify_all()

    def wait_ended(self, within: float) -> bool:
        """Wait until no more output can come; False if it still can."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._running or self._lost is not None,
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
        if self._status is not None:
            return f"ended with status {self._status}"
        return "is paused" if self._paused else "is still running"

    @property
    def _running(self) -> bool:
        return self._started and self._status is None

    def _start_afresh(self) -> None:
        """Forget the program that has ended: what is expected of the next one it must print."""
        before = self._transcript
        self._transcript = Transcript(self.name, before.kinds, before.echoes)
        self._started, self._status, self._ending = True, None, "itself"

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
            raise LabError(self._lost)

    def _flush(self) -> None:
        for event in self._transcript.ended():
            self._journal.append(event)

    def _failure(self, message: str, *, waited: float) -> StepFailed:
        since = "\n".join(filter(None, [self._transcript.unread, *self._transcript.notices]))
        return StepFailed(
            message, node=self.name, waited=waited, since=since[-TAIL:], state=self.state()
        )
