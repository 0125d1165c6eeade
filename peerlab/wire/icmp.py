"""What a router says by ICMP (RFC 792, RFC 1812), and what ICMP errors quote."""

from struct import pack

from peerlab.wire.checksum import internet_checksum, with_checksums
from peerlab.wire.ends import ECHO, ECHO_REPLY
from peerlab.wire.packet import ICMP, IP_START, IPV4_TYPE, IcmpMessage, Packet

UNREACHABLE, QUENCH, EXCEEDED, PARAMETER = 3, 4, 11, 12
"""Types of messages that report an error."""

ERRORS = frozenset((UNREACHABLE, QUENCH, EXCEEDED, PARAMETER))

_HEADER = 8
_VERSION_4 = 4
_SHORTEST_IPV4 = 20
_QUOTED = 8
_TYPE_OF_SERVICE, _NETWORK_CONTROL = IP_START + 1, 0xC0
_FRAGMENT = 6
_FRAGMENT_OFFSET = 0x1FFF
_DO_NOT_FRAGMENT = 0x4000
_TIME_TO_LIVE = 64


def holds(message: IcmpMessage) -> bool:
    """Whether the checksum of a message that is not fragmented is right."""
    return internet_checksum(message.frame[message.start - _HEADER : message.end]) == 0


def echo_reply(request: IcmpMessage) -> bytes:
    """The answer to an echo, in a frame whose addresses are still to be filled in."""
    body = request.frame[request.start - _HEADER + 4 : request.end]
    service = request.frame[_TYPE_OF_SERVICE]
    return _message(request.destination, request.source, service, (ECHO_REPLY, 0), body)


def error(about: Packet, kind: int, code: int, sender: bytes) -> bytes | None:
    """The report to the source of a packet, in a frame whose addresses are still to be filled in.

    None where there must be none (RFC 1812, section 4.3.2.7): about an error, which would never
    end, and about all fragments but the first.
    """
    queries = isinstance(about, IcmpMessage) and about.kind in (ECHO, ECHO_REPLY)
    if about.offset or (about.protocol == ICMP and not queries):
        return None
    header = (about.frame[IP_START] & 15) * 4
    quote = about.frame[IP_START : IP_START + header + _QUOTED]
    return _message(sender, about.source, _NETWORK_CONTROL, (kind, code), bytes(4) + quote)


def quoted(report: IcmpMessage) -> int | None:
    """Where the IP header begins that an error quotes, if that and its ports can be read."""
    at = report.start
    quote = report.frame[at : report.end]
    if len(quote) < _SHORTEST_IPV4 or quote[0] >> 4 != _VERSION_4:
        return None
    header = (quote[0] & 15) * 4
    later = int.from_bytes(quote[_FRAGMENT : _FRAGMENT + 2]) & _FRAGMENT_OFFSET
    if header < _SHORTEST_IPV4 or len(quote) < header + _QUOTED or later:
        return None
    return at if internet_checksum(quote[:header]) == 0 else None


def resealed(report: IcmpMessage, frame: bytes) -> bytes:
    """A frame with what was a right message, after a change of what that quotes."""
    data = bytearray(frame)
    start = report.start - _HEADER
    data[start + 2 : start + 4] = b"\0\0"
    value = internet_checksum(bytes(data[start : report.end]))
    data[start + 2 : start + 4] = value.to_bytes(2)
    return bytes(data)


def _message(
    source: bytes, destination: bytes, service: int, kind: tuple[int, int], body: bytes
) -> bytes:
    """A message of a type and code; `body` is all that follows its checksum."""
    checksum = internet_checksum(bytes(kind) + b"\0\0" + body)
    message = pack("!BBH", *kind, checksum) + body
    size = _SHORTEST_IPV4 + len(message)
    header = pack(
        "!BBHHHBBH4s4s",
        0x45,
        service,
        size,
        0,
        _DO_NOT_FRAGMENT,
        _TIME_TO_LIVE,
        ICMP,
        0,
        source,
        destination,
    )
    return with_checksums(bytes(12) + IPV4_TYPE.to_bytes(2) + header + message)
