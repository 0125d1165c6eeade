"""The signalling grammar: the lines between client and server.

Bytes and text in, values out, and back. No socket, no clock, no randomness: the server, the client
and the tests drive the same functions. `docs/protocol.md` describes the same for people,
and `datagram.py` has what peers send each other.

Messages are named tuples, and plain classes where they carry nothing: constant like frozen
dataclasses, which would make the start of a client last nearly half as long again.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import NamedTuple

from services.lines import MAX_LINE, line_too_long
from services.nat import MEMBERS as NAT_MEMBERS
from services.nat import Nat, read_nat
from services.parameters import MAX_ADDRESSES, MEMBERS, Parameters, read_parameters
from services.punch import HOLE_MEMBERS, Hole, Stun, read_hole, read_stun
from services.values import (
    Address,
    ErrorName,
    ProtocolError,
    bad_argument,
    read_address,
    read_integer,
    read_label,
    read_object,
    read_text,
    write_object,
)

VERSION = 3
OLDEST_VERSION = 1
"""Clients of earlier versions are served as well, and sent nothing that they do not understand."""
PINGED_FROM = 2
"""The version from which on clients answer PING."""
PUNCHED_FROM = 3
"""The version from which on clients know of STUN and punch holes."""
MAX_USERNAME = 32
MAX_PASSWORD = 256
"""Characters, so that a LOGIN line stays within its bound whatever has to be escaped in it."""

_ADDRESS = ("ip", "port")
_ERROR_NAME = "[a-z0-9-]{1,32}"
_KEY = "[0-9a-f]{64}"


class Login(NamedTuple):
    """Asks to be let in; the password is kept out of `repr`."""

    username: str
    password: str
    version: int = VERSION

    def __repr__(self) -> str:
        return f"Login(username={self.username!r})"


class ListClients:
    """Asks who is there."""


class Quit:
    """Says that this client leaves."""


class Pong:
    """Says that this client is there: the answer to `Ping`, and answered with nothing."""


class Offer(NamedTuple):
    """Tells how this client can be talked to."""

    parameters: Parameters


class AskParameters(NamedTuple):
    """Asks how the client with this label can be talked to."""

    label: str


class AskKey(NamedTuple):
    """Asks for the key to seal datagrams with, to and from the client with this label."""

    label: str


class Behind(NamedTuple):
    """Tells what kind of NAT this client is behind."""

    nat: Nat


class Punch(NamedTuple):
    """Asks that this client and the one with this label be told to punch holes."""

    label: str


Request = Login | ListClients | Quit | Pong | Offer | AskParameters | AskKey | Behind | Punch

_BARE_REQUESTS: Mapping[str, Request] = {"LIST": ListClients(), "QUIT": Quit(), "PONG": Pong()}
_ABOUT_A_LABEL: Mapping[str, type[AskParameters | AskKey | Punch]] = {
    "PARAMETERS": AskParameters,
    "KEY": AskKey,
    "PUNCH": Punch,
}


class Accepted(NamedTuple):
    """The answer to a right password: the client's label and the address to bind UDP to.

    From version 3 on with what to register by STUN with, if the server answers STUN.
    """

    label: str
    ip: str
    port: int
    stun: Stun | None = None


class Clients(NamedTuple):
    """The available clients in order of login, or a part of them if `more` lines follow.

    From version 3 on with the labels of those of them that are behind a NAT.
    """

    clients: Mapping[str, Address]
    more: bool = False
    behind: tuple[str, ...] = ()


class Bye:
    """The answer to `Quit`: the label is off the list, the connection is about to be closed."""


class Ping:
    """Asks whether the client is there; the only line that answers no request."""


class Noted:
    """The answer to `Offer` and to `Behind`."""


class PeerParameters(NamedTuple):
    """How a client can be talked to; the first address is the one that the server sees."""

    label: str
    parameters: Parameters


class PeerKey(NamedTuple):
    """The key for datagrams to and from a client; it is kept out of `repr`."""

    label: str
    key: bytes

    def __repr__(self) -> str:
        return f"PeerKey(label={self.label!r})"


class Refused(NamedTuple):
    """An error by name, with a sentence for people."""

    name: str
    text: str


Reply = Accepted | Clients | Bye | Ping | Noted | PeerParameters | PeerKey | Hole | Refused

_BARE_REPLIES: Mapping[str, Reply] = {"BYE": Bye(), "PING": Ping(), "NOTED": Noted()}


def check_username(username: str) -> str:
    """Return the username without surrounding white space.

    Raises:
        ProtocolError: it is empty, too long, or has control characters.
    """
    name = username.strip()
    if not 1 <= len(name) <= MAX_USERNAME:
        raise ProtocolError(
            ErrorName.BAD_USERNAME, f"a username has 1 to {MAX_USERNAME} characters"
        )
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise ProtocolError(ErrorName.BAD_USERNAME, "a username has no control characters")
    return name


def parse_request(line: str) -> Request:
    """Read a line that a client sent.

    Raises:
        ProtocolError: the line is not in the grammar.
    """
    command, _, rest = line.partition(" ")
    match command:
        case "LOGIN":
            return _parse_login(rest)
        case "LIST" | "QUIT" | "PONG":
            _check_no_argument(command, rest)
            return _BARE_REQUESTS[command]
        case "OFFER":
            return Offer(read_parameters(read_object(rest, *MEMBERS)))
        case "BEHIND":
            return Behind(read_nat(read_object(rest, *NAT_MEMBERS)))
        case "PARAMETERS" | "KEY" | "PUNCH":
            return _ABOUT_A_LABEL[command](read_label(read_object(rest, "label")["label"]))
        case _:
            raise ProtocolError(
                ErrorName.UNKNOWN_COMMAND,
                "the commands are LOGIN, LIST, OFFER, PARAMETERS, KEY, BEHIND, PUNCH, PONG, QUIT",
            )


def format_request(request: Request) -> bytes:
    """Write a line for the server.

    Raises:
        ProtocolError: the username or the password is outside its bounds.
    """
    match request:
        case Login(username, password, version):
            return _line(
                "LOGIN",
                {
                    "version": version,
                    "username": check_username(username),
                    "password": _check_password(password),
                },
            )
        case ListClients():
            return b"LIST\n"
        case Quit() | Pong():
            return f"{type(request).__name__.upper()}\n".encode()
        case Offer(parameters):
            return _line("OFFER", parameters.members())
        case Behind(nat):
            return _line("BEHIND", nat.members())
        case AskParameters(label) | AskKey(label) | Punch(label):
            (command,) = (word for word, kind in _ABOUT_A_LABEL.items() if kind is type(request))
            return _line(command, {"label": label})


def parse_reply(line: str) -> Reply:  # noqa: PLR0911 - one for each reply
    """Read a line that a server sent.

    Raises:
        ProtocolError: the line is not in the grammar.
    """
    command, _, rest = line.partition(" ")
    match command:
        case "OK":
            members = read_object(rest, "label", "ip", "port", optional="stun")
            return Accepted(
                read_label(members["label"]),
                *read_address(members["ip"], members["port"]),
                read_stun(members["stun"]) if "stun" in members else None,
            )
        case "CLIENTS":
            return _parse_clients(rest)
        case "BYE" | "PING" | "NOTED":
            _check_no_argument(command, rest)
            return _BARE_REPLIES[command]
        case "PARAMETERS":
            members = read_object(rest, "label", *MEMBERS)
            return PeerParameters(
                read_label(members["label"]),
                read_parameters(members, most_addresses=MAX_ADDRESSES + 1),
            )
        case "KEY":
            members = read_object(rest, "label", "key")
            return PeerKey(read_label(members["label"]), _read_key(members["key"]))
        case "PUNCH":
            return read_hole(read_object(rest, *HOLE_MEMBERS))
        case "ERROR":
            name, _, text = rest.partition(" ")
            if not re.fullmatch(_ERROR_NAME, name):
                raise bad_argument("ERROR needs a name of a-z, 0-9 and -")
            return Refused(name, text)
        case _:
            raise ProtocolError(
                ErrorName.UNKNOWN_COMMAND,
                "the replies are OK, CLIENTS, PARAMETERS, KEY, NOTED, PUNCH, PING, BYE and ERROR",
            )


def format_reply(reply: Reply) -> bytes:  # noqa: PLR0911 - one for each reply
    """Write a line for a client.

    Raises:
        ProtocolError: the line would be too long; `split_clients` keeps a list within the bound.
    """
    match reply:
        case Accepted(label, ip, port, stun):
            extra = {"stun": stun._asdict()} if stun else {}
            return _line("OK", {"label": label, "ip": ip, "port": port, **extra})
        case Clients(clients, more, behind):
            hidden = {"behind": behind} if behind else {}
            return _line("CLIENTS", {"clients": clients, "more": more, **hidden})
        case Bye() | Ping() | Noted():
            return f"{type(reply).__name__.upper()}\n".encode()
        case PeerParameters(label, parameters):
            return _line("PARAMETERS", {"label": label, **parameters.members()})
        case PeerKey(label, key):
            return _line("KEY", {"label": label, "key": key.hex()})
        case Hole():
            return _line("PUNCH", reply.members())
        case Refused(name, text):
            return _bounded(f"ERROR {name} {text}\n".encode())


def split_clients(
    addresses: Mapping[str, Address], behind: Collection[str] = frozenset()
) -> list[Clients]:
    """Spread a list over as many `Clients` messages as its length needs, at least one.

    Those that are `behind` a NAT are named besides, if there are any.
    """
    # "false" is the longer of the two values that `more` can have.
    room = MAX_LINE - len(format_reply(Clients({}, more=False)))
    if behind:
        room -= len(',"behind":[]')
    parts: list[dict[str, Address]] = [{}]
    used = 0
    for label, address in addresses.items():
        # Measured as objects of their own, one of whose braces stands for the comma.
        size = len(write_object({label: address})) - 1
        if label in behind:
            size += len(f'"{label}",')
        if used + size > room:
            parts.append({})
            used = 0
        parts[-1][label] = address
        used += size
    return [
        Clients(part, part is not parts[-1], tuple(label for label in part if label in behind))
        for part in parts
    ]


def _parse_login(rest: str) -> Login:
    members = read_object(rest, "version", "username", "password")
    version = read_integer(members["version"])
    if not OLDEST_VERSION <= version <= VERSION:
        raise ProtocolError(
            ErrorName.UNSUPPORTED_VERSION,
            f"the versions spoken are {OLDEST_VERSION} to {VERSION}",
        )
    return Login(
        check_username(read_text(members["username"])),
        _check_password(members["password"]),
        version,
    )


def _parse_clients(rest: str) -> Clients:
    members = read_object(rest, "clients", "more", optional="behind")
    clients, more, behind = members["clients"], members["more"], members.get("behind", [])
    if not isinstance(clients, dict) or not isinstance(more, bool):
        raise bad_argument("clients must be an object and more must be true or false")
    if more and not clients:
        raise bad_argument("a part of a list that is followed by more must not be empty")
    if not all(
        isinstance(value, list) and len(value) == len(_ADDRESS) for value in clients.values()
    ):
        raise bad_argument("an address is a list of an IP address and a port")
    hidden = tuple(map(read_label, behind)) if isinstance(behind, list) else None
    if hidden is None or not clients.keys() >= set(hidden):
        raise bad_argument("behind is a list of labels of this line")
    listed = {read_label(key): read_address(*value) for key, value in clients.items()}
    return Clients(listed, more, hidden)


def _check_no_argument(command: str, rest: str) -> None:
    if rest:
        raise bad_argument(f"{command} takes no argument")


def _check_password(value: object) -> str:
    password = read_text(value)
    if len(password) > MAX_PASSWORD:
        raise bad_argument(f"a password has at most {MAX_PASSWORD} characters")
    return password


def _read_key(value: object) -> bytes:
    text = read_text(value)
    if not re.fullmatch(_KEY, text):
        raise bad_argument("a key has 64 hexadecimal digits")
    return bytes.fromhex(text)


def _line(command: str, members: Mapping[str, object]) -> bytes:
    return _bounded(command.encode() + b" " + write_object(members) + b"\n")


def _bounded(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise line_too_long(MAX_LINE)
    return line
