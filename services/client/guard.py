"""What of the datagrams that come is not to be trusted. No I/O."""

from collections import OrderedDict
from collections.abc import Callable

from services.datagram import MAX_DATAGRAM, TAG, parse_datagram
from services.tally import Tally
from services.values import Address, ProtocolError

REMEMBERED = 4096
"""Messages by whose ids a replay is known; of more, the oldest are forgotten."""


class Guard:
    """Sorts out what is too long, damaged or replayed, and counts it and false claims.

    Text of another format is no message of this protocol and may come from any program: it passes.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nothing seen; `clock` counts seconds."""
        self._tally = Tally(clock)
        self._seen: OrderedDict[tuple[Address, str], None] = OrderedDict()

    def admits(self, data: bytes, source: Address) -> bool:
        """Return whether a datagram is to be shown; what is not has no effect but a count."""
        if len(data) > MAX_DATAGRAM:
            return self._refused("oversized")
        if not data.startswith(TAG):
            return True
        try:
            message = parse_datagram(data)
        except ProtocolError:
            return self._refused("damaged")
        key = (source, message.message_id)
        if key in self._seen:
            return self._refused("replayed")
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def compare(self, data: bytes, label: str | None, known: Callable[[str], bool]) -> None:
        """Count a message that claims to be from somebody who is at another address.

        It is shown all the same, as that of whom the address belongs to: `label`, if anybody.
        """
        try:
            claimed = parse_datagram(data).sender
        except ProtocolError:
            return
        if claimed != label and (label or known(claimed)):
            self._tally.count("spoofed")

    def report_due(self) -> float | None:
        """Return in how many seconds `report` has something to say; None if never."""
        return self._tally.due()

    def report(self) -> str | None:
        """Return the line about what was counted since the last one, if it is due."""
        counted = self._tally.line()
        return f"Suspicious datagrams: {counted}." if counted else None

    def _refused(self, kind: str) -> bool:
        self._tally.count(kind)
        return False
