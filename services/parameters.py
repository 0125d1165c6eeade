"""What peers need to know of a client to talk to it: addresses, media formats, limits. No I/O."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from services.values import Address, bad_argument, read_address, read_integer, read_text

MAX_ADDRESSES = 4
"""Of an offer; an answer has one more, the address that the server sees."""
MAX_MEDIA = 8
MAX_LIMITS = 8
MEMBERS = ("addresses", "media", "limits")

_MEDIA = "[A-Za-z0-9.-]{1,16}/[1-9][0-9]{0,5}"
_LIMIT_NAME = "[a-z][a-z0-9-]{0,15}"
_HIGHEST_LIMIT = 2**31 - 1
_PAIR = 2


class Parameters(NamedTuple):
    """How a client can be talked to, as it says itself; the server only passes it on.

    Attributes:
        addresses: where it can be reached besides its address on the list.
        media: formats that it takes, as `name/number`: CHAT/1 for messages, PCMU/8000 for voice.
        limits: how much it takes at most, by name: `datagram` in bytes.
    """

    addresses: tuple[Address, ...]
    media: tuple[str, ...]
    limits: Mapping[str, int]

    def members(self) -> dict[str, object]:
        """Return the members of the object that says the same."""
        return self._asdict()


def read_parameters(
    members: Mapping[str, object], *, most_addresses: int = MAX_ADDRESSES
) -> Parameters:
    """Read the members `addresses`, `media` and `limits` of an object.

    Raises:
        ProtocolError: one of them is of another kind, or holds too much.
    """
    limits = members["limits"]
    if not isinstance(limits, dict) or len(limits) > MAX_LIMITS:
        raise bad_argument(f"limits is an object of at most {MAX_LIMITS} members")
    return Parameters(
        read_addresses(members["addresses"], most_addresses),
        tuple(_read_media(media) for media in _read_list(members["media"], MAX_MEDIA)),
        {_read_limit_name(name): _read_limit(limit) for name, limit in limits.items()},
    )


def read_addresses(value: object, most: int) -> tuple[Address, ...]:
    """Read a list of addresses.

    Raises:
        ProtocolError: it is something else, or there are too many.
    """
    return tuple(read_address(*_read_pair(address)) for address in _read_list(value, most))


def _read_list(value: object, longest: int) -> list[object]:
    if not isinstance(value, list) or len(value) > longest:
        raise bad_argument(f"expected a list of at most {longest}")
    return value


def _read_pair(value: object) -> list[object]:
    if not isinstance(value, list) or len(value) != _PAIR:
        raise bad_argument("an address is a list of an IP address and a port")
    return value


def _read_media(value: object) -> str:
    media = read_text(value)
    if not re.fullmatch(_MEDIA, media):
        raise bad_argument("a media format is a name and a number, such as CHAT/1")
    return media


def _read_limit_name(name: str) -> str:
    if not re.fullmatch(_LIMIT_NAME, name):
        raise bad_argument("the name of a limit is 1 to 16 of a-z, 0-9 and -")
    return name


def _read_limit(value: object) -> int:
    limit = read_integer(value)
    if not 0 <= limit <= _HIGHEST_LIMIT:
        raise bad_argument(f"a limit is 0 to {_HIGHEST_LIMIT}")
    return limit
