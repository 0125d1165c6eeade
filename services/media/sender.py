"""The thread that sends one stream: 20 ms packets at an even pace, and a report each second."""

import threading
import time
from array import array
from collections.abc import Callable, Iterable, Mapping

from services.media.host import Send
from services.media.outgoing import Outgoing
from services.media.pace import Pace
from services.media.rtcp import Element
from services.settings import reason
from services.values import Address

REPORT_EVERY = 50
"""Packets between two reports: a second."""
REPORT_WAIT = 4.0
"""Seconds for which the receivers' last word is awaited: one that missed the goodbye needs 3."""


class Sender:
    """Sends a stream to its recipients and waits for what they say of it."""

    def __init__(
        self,
        outgoing: Outgoing,
        frames: Iterable["array[int]"],
        recipients: Mapping[str, Address],
        send: Send,
        ended: Callable[["Sender"], None],
    ) -> None:
        """Prepare to send frames to recipients, by label; `ended` is called when all is said."""
        self.outgoing = outgoing
        self.recipients = dict(recipients)
        self.failures: dict[Address, str] = {}
        """Why something could not be sent, by address."""
        self.closed = False
        """Whether nobody waits for the receivers' word any more."""
        self._frames = frames
        self._send = send
        self._ended = ended
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="send audio")

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End the stream early, with a goodbye."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def close(self) -> None:
        """End the stream and the thread, whatever is yet to be said."""
        with self._changed:
            self._stopped = self.closed = True
            self._changed.notify()
        self._thread.join()

    def hear(self, elements: list[Element], source: Address) -> None:
        """Take a report that came from an address; only recipients have a say."""
        if source in self.recipients.values():
            with self._changed:
                self.outgoing.hear(elements, source)
                self._changed.notify()

    def _run(self) -> None:
        pace = Pace(time.monotonic())
        for number, frame in enumerate(self._frames):
            self._wait_until(pace.due)
            if self._stopped:
                break
            if number % REPORT_EVERY == 1:
                self._to_all(self.outgoing.report(time.time(), last=False))
            self._to_all(self.outgoing.packet(frame))
            pace.sent(time.monotonic())
        self._wait_until(pace.due)
        self._to_all(self.outgoing.report(time.time(), last=True))
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._all_told(), REPORT_WAIT)
        self._ended(self)

    def _wait_until(self, due: float) -> None:
        """Wait for a moment or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, max(0.0, due - time.monotonic()))

    def _to_all(self, data: bytes) -> None:
        for address in self.recipients.values():
            try:
                self._send(data, address)
            except OSError as error:
                self.failures[address] = reason(error)

    def _all_told(self) -> bool:
        told = self.outgoing.told
        return all(address in told and told[address].final for address in self.recipients.values())
