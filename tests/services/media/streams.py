"""Streams as a test sends them: numbers are chosen, and time is what the test says."""

import itertools
from array import array
from collections.abc import Callable

from services.media.outgoing import Outgoing
from services.media.rtp import Packet, parse_packet
from services.media.tone import FRAME, frames

SOURCE = ("10.201.0.3", 40211)
SSRC = 0x1234ABCD


def numbers(*chosen: int) -> Callable[[], int]:
    """Random numbers that are none."""
    drawn = itertools.chain(chosen, itertools.count(1))
    return lambda: next(drawn)


def outgoing(
    *, ssrc: int = SSRC, sequence: int = 65534, timestamp: int = 1000, is_call: bool = False
) -> Outgoing:
    return Outgoing(numbers(ssrc, sequence, timestamp), "10.201.0.3:40211", is_call=is_call)


def datagrams(count: int, stream: Outgoing | None = None) -> list[bytes]:
    """The first packets of a stream."""
    stream = stream or outgoing()
    return [stream.packet(frame) for frame in frames(array("h", [1000] * FRAME * count))]


def packets(count: int) -> list[Packet]:
    return [parse_packet(each) for each in datagrams(count)]
