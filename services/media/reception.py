"""What a receiver counts of a stream: RFC 3550 appendices A.1, A.3 and A.8. Time is an argument."""

from services.media.pcmu import RATE
from services.media.rtp import ahead

MAX_DROPOUT = 3000
"""How far a sequence number may jump ahead: a minute of packets."""
MAX_MISORDER = 100
"""How far it may be behind: two seconds of packets."""

_MOST_LOST = (1 << 23) - 1
"""The cumulative loss has 24 bits with its sign."""


class Reception:
    """Expected, received, lost and jitter of one stream.

    Who sends is known from the server's list, so the first packet counts at once (A.1 lets an
    unknown sender wait for a second one). A stream that jumps is refused rather than taken to begin
    anew: it has to be silent first, or to take another SSRC.
    """

    def __init__(self, sequence: int) -> None:
        """Start at the sequence number of the first packet."""
        self._first = self.highest = sequence
        self.received = 0
        self.jitter = 0.0
        """Interarrival jitter in samples: a mean over the last sixteen packets or so."""
        self._last: tuple[float, int] | None = None
        self._expected_before = self._received_before = 0

    @property
    def expected(self) -> int:
        """How many packets were sent between the first and the highest that came, and these."""
        return self.highest - self._first + 1

    @property
    def lost(self) -> int:
        """How many of them did not come; negative where packets came twice."""
        return self.expected - self.received

    def extend(self, sequence: int) -> int | None:
        """Return the sequence number without its wraps, or None if it is out of reach (A.1)."""
        distance = ahead(sequence, self.highest & 0xFFFF, 16)
        return self.highest + distance if -MAX_MISORDER < distance < MAX_DROPOUT else None

    def count(self, extended: int, timestamp: int, at: float) -> None:
        """Count a packet that came at `at` seconds."""
        self.received += 1
        self.highest = max(self.highest, extended)
        if self._last:
            last_at, last_timestamp = self._last
            difference = (at - last_at) * RATE - ahead(timestamp, last_timestamp, 32)
            self.jitter += (abs(difference) - self.jitter) / 16
        self._last = at, timestamp

    def next_report(self) -> tuple[int, int]:
        """Return the fraction lost since this was last called, in 1/256, and the loss in all (A.3).

        Both are within the bounds of a report block.
        """
        expected = self.expected - self._expected_before
        lost = expected - (self.received - self._received_before)
        self._expected_before, self._received_before = self.expected, self.received
        fraction = min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
        return fraction, max(-_MOST_LOST - 1, min(_MOST_LOST, self.lost))
