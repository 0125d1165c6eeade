"""The grammar between peers: one datagram is one chat message. No I/O, as in `protocol.py`."""

import re
from typing import NamedTuple

from services.values import (
    ErrorName,
    ProtocolError,
    bad_argument,
    read_label,
    read_object,
    read_text,
    read_time,
    write_object,
)

VERSION = 1
MAX_DATAGRAM = 1200
"""Bytes of one datagram: the size that RFC 9000 section 14.1 expects every path to carry."""

TAG = f"CHAT/{VERSION} ".encode()
"""How a message begins; what begins otherwise is none of this protocol."""
SEALED_TAG = b"CHAT/2 "
"""How a datagram begins in which a message is sealed; `seal.py` has the rest."""
NONCE = 12
"""Octets of the nonce, taken at random: of 2**32 datagrams two hardly ever have the same."""
_PROOF = 16
SEALING = len(SEALED_TAG) + NONCE + _PROOF
"""Bytes by which a sealed message is longer: how it begins, nonce and proof."""
STUN_COOKIE = bytes.fromhex("2112a442")
STUN_HEADER = 20
"""Bytes in front of the attributes of a STUN message (RFC 8489 section 5)."""
_STUN_FIRST = 4
"""First octets below this one are those of STUN (RFC 7983)."""
_MESSAGE_ID = "[A-Za-z0-9_-]{1,64}"


class ChatMessage(NamedTuple):
    """What one datagram carries.

    Attributes:
        message_id: the same for all recipients of one message.
        sender: the label that the sender claims; receivers go by the address instead.
        sent: Unix seconds, or None where the datagram gave no sane time.
        text: what was typed.
    """

    message_id: str
    sender: str
    sent: float | None
    text: str


def is_stun(data: bytes) -> bool:
    """Return whether a datagram is STUN, which `services.stun` reads."""
    return len(data) >= STUN_HEADER and data[0] < _STUN_FIRST and data[4:8] == STUN_COOKIE


def parse_datagram(data: bytes) -> ChatMessage:
    """Read what came by UDP.

    Raises:
        ProtocolError: it is not a message of this protocol.
    """
    if len(data) > MAX_DATAGRAM:
        raise _datagram_too_long(MAX_DATAGRAM)
    if not data.startswith(TAG):
        raise ProtocolError(ErrorName.BAD_DATAGRAM, f"a datagram starts with CHAT/{VERSION}")
    try:
        body = data[len(TAG) :].decode()
    except UnicodeDecodeError:
        raise ProtocolError(ErrorName.NOT_UTF8, "a datagram must be UTF-8") from None
    members = read_object(body, "id", "from", "sent", "text")
    message_id = read_text(members["id"])
    if not re.fullmatch(_MESSAGE_ID, message_id):
        raise bad_argument("an id is 1 to 64 letters, digits, - and _")
    return ChatMessage(
        message_id,
        read_label(members["from"]),
        read_time(members["sent"]),
        read_text(members["text"]),
    )


def format_datagram(message: ChatMessage, room: int = MAX_DATAGRAM) -> bytes:
    """Write a datagram for a peer, of at most `room` bytes.

    Raises:
        ProtocolError: the text does not fit in one datagram.
    """
    datagram = TAG + write_object(
        {
            "id": message.message_id,
            "from": message.sender,
            "sent": message.sent,
            "text": read_text(message.text),
        }
    )
    if len(datagram) > room:
        raise _datagram_too_long(room)
    return datagram


def _datagram_too_long(room: int) -> ProtocolError:
    return ProtocolError(
        ErrorName.DATAGRAM_TOO_LONG, f"a message must fit in a datagram of {room} bytes"
    )
