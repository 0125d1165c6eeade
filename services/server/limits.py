"""How much a client may take: names, defaults and bounds, as docs/protocol.md lists them."""

from types import SimpleNamespace
from typing import Any, NamedTuple

from services.lines import MAX_LINE
from services.protocol import MAX_USERNAME
from services.settings import Settings


class Limits(NamedTuple):
    """The server's limits; times are in seconds, sizes in bytes.

    Attributes:
        longest_line: the longest line that is read.
        longest_username: characters of the longest username.
        login_within: time to log in, from the connection or a refusal that was waited for on.
        guess_delay: how long the refusal of a fourth wrong password is held back; it doubles.
        guess_delay_most: how long the refusal of a wrong password is held back at most.
        connections: connections in all.
        connections_per_address: connections from one IP address.
        send_queue: what the system keeps of answers that a client has not taken yet.
        send_within: time to take an answer.
        ping_after: silence of a client after which it is asked whether it is there.
        pong_within: time to answer that; one that does not has gone.
    """

    longest_line: int = MAX_LINE
    longest_username: int = MAX_USERNAME
    login_within: float = 20.0
    guess_delay: float = 0.25
    guess_delay_most: float = 8.0
    connections: int = 1024
    connections_per_address: int = 256
    send_queue: int = 65536
    send_within: float = 4.5
    ping_after: float = 1.5
    pong_within: float = 3.0


BOUNDS: dict[str, tuple[float, float]] = {
    "longest_line": (512, MAX_LINE),
    "longest_username": (1, MAX_USERNAME),
    "login_within": (0.1, 3600),
    "guess_delay": (0, 60),
    "guess_delay_most": (0, 60),
    "connections": (1, 100_000),
    "connections_per_address": (1, 100_000),
    "send_queue": (4096, 16 * 1024 * 1024),
    "send_within": (0.1, 3600),
    "ping_after": (0.1, 3600),
    "pong_within": (0.1, 3600),
}
"""The lowest and the highest value of each."""


def offer_limits(settings: Settings) -> None:
    """Make each limit an option and an environment variable."""
    for name, default in Limits()._asdict().items():
        settings.limit(name, default)


def read_limits(settings: Settings, given: SimpleNamespace) -> Limits:
    """Return the limits that were given, or end the program because one is out of bounds."""
    limits: dict[str, Any] = {
        name: settings.number(given, name, *BOUNDS[name], whole=isinstance(default, int))
        for name, default in Limits()._asdict().items()
    }
    return Limits(**limits)
