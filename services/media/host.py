"""What media needs of the client that it is part of."""

from collections.abc import Callable
from typing import NamedTuple

from services.values import Address

Send = Callable[[bytes, Address], object]
"""Sends a datagram from one of the client's addresses; raises OSError if that cannot be done."""


class Host(NamedTuple):
    """What media needs of its client.

    Attributes:
        label_of: tells whose an address is, or None; it may ask the server.
        show: prints a line for people.
        trace: prints a line for tools, if that is wanted.
        number: gives a random number of 32 bits.
    """

    label_of: Callable[[Address], str | None]
    show: Callable[[str], None]
    trace: Callable[[str], None]
    number: Callable[[], int]
