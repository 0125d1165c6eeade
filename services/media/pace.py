"""When the packets of a stream are due: an even pace that does not drift. Time is an argument."""

from services.media.tone import FRAME_SECONDS

TOO_FAR_BEHIND = 0.2
"""Seconds: a sender that was held up for longer goes on later rather than send it all at once."""


class Pace:
    """One packet each 20 ms from the first on: what leaves a little late does not add up."""

    def __init__(self, start: float) -> None:
        """Make the first packet due at `start` seconds."""
        self.due = start

    def sent(self, now: float) -> None:
        """Take that the packet that was due has been sent, and make the next one due."""
        if now > self.due + TOO_FAR_BEHIND:
            self.due = now
        self.due += FRAME_SECONDS
