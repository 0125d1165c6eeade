"""Kinds of NAT in the words of RFC 4787, and which of them stop each other. No I/O."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from services.values import bad_argument, read_text

MEMBERS = ("mapping", "filtering")


class Behaviour(StrEnum):
    """On what the mapping of a NAT depends, or what it lets in."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"
    ADDRESS_DEPENDENT = "address-dependent"
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"


class Nat(NamedTuple):
    """What a NAT does.

    Attributes:
        mapping: whether it shows another address for another destination.
        filtering: from where it lets in what comes for an address that it shows.
    """

    mapping: Behaviour
    filtering: Behaviour

    def members(self) -> dict[str, object]:
        """Return the members of the object that says the same."""
        return self._asdict()


def read_nat(members: Mapping[str, object]) -> Nat:
    """Read the members `mapping` and `filtering` of an object.

    Raises:
        ProtocolError: one of them is no behaviour.
    """
    return Nat(*(_read_behaviour(members[name]) for name in MEMBERS))


def why_unreachable(mine: Nat | None, theirs: Nat | None, *, is_behind: bool) -> str:
    """Return why nothing got through between this client and a peer, for people.

    A None is for who is behind no NAT, or behind one that could not be found out about; of itself
    a client knows whether it `is_behind` one. A NAT that
    takes another port for each destination takes one for the peer that nobody else knows: it can be
    told only by what comes from it, and that must be let in.
    """
    if mine and theirs and _is_symmetric(mine) and _is_symmetric(theirs):
        return (
            "its NAT and yours both take another port for each destination, so neither can know "
            f"where to write to. {_RELAY}"
        )
    if mine and theirs and _is_symmetric(theirs) and _is_strict(mine):
        return (
            "its NAT takes another port for each destination, and yours lets in only answers "
            f"from the very port that was written to. {_RELAY}"
        )
    if mine and theirs and _is_symmetric(mine) and _is_strict(theirs):
        return (
            "your NAT takes another port for each destination, and its NAT lets in only answers "
            f"from the very port that was written to. {_RELAY}"
        )
    yours = _told("yours", mine)
    if is_behind and not mine:
        yours = "yours could not be found out about"
    return (
        "nothing came through, although it could: "
        f"{_told('theirs', theirs)}, {yours}; it may be cut off or stand still"
    )


_RELAY = "Only a relay could help; there is none"


def _told(whose: str, nat: Nat | None) -> str:
    if nat is None:
        return f"{whose} is no NAT that is known of"
    return f"{whose} is a NAT of {nat.mapping} mapping and {nat.filtering} filtering"


def _is_symmetric(nat: Nat) -> bool:
    return nat.mapping is Behaviour.ADDRESS_AND_PORT_DEPENDENT


def _is_strict(nat: Nat) -> bool:
    return nat.filtering is Behaviour.ADDRESS_AND_PORT_DEPENDENT


def _read_behaviour(value: object) -> Behaviour:
    try:
        return Behaviour(read_text(value))
    except ValueError:
        raise bad_argument(f"a behaviour is {', '.join(Behaviour)}") from None
