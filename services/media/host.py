"""What media needs of the client that it is part of."""

from collections.abc import Callable
from typing import NamedTuple

from services.values import Address


class Host(NamedTuple):
    """What media needs of its client.

    Attributes:
        send: sends a datagram, and raises OSError if that cannot be done.
        label_of: tells whose an address is, or None; it may ask the server.
        show: prints a line for people.
        trace: prints a line for tools, if that is wanted.
        number: gives a random number of 32 bits.
    """

    send: Callable[[bytes, Address], object]
    label_of: Callable[[Address], str | None]
    show: Callable[[str], None]
    trace: Callable[[str], None]
    number: Callable[[], int]
