"""Reports about streams: compound packets of RTCP (RFC 3550 section 6). No I/O.

A datagram is a list of elements. Of SDES only the name (CNAME) is kept; packets of types that are
not known are skipped, as the RFC asks.
"""

import struct
from typing import NamedTuple

from services.media.rtp import MAX_PACKET, VERSION, PacketError

MAX_NAME = 255
"""Bytes of a CNAME."""
_SR, _RR, _SDES, _BYE, _APP = 200, 201, 202, 203, 204
_CNAME = 1
_PADDING = 0x20
_COUNT = 0x1F

_HEADER = struct.Struct("!BBH")
_SSRC = struct.Struct("!I")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IB3sIIII")
_APPLICATION = struct.Struct("!I4s")


class ReportBlock(NamedTuple):
    """What a receiver says of one stream.

    Attributes:
        ssrc: the stream.
        fraction: how much was lost since the last report, in 1/256.
        lost: how many were lost in all; negative where packets came twice.
        highest: the highest sequence number, extended to 32 bits.
        jitter: interarrival jitter in samples.
        last_report: the middle 32 bits of the NTP time in the last sender report, or 0.
        delay: how long ago that came, in 1/65536 seconds.
    """

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


class SenderReport(NamedTuple):
    """What a sender says: the same moment in NTP time and in samples, and how much it has sent."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(NamedTuple):
    """What one who does not send says."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


class Name(NamedTuple):
    """Whose an SSRC is (CNAME); a claim."""

    ssrc: int
    cname: str


class Leaves(NamedTuple):
    """These SSRCs are done (BYE)."""

    ssrcs: tuple[int, ...]


class Application(NamedTuple):
    """Something that only this application knows (APP): four letters, and bytes."""

    ssrc: int
    name: bytes
    data: bytes = b""


Element = SenderReport | ReceiverReport | Name | Leaves | Application


def ntp_time(seconds: float) -> int:
    """Return Unix seconds as NTP writes them: 1/2**32 seconds since 1900."""
    since_1900 = 2_208_988_800
    return int((seconds + since_1900) * (1 << 32)) % (1 << 64)


def parse_compound(data: bytes) -> list[Element]:
    """Read a datagram of RTCP.

    Raises:
        PacketError: it is none: RFC 3550 appendix A.2 says what must be right.
    """
    if len(data) > MAX_PACKET:
        raise PacketError(f"a report has at most {MAX_PACKET} bytes, not {len(data)}")
    elements: list[Element] = []
    rest = data
    while rest:
        if len(rest) < _HEADER.size:
            raise PacketError("a report ends within a header")
        first, kind, words = _HEADER.unpack_from(rest)
        end = 4 * (words + 1)
        if first >> 6 != VERSION or len(rest) < end:
            raise PacketError("a part of a report has another version, or is cut off")
        if rest is data and kind not in {_SR, _RR}:
            raise PacketError("a report begins with SR or RR")
        body, rest = rest[_HEADER.size : end], rest[end:]
        if first & _PADDING:
            body = _without_padding(body, rest)
        try:
            elements += _parse_part(kind, first & _COUNT, body)
        except struct.error:
            raise PacketError("a part of a report is too short") from None
    if not elements:
        raise PacketError("a report is empty")
    return elements


def format_compound(elements: list[Element]) -> bytes:
    """Write a datagram of RTCP; the first element must be a report."""
    return b"".join(_format_part(element) for element in elements)


def _without_padding(body: bytes, rest: bytes) -> bytes:
    if rest or not body or not 0 < body[-1] <= len(body):
        raise PacketError("padding is not at the end, or longer than what it pads")
    return body[: -body[-1]]


def _parse_part(kind: int, count: int, body: bytes) -> list[Element]:
    match kind:
        case 200:
            ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
            blocks = _parse_blocks(count, body, _SENDER.size)
            return [SenderReport(ssrc, ntp, timestamp, packets, octets, blocks)]
        case 201:
            (ssrc,) = _SSRC.unpack_from(body)
            return [ReceiverReport(ssrc, _parse_blocks(count, body, _SSRC.size))]
        case 202:
            return _parse_names(count, body)
        case 203:
            return [Leaves(struct.unpack_from(f"!{count}I", body))]
        case 204:
            ssrc, name = _APPLICATION.unpack_from(body)
            return [Application(ssrc, name, body[_APPLICATION.size :])]
        case _:
            return []


def _parse_blocks(count: int, body: bytes, start: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for at in range(start, start + count * _BLOCK.size, _BLOCK.size):
        ssrc, fraction, lost, *others = _BLOCK.unpack_from(body, at)
        blocks.append(ReportBlock(ssrc, fraction, int.from_bytes(lost, signed=True), *others))
    return tuple(blocks)


def _parse_names(count: int, body: bytes) -> list[Element]:
    """Read chunks: an SSRC, items of type, length and text, and a zero up to the next word."""
    names: list[Element] = []
    at = 0
    for _ in range(count):
        (ssrc,) = _SSRC.unpack_from(body, at)
        at += _SSRC.size
        while at < len(body) and (kind := body[at]):
            length = body[at + 1] if at + 1 < len(body) else 0
            text = body[at + 2 : at + 2 + length]
            at += 2 + length
            if kind == _CNAME:
                names.append(Name(ssrc, text.decode(errors="replace")))
        if at >= len(body):
            raise PacketError("names do not end")
        at += 4 - at % 4
    return names


def _format_part(element: Element) -> bytes:
    match element:
        case SenderReport(ssrc, ntp, timestamp, packets, octets, blocks):
            body = _SENDER.pack(ssrc, ntp, timestamp, packets, octets) + _format_blocks(blocks)
            return _part(_SR, len(blocks), body)
        case ReceiverReport(ssrc, blocks):
            return _part(_RR, len(blocks), _SSRC.pack(ssrc) + _format_blocks(blocks))
        case Name(ssrc, cname):
            text = cname.encode()[:MAX_NAME]
            item = bytes([_CNAME, len(text)]) + text
            return _part(_SDES, 1, _SSRC.pack(ssrc) + item + bytes(4 - len(item) % 4))
        case Leaves(ssrcs):
            return _part(_BYE, len(ssrcs), struct.pack(f"!{len(ssrcs)}I", *ssrcs))
        case Application(ssrc, name, data):
            return _part(_APP, 0, _APPLICATION.pack(ssrc, name) + data)


def _format_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(ssrc, fraction, lost.to_bytes(3, signed=True), *others)
        for ssrc, fraction, lost, *others in blocks
    )


def _part(kind: int, count: int, body: bytes) -> bytes:
    # The length is in words, less one for the header itself.
    return _HEADER.pack(VERSION << 6 | count, kind, len(body) // 4) + body
