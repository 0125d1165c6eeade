"""What the wire carries inside its messages: strict JSON objects, strings, labels, addresses.

Strict means: exactly the members that were asked for, each once and of the right type. Every way
of being wrong is a `ProtocolError`. `protocol.py` builds the messages from these values.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Never

Address = tuple[str, int]
"""An IPv4 address in dotted form and a port."""
HIGHEST_PORT = 65535

_LABEL = "USER [1-9][0-9]{0,9}"
_OCTETS = frozenset(str(number) for number in range(256))
_OCTET_COUNT = 4
_LATEST_TIME = 253_402_214_400
"""9999-12-31 UTC: later times have no four-digit year in some time zone."""


class ErrorName(StrEnum):
    """The names that an error of the grammar can have; an `ERROR` line carries one of them."""

    LINE_TOO_LONG = "line-too-long"
    NOT_UTF8 = "not-utf8"
    UNKNOWN_COMMAND = "unknown-command"
    BAD_ARGUMENT = "bad-argument"
    BAD_USERNAME = "bad-username"
    UNSUPPORTED_VERSION = "unsupported-version"
    LOGIN_REQUIRED = "login-required"
    ALREADY_LOGGED_IN = "already-logged-in"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - the name of an error, no secret
    LOGIN_TIMEOUT = "login-timeout"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    TLS_REQUIRED = "tls-required"
    UNKNOWN_LABEL = "unknown-label"
    NO_PUNCHING = "no-punching"
    TOO_MANY_PUNCHES = "too-many-punches"
    BAD_DATAGRAM = "bad-datagram"
    DATAGRAM_TOO_LONG = "datagram-too-long"


class ProtocolError(Exception):
    """What was read, or was to be written, is not in the grammar.

    Attributes:
        name: which rule was broken.
        text: the sentence for people; it never quotes what was read.
    """

    def __init__(self, name: ErrorName, text: str) -> None:
        """Keep both parts, as `name: text` in a log."""
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


def bad_argument(text: str) -> ProtocolError:
    """Return the error for a command that is known and an argument that is not right."""
    return ProtocolError(ErrorName.BAD_ARGUMENT, text)


def write_object(members: Mapping[str, object]) -> bytes:
    """Write a JSON object without white space between its tokens."""
    return _ENCODER.encode(members).encode()


def read_object(text: str, *names: str, optional: str = "") -> dict[str, object]:
    """Read a JSON object that has exactly the named members, and maybe the `optional` one.

    Raises:
        ProtocolError: it is no JSON of RFC 8259, no object, or has other members.
    """
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise bad_argument("the argument must be one JSON object") from None
    return read_members(value, *names, optional=optional)


def read_members(value: object, *names: str, optional: str = "") -> dict[str, object]:
    """Return an object that was read, if it has exactly these members, and maybe the optional one.

    Raises:
        ProtocolError: it is no object, or has other members.
    """
    if not isinstance(value, dict) or value.keys() - {optional} != set(names):
        raise bad_argument(f"the members must be {', '.join(names)}")
    return value


def read_text(value: object) -> str:
    """Return a string that can be written as UTF-8.

    Raises:
        ProtocolError: it is no string, or has half a surrogate pair.
    """
    if not isinstance(value, str):
        raise bad_argument("expected a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_argument("a string must not have half a surrogate pair") from None
    return value


def read_integer(value: object) -> int:
    """Return a whole number.

    Raises:
        ProtocolError: it is something else; JSON's true is an int to Python alone.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_argument("expected a whole number")
    return value


def read_label(value: object) -> str:
    """Return a client's label.

    Raises:
        ProtocolError: it is not of the form `USER 1`.
    """
    label = read_text(value)
    if not re.fullmatch(_LABEL, label):
        raise bad_argument("a label is USER and a number")
    return label


def read_address(ip: object, port: object) -> Address:
    """Return an address.

    Raises:
        ProtocolError: `ip` is no dotted IPv4 address or `port` is not from 1 to 65535.
    """
    dotted = read_text(ip)
    octets = dotted.split(".")
    if len(octets) != _OCTET_COUNT or not _OCTETS.issuperset(octets):
        raise bad_argument("an IP address must be IPv4 in dotted form")
    return dotted, read_port(port)


def read_port(value: object) -> int:
    """Return a port.

    Raises:
        ProtocolError: it is no number from 1 to 65535.
    """
    number = read_integer(value)
    if not 1 <= number <= HIGHEST_PORT:
        raise bad_argument(f"a port is 1 to {HIGHEST_PORT}")
    return number


def read_time(value: object) -> float | None:
    """Return Unix seconds, or None if the value is no number or no time that can be shown."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= _LATEST_TIME else None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _no_constant(_name: str) -> Never:
    raise ValueError


# Made once: the functions of `json` make one for every call that wants anything unusual.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
