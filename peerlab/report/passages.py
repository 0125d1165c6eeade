"""One thing that passed from one node to another, or should have: what reports say of it."""

from dataclasses import dataclass
from enum import StrEnum


class Carrier(StrEnum):
    """What carried something from one node to another."""

    UDP = "udp"
    TCP = "tcp"
    MESSAGE = "message"
    """Nobody saw the network: it is what the programs say that they sent and received."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One thing that passed, or should have.

    Attributes:
        at: when it left, in seconds since the run began.
        arrives: when it arrived, or when what became of it was told.
        source: the node that it comes from; None: no node of the lab, or nobody knows.
        target: the node that it is for; None as well.
        what: what is in it, for people; raw text.
        lost: whether it never arrived, as far as anybody knows.
        lost_at: the node or router at whose cable it was lost; None: on the way.
        why: what was done to it, such as `step 3 (drop: 1)`; raw text.
        copies: how often it arrived.
        delay: for how long rules of the scenario held it up, in seconds.
        ends: whether it is the end of a connection, which has no direction.
        payload: the beginning of the datagram, as the journal has it.
        message: the id of the message that it carries, if that is known.
        held: whether it waited until another one had gone by.
        changed: whether a router has put other addresses on it; its beginning is a passage of
            its own.
        remark: what else is to be said of it in words; raw text.
    """

    at: float
    arrives: float
    carrier: Carrier
    source: str | None
    target: str | None
    what: str
    lost: bool = False
    lost_at: str | None = None
    why: tuple[str, ...] = ()
    copies: int = 1
    delay: float = 0.0
    ends: bool = False
    payload: str = ""
    message: str | None = None
    held: bool = False
    changed: bool = False
    remark: str = ""

    @property
    def is_odd(self) -> bool:
        """Whether something was done to it, or it was lost."""
        return self.lost or bool(self.why)
