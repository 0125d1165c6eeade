"""What of the datagrams that come is not to be trusted. No I/O."""

from collections import OrderedDict
from collections.abc import Callable

from services.datagram import MAX_DATAGRAM, SEALED_TAG, TAG, parse_datagram
from services.tally import Tally
from services.values import Address, ProtocolError

REMEMBERED = 4096
"""Messages by whose ids a replay is known; of more, the oldest are forgotten."""


class SuspiciousError(Exception):
    """Raised for a datagram that is to have no effect but a count; says of what kind it is."""


class Guard:
    """Sorts out what is too long, damaged or replayed, and counts it and false claims.

    Text of another format is no message of this protocol and may come from any program: it passes.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nothing seen; `clock` counts seconds."""
        self._tally = Tally(clock)
        self._seen: OrderedDict[tuple[Address | str, str], None] = OrderedDict()

    def admits(self, data: bytes, source: Address | str) -> bool:
        """Return whether a datagram is to be shown; what is not has no effect but a count.

        The source is an address, or the label of the client that has proved to be the sender.
        """
        if len(data) > MAX_DATAGRAM:
            return self.refuses("oversized")
        if data.startswith(SEALED_TAG):
            return self.refuses("unreadable")
        if not data.startswith(TAG):
            return True
        try:
            message = parse_datagram(data)
        except ProtocolError:
            return self.refuses("damaged")
        key = (source, message.message_id)
        if key in self._seen:
            return self.refuses("replayed")
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def admits_sealed(self, data: bytes) -> bool:
        """Return whether a datagram is to be opened; what is not has no effect but a count."""
        if len(data) > MAX_DATAGRAM:
            return self.refuses("oversized")
        return data.startswith(SEALED_TAG) or self.refuses("unsealed")

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

    def refuses(self, kind: str) -> bool:
        """Count a datagram that is dropped, and return that it is not admitted."""
        self._tally.count(kind)
        return False

    def report_due(self) -> float | None:
        """Return in how many seconds `report` has something to say; None if never."""
        return self._tally.due()

    def report(self) -> str | None:
        """Return the line about what was counted since the last one, if it is due."""
        counted = self._tally.line()
        return f"Suspicious datagrams: {counted}." if counted else None
