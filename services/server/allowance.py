"""How many holes may be asked for, by IP address: a new login does not bring new ones."""

import threading
from collections import OrderedDict
from collections.abc import Callable

BURST = 128
"""Punches that one host may ask for at once: a message to as many."""
PER_SECOND = 4.0
"""How many more it may ask for after that."""
MAX_ADDRESSES = 4096
"""Addresses that are remembered; of more, those that have asked longest ago are forgotten."""


class Allowance:
    """Counts what is asked for by IP address, whatever comes of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with the whole for everybody; `clock` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, ip: str) -> bool:
        """Return whether this host may ask once more, and count that."""
        now = self._clock()
        with self._lock:
            left, last = self._left.pop(ip, (float(BURST), now))
            left = min(float(BURST), left + (now - last) * PER_SECOND)
            self._left[ip] = (left - 1 if left >= 1 else left), now
            if len(self._left) > MAX_ADDRESSES:
                self._left.popitem(last=False)
            return left >= 1
