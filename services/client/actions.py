"""What a session wants to be done; `client.py` does it."""

from enum import Enum
from typing import NamedTuple

from services.datagram import ChatMessage
from services.media.orders import Order
from services.protocol import Request
from services.punch import Hole, Stun
from services.values import Address


class Question(Enum):
    """The six prompts; all but the list's leave the cursor behind them."""

    USERNAME = "Enter your username: "
    PASSWORD = "Enter your password: "  # noqa: S105 - a prompt
    LIST = "LIST AVAILABLE CLIENTS: Y/N\n"
    COUNT = "Enter number of recipients: "
    RECIPIENT = "Enter recipient's username: "
    MESSAGE = "Enter message to send: "


class Show(NamedTuple):
    """Print a line."""

    text: str


class Ask(NamedTuple):
    """Print a prompt; the answer comes back through `line_typed`."""

    question: Question


class SendRequest(NamedTuple):
    """Send a line to the server; `data` is what it looks like on the wire."""

    request: Request
    data: bytes


class OpenPeer(NamedTuple):
    """Bind a UDP socket to this address and receive under this label, at earlier ones as well."""

    address: Address
    label: str


class Register(NamedTuple):
    """Find out what the NAT is, and what the world sees; `registered` follows, maybe twice."""

    label: str
    stun: Stun


class Reach(NamedTuple):
    """Find out which of these have no path yet; `without_path` follows."""

    labels: tuple[str, ...]


class PunchHoles(NamedTuple):
    """Punch holes to a peer; `punched` follows."""

    hole: Hole


class SendMessage(NamedTuple):
    """Send one datagram to each of the recipients, sealed for it if this client seals."""

    message: ChatMessage
    data: bytes
    recipients: dict[str, Address]


class PlaySound(NamedTuple):
    """Send what was asked for to the recipients; `sound_begun` or `sound_refused` follows."""

    order: Order
    recipients: dict[str, Address]


class Learn(NamedTuple):
    """Keep the list of who is where; `looked_up` if it answers `look_up`."""

    clients: dict[str, Address]
    looked_up: bool


class Forget:
    """Forget who is where: the labels are those of another server."""


class LearnKey(NamedTuple):
    """Keep the key for sealed datagrams to and from the client with this label.

    None says that there is no such client any more, and so no key.
    """

    label: str
    key: bytes | None


class HangUp:
    """Close the connection to the server, which has gone or cannot be understood."""


class Dial:
    """Connect to the server again, after a pause if the last try was not long ago."""


class End(NamedTuple):
    """Close everything and exit with this status."""

    status: int


Action = (
    Show
    | Ask
    | SendRequest
    | OpenPeer
    | Register
    | Reach
    | PunchHoles
    | SendMessage
    | PlaySound
    | Learn
    | Forget
    | LearnKey
    | HangUp
    | Dial
    | End
)
Actions = list[Action]
