"""A stream that is being received: what is counted, what is played, when it is over. No I/O.

`receiver` gives it what comes and the time.
"""

from array import array
from typing import NamedTuple

from services.media.pcmu import RATE, decode
from services.media.playout import Fate, Playout
from services.media.reception import Reception
from services.media.rtcp import (
    Application,
    Element,
    Leaves,
    Name,
    ReceiverReport,
    ReportBlock,
    SenderReport,
)
from services.media.rtp import Packet, PacketError
from services.media.tone import FRAME, FRAME_SECONDS
from services.values import Address

PCMU = 0
"""The payload type of G.711 mu-law at 8 kHz."""
CALL = b"CALL"
"""The name of the APP packet by which a sender asks to hear something back."""
SILENCE = 3.0
"""Seconds without a packet after which a stream is over."""
GRACE = 0.5
"""Seconds for which packets still count that were overtaken by the goodbye."""


class Figures(NamedTuple):
    """What came of a stream so far; jitter in milliseconds, the others count packets."""

    expected: int
    received: int
    lost: int
    late: int
    concealed: int
    jitter: float


class Incoming:
    """One stream from one address.

    Packets are 20 ms long, and the timestamp grows with the sequence number: a packet that does not
    fit to the first one is refused and changes nothing.
    """

    def __init__(self, first: Packet, source: Address, at: float) -> None:
        """Start with the first packet, which came at `at` seconds and has yet to be `put`.

        Raises:
            PacketError: it is no packet of this protocol.
        """
        check(first)
        self.ssrc = first.ssrc
        self.source = source
        self.is_call = False
        self._timestamp = first.timestamp - first.sequence * FRAME
        self._reception = Reception(first.sequence)
        self._playout = Playout(first.sequence, at)
        self._last_at = at
        self._left_at: float | None = None
        self._report: tuple[int, float] | None = None

    @property
    def left(self) -> bool:
        """Whether the sender has said goodbye."""
        return self._left_at is not None

    @property
    def seconds(self) -> float:
        """How much sound has been played."""
        return self._playout.played * FRAME_SECONDS

    @property
    def figures(self) -> Figures:
        """What came of it so far."""
        counted, played = self._reception, self._playout
        return Figures(
            counted.expected,
            counted.received,
            counted.lost,
            played.late,
            played.concealed,
            counted.jitter * 1000 / RATE,
        )

    def put(self, packet: Packet, at: float) -> None:
        """Take a packet that came at `at` seconds.

        Raises:
            PacketError: it does not belong into this stream.
        """
        check(packet)
        number = self._reception.extend(packet.sequence)
        if number is None:
            raise PacketError("the sequence number is out of reach")
        if packet.timestamp != (self._timestamp + number * FRAME) % (1 << 32):
            raise PacketError("the timestamp does not fit to the sequence number")
        if self._playout.put(number, decode(packet.payload), at) is Fate.TOO_EARLY:
            raise PacketError("the packet is too far ahead of its time")
        self._reception.count(number, packet.timestamp, at)
        self._last_at = at

    def hear(self, element: Element, at: float) -> None:
        """Take a part of a report from the sender's address, if it is about this stream."""
        match element:
            case SenderReport(ssrc, ntp) if ssrc == self.ssrc:
                self._report = ntp >> 16 & 0xFFFFFFFF, at
            case Application(ssrc, name) if ssrc == self.ssrc and name == CALL:
                self.is_call = True
            case Leaves(ssrcs) if self.ssrc in ssrcs and self._left_at is None:
                self._left_at = at
            case _:
                pass

    def take(self, now: float) -> list["array[int]"]:
        """Return the frames that are due."""
        return self._playout.take(now)

    def finish(self) -> list["array[int]"]:
        """Return the frames that are left, for nothing more will come."""
        return self._playout.finish()

    def is_over(self, now: float) -> bool:
        """Return whether nothing more is to be expected."""
        if self._left_at is not None and now >= self._left_at + GRACE:
            return True
        return now >= self._last_at + SILENCE

    def report(self, reporter: int, cname: str, now: float, *, last: bool) -> list[Element]:
        """Return a report for the sender, from an SSRC and a name; the `last` one says goodbye."""
        fraction, lost = self._reception.next_report()
        middle, since = self._report or (0, now)
        block = ReportBlock(
            self.ssrc,
            fraction,
            lost,
            self._reception.highest % (1 << 32),
            int(self._reception.jitter),
            middle,
            # A sender report may be stamped a little later than the tick that reports on it.
            max(0, int((now - since) * (1 << 16))) % (1 << 32),
        )
        goodbye: list[Element] = [Leaves((reporter,))] if last else []
        return [ReceiverReport(reporter, (block,)), Name(reporter, cname), *goodbye]


def check(packet: Packet) -> None:
    """Refuse a packet that is not 20 ms of mu-law.

    Raises:
        PacketError: it is not.
    """
    if packet.payload_type != PCMU:
        raise PacketError(f"the payload type is {PCMU}, not {packet.payload_type}")
    if len(packet.payload) != FRAME:
        raise PacketError(f"a packet carries {FRAME} samples, not {len(packet.payload)}")
