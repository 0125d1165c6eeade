"""What the receive thread finds out about NATs, for the dialogue."""

from typing import NamedTuple

from services.nat import Nat


class Found(NamedTuple):
    """This client is registered, behind such a NAT; None if that takes longer than a menu waits."""

    nat: Nat | None


class Punched(NamedTuple):
    """There is a way to a peer, or none: then `why` says why, for people."""

    label: str
    why: str | None


News = Found | Punched
