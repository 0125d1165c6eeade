"""How long the refusal of a wrong password is held back, for each address."""

import threading
from collections import OrderedDict
from collections.abc import Callable

FREE = 3
"""Wrong passwords that cost nothing: people mistype."""
FORGOTTEN_AFTER = 60.0
"""Seconds without another wrong password after which an address starts anew."""
MAX_ADDRESSES = 4096
"""Addresses that are remembered; of more, the ones whose last guess is oldest are forgotten."""


class Guesses:
    """Counts wrong passwords by IP address. A right one forgives nothing: a NAT may have many."""

    def __init__(self, first: float, most: float, clock: Callable[[], float]) -> None:
        """Hold back for `first` seconds at the first that is not free, then twice as long."""
        self._first = first
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wrong(self, ip: str) -> float:
        """Count a wrong password and return for how many seconds to hold back the refusal."""
        now = self._clock()
        with self._lock:
            count, last = self._wrong.pop(ip, (0, now))
            count = 1 if now - last >= FORGOTTEN_AFTER else count + 1
            self._wrong[ip] = count, now
            if len(self._wrong) > MAX_ADDRESSES:
                self._wrong.popitem(last=False)
        # The exponent is bounded: an address may guess for days.
        doublings = min(count - FREE - 1, 30)
        return min(self._most, self._first * 2**doublings) if doublings >= 0 else 0.0
