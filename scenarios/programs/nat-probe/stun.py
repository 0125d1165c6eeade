"""STUN messages: the Binding requests and responses of RFC 8489, and what RFC 5780 adds to them.

A message is a header of 20 bytes and attributes, each with a type, a length and a value.
"""

import struct
from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]

MAGIC_COOKIE = 0x2112A442
"""Where every STUN message has it, other datagrams hardly do."""

BINDING_REQUEST = 0x0001
BINDING_RESPONSE = 0x0101

MAPPED_ADDRESS = 0x0001
CHANGE_REQUEST = 0x0003
XOR_MAPPED_ADDRESS = 0x0020
RESPONSE_PORT = 0x0027
RESPONSE_ORIGIN = 0x802B
OTHER_ADDRESS = 0x802C

CHANGE_IP = 0x04
CHANGE_PORT = 0x02

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_ADDRESS = struct.Struct("!xBH4s")
_FLAGS = struct.Struct("!I")
_PORT = struct.Struct("!H2x")
_IPV4 = 0x01
_MASK = struct.pack("!2xHI", MAGIC_COOKIE >> 16, MAGIC_COOKIE)


class NotStunError(ValueError):
    """Raised when a datagram, or an attribute in it, is not what STUN says."""


@dataclass(frozen=True)
class Message:
    """A message; `transaction` is 12 bytes that tell which request a response belongs to."""

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]

    def encode(self) -> bytes:
        """Return the message as it is on the wire; values are padded to 4 bytes."""
        body = b"".join(
            _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)
            for name, value in self.attributes.items()
        )
        return _HEADER.pack(self.kind, len(body), MAGIC_COOKIE, self.transaction) + body

    def address(self, name: int) -> Address | None:
        """Return the address in this attribute; None if the message has no such attribute."""
        value = self.attributes.get(name)
        return None if value is None else _unpack_address(value)

    @property
    def mapped(self) -> Address | None:
        """The address that the server saw; old servers give it only without the mask."""
        masked = self.attributes.get(XOR_MAPPED_ADDRESS)
        return self.address(MAPPED_ADDRESS) if masked is None else _unpack_address(mask(masked))

    @property
    def change(self) -> int:
        """The flags of a CHANGE-REQUEST: what the response is to come from instead."""
        value = self.attributes.get(CHANGE_REQUEST)
        return 0 if value is None else int(_unpack(_FLAGS, value)[0])

    @property
    def response_port(self) -> int | None:
        """The port of the client that the response is to go to instead."""
        value = self.attributes.get(RESPONSE_PORT)
        return None if value is None else int(_unpack(_PORT, value)[0])


def decode(data: bytes) -> Message:
    """Return the message in a datagram.

    Raises:
        NotStunError: there is none.
    """
    if len(data) < _HEADER.size:
        raise NotStunError("too short")
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if cookie != MAGIC_COOKIE or length != len(body) or length % 4:
        raise NotStunError("no header of STUN")
    attributes: dict[int, bytes] = {}
    while body:
        name, size = _ATTRIBUTE.unpack_from(body)
        value, body = body[4 : 4 + size], body[4 + size + -size % 4 :]
        if len(value) < size:
            raise NotStunError("an attribute is longer than the message")
        # Where one comes twice, the first counts.
        attributes.setdefault(name, value)
    return Message(kind, transaction, attributes)


def pack_address(address: Address) -> bytes:
    """Return the value of an attribute that carries an IPv4 address and a port."""
    ip, port = address
    return _ADDRESS.pack(_IPV4, port, bytes(map(int, ip.split("."))))


def pack_change(flags: int) -> bytes:
    """Return the value of a CHANGE-REQUEST."""
    return _FLAGS.pack(flags)


def pack_port(port: int) -> bytes:
    """Return the value of a RESPONSE-PORT."""
    return _PORT.pack(port)


def mask(value: bytes) -> bytes:
    """Mask or unmask an address: some NATs would translate one that they recognize in a payload."""
    if len(value) != len(_MASK):
        raise NotStunError("no IPv4 address")
    return bytes(byte ^ other for byte, other in zip(value, _MASK, strict=True))


def _unpack_address(value: bytes) -> Address:
    family, port, ip = _unpack(_ADDRESS, value)
    if family != _IPV4:
        raise NotStunError("no IPv4 address")
    return ".".join(map(str, ip)), port


def _unpack(form: struct.Struct, value: bytes) -> tuple[Any, ...]:
    if len(value) != form.size:
        raise NotStunError("an attribute has the wrong length")
    return form.unpack(value)
