"""A stream that is being sent: its packets, its reports, and what receivers say of it. No I/O."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from services.media.incoming import CALL, PCMU
from services.media.pcmu import RATE, encode
from services.media.rtcp import (
    Application,
    Element,
    Leaves,
    Name,
    ReceiverReport,
    SenderReport,
    format_compound,
    ntp_time,
)
from services.media.rtp import Packet, format_packet
from services.media.tone import FRAME
from services.values import Address


class Told(NamedTuple):
    """What a receiver said of the stream: packets lost, jitter in milliseconds."""

    lost: int
    jitter: float
    final: bool


class Outgoing:
    """One stream, the same for all of its recipients."""

    def __init__(self, number: Callable[[], int], cname: str, *, is_call: bool) -> None:
        """Take where random numbers of 32 bits come from; a call asks for sound in return."""
        self.ssrc = number()
        self._sequence = number() % (1 << 16)
        self._timestamp = number()
        self._cname = cname
        self._is_call = is_call
        self.packets = 0
        self.told: dict[Address, Told] = {}
        """The latest that each receiver said, by its address."""

    def packet(self, frame: Iterable[int]) -> bytes:
        """Return the next packet."""
        payload = encode(frame)
        # Sound begins with the first one.
        first = self.packets == 0
        packet = Packet(first, PCMU, self._sequence, self._timestamp, self.ssrc, payload)
        self._sequence = (self._sequence + 1) % (1 << 16)
        self._timestamp = (self._timestamp + FRAME) % (1 << 32)
        self.packets += 1
        return format_packet(packet)

    def report(self, now: float, *, last: bool) -> bytes:
        """Return a report at the Unix time of the next packet; the `last` one says goodbye."""
        report = SenderReport(
            self.ssrc, ntp_time(now), self._timestamp, self.packets, self.packets * FRAME
        )
        parts: list[Element] = [report, Name(self.ssrc, self._cname)]
        if self._is_call:
            parts.append(Application(self.ssrc, CALL))
        if last:
            parts.append(Leaves((self.ssrc,)))
        return format_compound(parts)

    def hear(self, elements: Iterable[Element], source: Address) -> None:
        """Take what a receiver reports; its goodbye makes that the final word."""
        reporter: int | None = None
        for element in elements:
            match element:
                case ReceiverReport(ssrc, blocks):
                    for block in blocks:
                        if block.ssrc == self.ssrc:
                            reporter = ssrc
                            jitter = block.jitter * 1000 / RATE
                            self.told[source] = Told(block.lost, jitter, final=False)
                case Leaves(ssrcs) if reporter in ssrcs:
                    self.told[source] = self.told[source]._replace(final=True)
                case _:
                    pass
