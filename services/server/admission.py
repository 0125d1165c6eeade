"""How many connections there may be, in all and from one address."""

import threading


class Admission:
    """Counts open connections; holds no more addresses than there are connections."""

    def __init__(self, most: int, most_per_address: int) -> None:
        """Let in as many, in all and from one IP address."""
        self._most = most
        self._most_per_address = most_per_address
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}
        self._all = 0

    def enter(self, ip: str) -> bool:
        """Count a connection in, unless there are too many."""
        with self._lock:
            here = self._open.get(ip, 0)
            if self._all >= self._most or here >= self._most_per_address:
                return False
            self._open[ip] = here + 1
            self._all += 1
            return True

    def leave(self, ip: str) -> None:
        """Count out a connection that was counted in."""
        with self._lock:
            self._open[ip] -= 1
            self._all -= 1
            if not self._open[ip]:
                del self._open[ip]
