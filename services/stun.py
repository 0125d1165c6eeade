"""STUN messages of RFC 8489, as far as the Binding method needs them, and CHANGE-REQUEST. No I/O.

Integrity is MESSAGE-INTEGRITY-SHA256 in full length (section 14.6). The older attribute with SHA-1
is neither made nor checked.
"""

import struct
from binascii import crc32
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from services.datagram import STUN_COOKIE, STUN_HEADER, is_stun
from services.values import Address

MAX_STUN = 548
"""Bytes of a message: what fits through every path whose MTU is not known (section 6.1)."""
TRANSACTION = 12
"""Bytes of the number by which a response is known."""
CHANGE_PORT = 2
"""The flag of CHANGE-REQUEST that wants the response from another port (RFC 5780, 7.2)."""
UNKNOWN_ATTRIBUTE = 420

_HEADER = struct.Struct("!HH4s12s")
_ATTRIBUTE = struct.Struct("!HH")
_NUMBER = struct.Struct("!I")
_ADDRESS = struct.Struct("!BBHI")
_ERROR = struct.Struct("!HBB")
_COOKIE = int.from_bytes(STUN_COOKIE)
_IPV4 = 1
_DIGEST = 32
_CHECKSUM_MASK = 0x5354554E
_OPTIONAL_FROM = 0x8000
"""Attributes from here on may be ignored by who does not know them."""


class Kind(IntEnum):
    """The method Binding in each class of messages."""

    REQUEST = 0x0001
    INDICATION = 0x0011
    RESPONSE = 0x0101
    ERROR = 0x0111


class Name(IntEnum):
    """Attributes that are known here."""

    CHANGE_REQUEST = 0x0003
    USERNAME = 0x0006
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    INTEGRITY = 0x001C
    XOR_MAPPED_ADDRESS = 0x0020
    FINGERPRINT = 0x8028


class StunError(Exception):
    """Raised for what is no message of this grammar; says why."""


class Message(NamedTuple):
    """A message that was read.

    Attributes:
        kind: request, indication, response or error.
        transaction: 12 bytes, the same in a request and its response.
        attributes: by number, those before the integrity; of one that comes twice, the first.
        signed: what the integrity is about, or b"" if there is none.
        integrity: the integrity, or b"".
    """

    kind: Kind
    transaction: bytes
    attributes: dict[int, bytes]
    signed: bytes
    integrity: bytes

    @property
    def username(self) -> str | None:
        """Whose credentials the message claims to have."""
        value = self.attributes.get(Name.USERNAME)
        return None if value is None else value.decode(errors="replace")

    @property
    def mapped(self) -> Address | None:
        """The address that the request came from, as who answered saw it."""
        value = self.attributes.get(Name.XOR_MAPPED_ADDRESS)
        return None if value is None else _read_address(value)

    @property
    def change(self) -> int:
        """The flags of a CHANGE-REQUEST; 0 without any."""
        value = self.attributes.get(Name.CHANGE_REQUEST, bytes(_NUMBER.size))
        return int.from_bytes(value)

    @property
    def not_understood(self) -> list[int]:
        """Attributes that must be understood and are not known here."""
        return [name for name in self.attributes if name < _OPTIONAL_FROM and name not in _KNOWN]

    def is_signed_by(self, key: bytes) -> bool:
        """Return whether the message has an integrity, and it is that of a key."""
        from hmac import compare_digest  # noqa: PLC0415 - as below

        return bool(self.integrity) and compare_digest(_sign(key, self.signed), self.integrity)


_KNOWN = frozenset(Name)
_LENGTHS = {
    Name.CHANGE_REQUEST: _NUMBER.size,
    Name.XOR_MAPPED_ADDRESS: _ADDRESS.size,
    Name.FINGERPRINT: _NUMBER.size,
    Name.INTEGRITY: _DIGEST,
}


def parse_stun(data: bytes) -> Message:
    """Read a datagram.

    Raises:
        StunError: it is no Binding message, or damaged.
    """
    if not is_stun(data) or len(data) > MAX_STUN:
        raise StunError("no STUN of a sane length")
    number, length, _, transaction = _HEADER.unpack_from(data)
    if length != len(data) - STUN_HEADER or length % 4:
        raise StunError("the length is wrong")
    try:
        kind = Kind(number)
    except ValueError:
        raise StunError("the method is not Binding") from None
    attributes: dict[int, bytes] = {}
    signed = integrity = b""
    at = STUN_HEADER
    while at < len(data):
        name, value, following = _read_attribute(data, at)
        if name == Name.FINGERPRINT:
            if following != len(data) or int.from_bytes(value) != _fingerprint(data[:at]):
                raise StunError("the fingerprint is wrong")
        elif name == Name.INTEGRITY and not integrity:
            # The length in the header counts up to the integrity alone (section 14.6).
            signed = _with_length(data[:at], following - STUN_HEADER)
            integrity = value
        elif not integrity:
            attributes.setdefault(name, value)
        at = following
    return Message(kind, transaction, attributes, signed, integrity)


def format_stun(
    kind: Kind,
    transaction: bytes,
    attributes: Iterable[tuple[int, bytes]] = (),
    *,
    key: bytes | None = None,
) -> bytes:
    """Write a message with a fingerprint, and with the integrity of a key if there is one."""
    data = _HEADER.pack(kind, 0, STUN_COOKIE, transaction)
    for name, value in attributes:
        data += _attribute(name, value)
    if key is not None:
        length = len(data) - STUN_HEADER + _ATTRIBUTE.size + _DIGEST
        data += _attribute(Name.INTEGRITY, _sign(key, _with_length(data, length)))
    data = _with_length(data, len(data) - STUN_HEADER + _ATTRIBUTE.size + _NUMBER.size)
    return data + _attribute(Name.FINGERPRINT, _NUMBER.pack(_fingerprint(data)))


def mapped(address: Address) -> tuple[int, bytes]:
    """Return the attribute that tells a client where it is seen."""
    ip, port = address
    octets = int.from_bytes(bytes(map(int, ip.split("."))))
    return Name.XOR_MAPPED_ADDRESS, _ADDRESS.pack(0, _IPV4, port ^ _COOKIE >> 16, octets ^ _COOKIE)


def claim(username: str) -> tuple[int, bytes]:
    """Return the attribute that says whose credentials a message has."""
    return Name.USERNAME, username.encode()


def change_port() -> tuple[int, bytes]:
    """Return the attribute that wants the response from another port."""
    return Name.CHANGE_REQUEST, _NUMBER.pack(CHANGE_PORT)


def refused(unknown: Iterable[int]) -> list[tuple[int, bytes]]:
    """Return the attributes of the error for attributes that were not understood."""
    hundreds, rest = divmod(UNKNOWN_ATTRIBUTE, 100)
    listed = b"".join(name.to_bytes(2) for name in unknown)
    return [
        (Name.ERROR_CODE, _ERROR.pack(0, hundreds, rest)),
        (Name.UNKNOWN_ATTRIBUTES, listed),
    ]


def _read_attribute(data: bytes, at: int) -> tuple[int, bytes, int]:
    name, length = _ATTRIBUTE.unpack_from(data, at)
    start = at + _ATTRIBUTE.size
    following = start + length + -length % 4
    if following > len(data):
        raise StunError("an attribute is longer than the message")
    if length != _LENGTHS.get(name, length):
        raise StunError("an attribute has the wrong length")
    return name, data[start : start + length], following


def _read_address(value: bytes) -> Address | None:
    _, family, port, octets = _ADDRESS.unpack(value)
    if family != _IPV4:
        return None
    return ".".join(map(str, (octets ^ _COOKIE).to_bytes(4))), port ^ _COOKIE >> 16


def _attribute(name: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)


def _with_length(data: bytes, length: int) -> bytes:
    return data[:2] + length.to_bytes(2) + data[4:]


def _sign(key: bytes, data: bytes) -> bytes:
    # Most clients are behind no NAT, and start without this module.
    from hmac import digest  # noqa: PLC0415

    return digest(key, data, "sha256")


def _fingerprint(data: bytes) -> int:
    return crc32(data) ^ _CHECKSUM_MASK
