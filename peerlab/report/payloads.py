"""Names what a datagram has in it: its text, or, where it is none, what it seems to be."""

import re
from typing import Final

_ESCAPED: Final = re.compile(rb"\\x([89a-f][0-9a-f])")
"""How the journal writes a byte that is not part of a character."""
_FOREIGN: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SEARCHED: Final = 400
"""Characters that are looked at."""
_TEXT: Final = 0.1
"""The share of foreign bytes up to which it is text, as one that was damaged on the way is."""
_COOKIE: Final = bytes.fromhex("2112a442")
_STUN: Final = range(4)
_RTP: Final = range(128, 192)
"""First bytes, of RTCP as well."""
_RTCP: Final = range(192, 224)
"""Second bytes."""
_LEAST_STUN: Final = 20
_LEAST_RTP: Final = 12
_LEAST_RTCP: Final = 8


def payload_name(text: str, size: int) -> str:
    """What is in a datagram: its text, `STUN`, `RTP` or `RTCP`, else how many bytes.

    The protocols are guessed from the first bytes, as RFC 7983 and RFC 5761 tell them apart.

    Args:
        text: the beginning of the payload, as the journal has it.
        size: bytes of the whole payload.
    """
    told = text[:_SEARCHED].encode(errors="surrogatepass")
    payload, escaped = _ESCAPED.subn(lambda found: bytes([int(found[1], 16)]), told)
    foreign = escaped + len(_FOREIGN.findall(payload))
    return text if foreign <= _TEXT * len(payload) else _guess(payload, size)


def _guess(payload: bytes, size: int) -> str:
    if len(payload) >= _LEAST_STUN and payload[0] in _STUN and payload[4:8] == _COOKIE:
        return "STUN"
    if len(payload) >= _LEAST_RTCP and payload[0] in _RTP:
        if payload[1] in _RTCP:
            return "RTCP"
        if len(payload) >= _LEAST_RTP:
            return "RTP"
    return "1 byte" if size == 1 else f"{size} bytes"
