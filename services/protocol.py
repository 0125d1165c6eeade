"""The signalling grammar: the lines between client and server.

Bytes and text in, values out, and back. No socket, no clock, no randomness: the server, the client
and the tests drive the same functions. `docs/protocol.md` describes the same for people,
and `datagram.py` has what peers send each other.

Messages are named tuples, and plain classes where they carry nothing: constant like frozen
dataclasses, which would make the start of a client last nearly half as long again.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

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

VERSION = 1
MAX_LINE = 4096
"""Bytes of one line, its newline included."""
MAX_USERNAME = 32
MAX_PASSWORD = 256
"""Characters, so that a LOGIN line stays within its bound whatever has to be escaped in it."""

_ADDRESS = ("ip", "port")
_ERROR_NAME = "[a-z0-9-]{1,32}"


class Login(NamedTuple):
    """Asks to be let in; the password is kept out of `repr`."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login(username={self.username!r})"


class ListClients:
    """Asks who is there."""


class Quit:
    """Says that this client leaves."""


Request = Login | ListClients | Quit


class Accepted(NamedTuple):
    """The answer to a right password: the client's label and the address to bind UDP to."""

    label: str
    ip: str
    port: int


class Clients(NamedTuple):
    """The available clients in order of login, or a part of them if `more` lines follow."""

    clients: Mapping[str, Address]
    more: bool = False


class Bye:
    """The answer to `Quit`: the label is off the list, the connection is about to be closed."""


class Refused(NamedTuple):
    """An error by name, with a sentence for people."""

    name: str
    text: str


Reply = Accepted | Clients | Bye | Refused


class LineReader:
    """Cuts a stream of bytes into lines, however it was fragmented.

    Holds less than one line. A line over the limit is reported once, as soon as that is certain,
    and skipped up to its newline.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        """Start with nothing read; `limit` is in bytes, the newline included."""
        self._limit = limit
        self._rest = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[str | ProtocolError]:
        """Return the lines that `data` completes, without line end, and errors in their place."""
        found: list[str | ProtocolError] = []
        *complete, rest = data.split(b"\n")
        for piece in complete:
            self._add(piece, found)
            self._end_line(found)
        self._add(rest, found)
        return found

    def finish(self) -> list[str | ProtocolError]:
        """Return what the stream ended with if that had no newline."""
        return self.feed(b"\n") if self._rest else []

    def _add(self, piece: bytes, found: list[str | ProtocolError]) -> None:
        if self._skipping:
            return
        if len(self._rest) + len(piece) < self._limit:
            self._rest += piece
            return
        self._rest.clear()
        self._skipping = True
        found.append(_line_too_long(self._limit))

    def _end_line(self, found: list[str | ProtocolError]) -> None:
        if not self._skipping:
            try:
                found.append(self._rest.decode().removesuffix("\r"))
            except UnicodeDecodeError:
                found.append(ProtocolError(ErrorName.NOT_UTF8, "a line must be UTF-8"))
        self._rest.clear()
        self._skipping = False


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
        case "LIST":
            _check_no_argument(command, rest)
            return ListClients()
        case "QUIT":
            _check_no_argument(command, rest)
            return Quit()
        case _:
            raise ProtocolError(ErrorName.UNKNOWN_COMMAND, "the commands are LOGIN, LIST and QUIT")


def format_request(request: Request) -> bytes:
    """Write a line for the server.

    Raises:
        ProtocolError: the username or the password is outside its bounds.
    """
    match request:
        case Login(username, password):
            return _line(
                "LOGIN",
                {
                    "version": VERSION,
                    "username": check_username(username),
                    "password": _check_password(password),
                },
            )
        case ListClients():
            return b"LIST\n"
        case Quit():
            return b"QUIT\n"


def parse_reply(line: str) -> Reply:
    """Read a line that a server sent.

    Raises:
        ProtocolError: the line is not in the grammar.
    """
    command, _, rest = line.partition(" ")
    match command:
        case "OK":
            members = read_object(rest, "label", "ip", "port")
            return Accepted(
                read_label(members["label"]), *read_address(members["ip"], members["port"])
            )
        case "CLIENTS":
            return _parse_clients(rest)
        case "BYE":
            _check_no_argument(command, rest)
            return Bye()
        case "ERROR":
            name, _, text = rest.partition(" ")
            if not re.fullmatch(_ERROR_NAME, name):
                raise bad_argument("ERROR needs a name of a-z, 0-9 and -")
            return Refused(name, text)
        case _:
            raise ProtocolError(
                ErrorName.UNKNOWN_COMMAND, "the replies are OK, CLIENTS, BYE and ERROR"
            )


def format_reply(reply: Reply) -> bytes:
    """Write a line for a client.

    Raises:
        ProtocolError: the line would be too long; `split_clients` keeps a list within the bound.
    """
    match reply:
        case Accepted(label, ip, port):
            return _line("OK", {"label": label, "ip": ip, "port": port})
        case Clients(clients, more):
            return _line("CLIENTS", {"clients": clients, "more": more})
        case Bye():
            return b"BYE\n"
        case Refused(name, text):
            return _bounded(f"ERROR {name} {text}\n".encode())


def split_clients(addresses: Mapping[str, Address]) -> list[Clients]:
    """Spread a list over as many `Clients` messages as its length needs, at least one."""
    # "false" is the longer of the two values that `more` can have.
    room = MAX_LINE - len(format_reply(Clients({}, more=False)))
    parts: list[dict[str, Address]] = [{}]
    used = 0
    for label, address in addresses.items():
        # Measured as an object of its own, one of whose braces stands for the comma.
        size = len(write_object({label: address})) - 1
        if used + size > room:
            parts.append({})
            used = 0
        parts[-1][label] = address
        used += size
    return [Clients(part, more=part is not parts[-1]) for part in parts]


def _parse_login(rest: str) -> Login:
    members = read_object(rest, "version", "username", "password")
    if read_integer(members["version"]) != VERSION:
        raise ProtocolError(ErrorName.UNSUPPORTED_VERSION, f"the version spoken is {VERSION}")
    return Login(
        check_username(read_text(members["username"])),
        _check_password(read_text(members["password"])),
    )


def _parse_clients(rest: str) -> Clients:
    members = read_object(rest, "clients", "more")
    clients, more = members["clients"], members["more"]
    if not isinstance(clients, dict) or not isinstance(more, bool):
        raise bad_argument("clients must be an object and more must be true or false")
    if more and not clients:
        raise bad_argument("a part of a list that is followed by more must not be empty")
    if not all(
        isinstance(value, list) and len(value) == len(_ADDRESS) for value in clients.values()
    ):
        raise bad_argument("an address is a list of an IP address and a port")
    return Clients({read_label(key): read_address(*value) for key, value in clients.items()}, more)


def _check_no_argument(command: str, rest: str) -> None:
    if rest:
        raise bad_argument(f"{command} takes no argument")


def _check_password(password: str) -> str:
    if len(password) > MAX_PASSWORD:
        raise bad_argument(f"a password has at most {MAX_PASSWORD} characters")
    return read_text(password)


def _line(command: str, members: Mapping[str, object]) -> bytes:
    return _bounded(command.encode() + b" " + write_object(members) + b"\n")


def _bounded(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise _line_too_long(MAX_LINE)
    return line


def _line_too_long(limit: int) -> ProtocolError:
    return ProtocolError(ErrorName.LINE_TOO_LONG, f"a line has at most {limit} bytes")
