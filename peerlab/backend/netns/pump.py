"""One thread that reads what comes from a lab: output, events, the wire's records."""

import os
import select
import threading
from collections.abc import Callable


class Pump:
    """Calls back, in its own thread, when a file descriptor can be read or written."""

    def __init__(self, name: str) -> None:
        self._poll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._wake, self._waker = os.pipe()
        self._running = True
        self.watch(self._wake, self._stop)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def watch(self, descriptor: int, callback: Callable[[], None], *, write: bool = False) -> None:
        """Call back as long as the descriptor can be read, or written, or its other end is gone."""
        self._callbacks[descriptor] = callback
        self._poll.register(descriptor, select.EPOLLOUT if write else select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """Call no more; before the descriptor is closed."""
        if self._callbacks.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def close(self) -> None:
        """End the thread, after the callback that it is in."""
        os.close(self._waker)
        self._thread.join()
        self._callbacks.clear()
        self._poll.close()
        os.close(self._wake)

    def _run(self) -> None:
        while self._running:
            for descriptor, _ in self._poll.poll():
                # A callback before this one may have ended this one's watch.
                callback = self._callbacks.get(descriptor)
                if callback is not None:
                    callback()

    def _stop(self) -> None:
        self._running = False
