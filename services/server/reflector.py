"""What is answered to a datagram of STUN. No I/O."""

from typing import NamedTuple, Protocol

from services.stun import (
    CHANGE_PORT,
    Kind,
    Message,
    Name,
    StunError,
    format_stun,
    mapped,
    parse_stun,
    refused,
)
from services.values import Address

AMPLIFICATION = 3
"""How many times as long as a request its answer may be: the source may be forged."""


class Answer(NamedTuple):
    """What goes back to where the request came from, maybe from another port."""

    data: bytes
    other_port: bool


class Ignored(NamedTuple):
    """Nothing goes back; says what kind of datagram that was."""

    kind: str


class Registrar(Protocol):
    """Knows the credentials, and puts addresses on the list."""

    def key_of(self, username: str) -> bytes | None:
        """Return the key that belongs to a username."""

    def register(self, username: str, seen: Address, transaction: bytes) -> bool:
        """Register an address; return whether it may be."""


def reflect(data: bytes, source: Address, registrar: Registrar) -> Answer | Ignored:
    """Return what to do about a datagram that came from `source`.

    A request without a username is answered to anybody; one with a username registers the source,
    if it has the right key, and is ignored if not: RFC 8489 has an error for that (section 9.1.3),
    which would help guessers alone.
    """
    try:
        request = parse_stun(data)
    except StunError:
        return Ignored("no STUN")
    if request.kind is not Kind.REQUEST:
        return Ignored("no request")
    key = None
    if (username := request.username) is not None:
        key = registrar.key_of(username)
        if key is None or not request.is_signed_by(key):
            return Ignored("wrong key")
    unknown = _not_understood(request)
    if unknown:
        reply = format_stun(Kind.ERROR, request.transaction, refused(unknown), key=key)
    elif username is not None and not registrar.register(username, source, request.transaction):
        return Ignored("wrong address")
    else:
        reply = format_stun(Kind.RESPONSE, request.transaction, [mapped(source)], key=key)
    if len(reply) > AMPLIFICATION * len(data):
        return Ignored("too short for its answer")
    return Answer(reply, bool(request.change & CHANGE_PORT) and not unknown)


def _not_understood(request: Message) -> list[int]:
    """The attributes that are not understood; there is no other IP address to answer from."""
    unknown = request.not_understood
    if request.change & ~CHANGE_PORT:
        unknown.append(Name.CHANGE_REQUEST)
    return unknown
