"""What the lines about NATs carry: credentials for STUN, and whom to punch holes to. No I/O."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from services.nat import MEMBERS as NAT_MEMBERS
from services.nat import Nat, read_nat
from services.parameters import MAX_ADDRESSES, read_addresses
from services.values import (
    Address,
    bad_argument,
    read_label,
    read_members,
    read_port,
    read_text,
)

HOLE_MEMBERS = ("label", "asked", "username", "password", "addresses", "nat")
_STUN_MEMBERS = ("username", "password", "ports")
_PORTS = 2
_DIGITS = "[0-9a-f]{8,64}"


class Stun(NamedTuple):
    """With what a client registers the address that the world sees.

    Attributes:
        username: the name of the credentials.
        password: the key of its requests and of their answers, out of `repr`.
        ports: where the server answers: the first registers, the second only tells.
    """

    username: str
    password: str
    ports: tuple[int, int]

    def __repr__(self) -> str:
        return f"Stun(username={self.username!r}, ports={self.ports})"


class Hole(NamedTuple):
    """With whom holes are to be punched, and how the two know each other's requests.

    Attributes:
        label: the other one.
        asked: whether this client has asked for it; the other one gets the same with False.
        username: the name of what the two have in common, see `sent_as`.
        password: the key of their requests and answers, out of `repr`.
        addresses: where the other one may be: first the one on the list, then what it offers.
        nat: what the other one is behind, if that is known.
    """

    label: str
    asked: bool
    username: str
    password: str
    addresses: tuple[Address, ...]
    nat: Nat | None

    def __repr__(self) -> str:
        return f"Hole(label={self.label!r}, asked={self.asked}, addresses={self.addresses})"

    @property
    def sent_as(self) -> str:
        """The username of this client's requests."""
        return f"{self.username}:{1 if self.asked else 2}"

    @property
    def received_as(self) -> str:
        """That of the other's: nobody can take a request and send it back as one of the other's."""
        return f"{self.username}:{2 if self.asked else 1}"

    def members(self) -> dict[str, object]:
        """Return the members of the object that says the same."""
        return {**self._asdict(), "nat": self.nat and self.nat.members()}


def read_stun(value: object) -> Stun:
    """Read the member `stun` of OK.

    Raises:
        ProtocolError: it is no object with the right members.
    """
    members = read_members(value, *_STUN_MEMBERS)
    ports = members["ports"]
    if not isinstance(ports, list) or len(ports) != _PORTS:
        raise bad_argument(f"ports is a list of {_PORTS}")
    first, second = map(read_port, ports)
    return Stun(
        _read_secret(members["username"]), _read_secret(members["password"]), (first, second)
    )


def read_hole(members: Mapping[str, object]) -> Hole:
    """Read the members of a PUNCH of the server.

    Raises:
        ProtocolError: one of them is of another kind.
    """
    asked, nat = members["asked"], members["nat"]
    addresses = read_addresses(members["addresses"], MAX_ADDRESSES + 1)
    if not isinstance(asked, bool) or not addresses:
        raise bad_argument("asked must be true or false, and addresses must not be empty")
    return Hole(
        read_label(members["label"]),
        asked,
        _read_secret(members["username"]),
        _read_secret(members["password"]),
        addresses,
        None if nat is None else read_nat(read_members(nat, *NAT_MEMBERS)),
    )


def _read_secret(value: object) -> str:
    secret = read_text(value)
    if not re.fullmatch(_DIGITS, secret):
        raise bad_argument("credentials are 8 to 64 hexadecimal digits")
    return secret
