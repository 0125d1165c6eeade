"""What is seen of one node: its output and its end, as the backend tells them, and waits for them.

Threads: the backend's reader thread comes in through `printed`, `exited` and `lost`; the
director's threads wait. One condition guards all state.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final, Literal, TypeVar

from peerlab.backend.base import Stream
from peerlab.drive.awaited import Awaited, StepFailed
from peerlab.drive.lines import LineKinds
from peerlab.drive.transcript import Transcript
from peerlab.errors import LabError
from peerlab.evidence.journal import Journal, Kind

MAX_OUTPUT: Final = 1024 * 1024
"""Bytes kept of one node's output, as many as Exercism's test runners take. What comes after is
dropped, and the verdict says so."""

MAX_PIECES: Final = MAX_OUTPUT // 16
"""Pieces kept of one node's output, for which the journal has an event each: so that one that comes
byte by byte does not become a journal of a hundred times its size."""

TAIL: Final = 2000
"""Characters of unread output shown with a failed expectation."""

_STREAMS: Final[tuple[Stream, ...]] = ("stdout", "stderr")

_T = TypeVar("_T")


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
        self._pieces = 0
        self._truncated = False
        self._digests = {stream: hashlib.sha256() for stream in _STREAMS}
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
        """Take in output. Once there is too much of it the rest is dropped, and nobody woken up."""
        with self._changed:
            if self._truncated:
                self._transcript.outputs += 1
            else:
                with self._keeping():
                    self._keep(stream, data)

    def _keep(self, stream: Stream, data: bytes) -> None:
        kept = data[: MAX_OUTPUT - self._kept if self._pieces < MAX_PIECES else 0]
        self._kept += len(kept)
        self._log.write(kept)
        self._digests[stream].update(kept)
        for event in self._transcript.printed(stream, kept, self._journal.now()):
            self._journal.append(event)
            self._pieces += 1
        if len(kept) < len(data):
            self._truncated = True
            self._flush()
            self._journal.record(
                Kind.TRUNCATED, self.name, f"only the first {self._kept} bytes are kept"
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
        """Wake up who waits; evidence that cannot be kept ends their waiting, too.

        Whatever goes wrong here, nobody must take a node of which nothing more is heard for one
        that has nothing more to say.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - it is told as what breaks the lab
            self._lost = f"cannot keep the evidence of {self.name}: {error!r}"
        finally:
            self._changed.notify_all()

    def wait_ended(self, within: float) -> bool:
        """Wait until no more output can come; False if it still can."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._running or self._lost is not None,
                within,
            )

    @property
    def whole(self) -> bool:
        """Whether all is kept that the program has printed, and will print."""
        return self._status is not None and not self._truncated and self._lost is None

    def differs_from(self, logged: Mapping[Stream, bytes]) -> str | None:
        """The stream of which another log has other bytes than were taken in, if there is one."""
        for stream, digest in self._digests.items():
            if hashlib.sha256(logged.get(stream, b"")).digest() != digest.digest():
                return stream
        return None

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
        awaited: Sequence[Awaited] = (),
    ) -> _T:
        """Wait until `look` finds something; what is awaited of output, no longer than it can come.

        Raises:
            StepFailed: it did not find anything.
        """
        result: _T | None = None

        def settled() -> bool:
            nonlocal result
            result = look()
            no_more = self._status is not None or self._truncated
            return result is not None or (bool(awaited) and no_more)

        with self._changed:
            began = time.monotonic()
            self._wait(settled, within)
            if result is None:
                waited = time.monotonic() - began
                raise self._failure(complaint, waited=waited, awaited=awaited)
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

    def _failure(
        self,
        message: str,
        *,
        waited: float,
        awaited: Sequence[Awaited] = (),
        about_output: bool = False,
    ) -> StepFailed:
        since = "\n".join(filter(None, [self._transcript.unread, *self._transcript.notices]))
        truncated = (self._truncated and about_output) or (
            bool(awaited) and (self._truncated or self._transcript.forgot)
        )
        return StepFailed(
            message,
            node=self.name,
            waited=waited,
            since=since[-TAIL:],
            state="printed more than the lab keeps" if truncated else self.state(),
            awaited=awaited,
            truncated=truncated,
        )
