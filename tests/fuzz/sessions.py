"""TCP sessions that mean the server no good: bytes of every kind, cut up in every way."""

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from services.lines import MAX_LINE, LineReader
from services.nat import Behaviour, Nat
from services.parameters import Parameters
from services.protocol import (
    AskKey,
    AskParameters,
    Behind,
    ListClients,
    Login,
    Offer,
    Pong,
    Punch,
    Quit,
    format_request,
    parse_reply,
)
from services.settings import DEFAULT_PASSWORD
from services.values import ProtocolError
from tests.services.running import DEADLINE
from tests.support.bystander import Bystander, Caller
from tests.support.figures import MEGABYTE, Figure, none
from tests.support.hostile import BOMBS, damaged, pieces
from tests.support.watched import WatchedServer

SEED: Final = 1
_OFFER: Final = Parameters((("10.0.0.9", 9),), ("CHAT/1", "PCMU/8000"), {"datagram": 1200})
_NAT: Final = Nat(Behaviour.ENDPOINT_INDEPENDENT, Behaviour.ADDRESS_DEPENDENT)
REQUESTS: Final = [
    format_request(Login("Mzi", DEFAULT_PASSWORD, version=1)),
    format_request(Login("Mzi", DEFAULT_PASSWORD)),
    format_request(Login("Mzi", "wrong")),
    format_request(ListClients()),
    format_request(Offer(_OFFER)),
    format_request(AskParameters("USER 1")),
    format_request(Pong()),
    format_request(Quit()),
    format_request(AskKey("USER 1")),
    format_request(Behind(_NAT)),
    format_request(Punch("USER 1")),
]
_LOGINS: Final = REQUESTS[:2]
_COMMANDS: Final = [
    b"LOGIN ",
    b"OFFER ",
    b"PARAMETERS ",
    b"KEY ",
    b"BEHIND ",
    b"PUNCH ",
    b"LIST ",
    b"",
]
_IN_ORDER: Final = b"".join(REQUESTS[at] for at in (0, 3, 4, 6, 5, 7))
_ANSWERED: Final = [b"OK", b"CLIENTS", b"NOTED", b"PARAMETERS", b"BYE"]
_OTHERS: Final = [
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"NICK x\r\nUSER x 0 * :x\r\nPRIVMSG #x :" + b"x" * 600 + b"\r\n",
    b"EHLO x\r\n" * 50,
    b"\r\n" * 200,
    b"\xff\xfb\x1f\xff\xfd\x03" * 100,
]
_LINGER: Final = struct.pack("ii", 1, 0)


def hostile_sessions(count: int, seed: int = SEED) -> list[Figure]:
    """Hold so many sessions with a server, a bystander beside them, and say what came of it."""
    chance = Random(seed)
    wrong: list[str] = []
    with WatchedServer() as server, Caller(server.port) as resident:
        # USER 1, about whom the sessions ask.
        label = resident.log_in()
        server.settle()
        with Bystander(server.port) as bystander:
            for number in range(count):
                session = _Session(server.port, number)
                with contextlib.closing(session):
                    wrong += session.hold(chance)
        forgotten = _until_alone(resident, label)
        return [
            Figure("hostile sessions", count),
            none("sessions that went wrong", wrong),
            none("labels left on the list", forgotten),
            *bystander.figures(),
            server.growth(),
            *server.end(),
        ]


def huge_first_packets(count: int, megabytes: int) -> list[Figure]:
    """Begin connections with a line that has so many megabytes and no end."""
    block = b"x" * MEGABYTE
    wrong: list[str] = []
    with WatchedServer() as server:
        with Caller(server.port) as before:
            before.log_in()
        server.settle()
        with Bystander(server.port) as bystander:
            for _ in range(count):
                with Caller(server.port, "127.0.0.2") as caller:
                    for _ in range(megabytes):
                        caller.send(block)
                    answer = caller.reply()
                    if not answer.startswith(b"ERROR line-too-long "):
                        wrong.append(repr(answer))
                    caller.send(b"\n")
                    caller.log_in()
        return [
            Figure("first packets", count),
            none("not refused and forgiven", wrong),
            *bystander.figures(),
            server.growth(),
            *server.end(),
        ]


class _Session:
    """One connection, from an address of its own: so no limit of an address is met."""

    def __init__(self, port: int, number: int) -> None:
        source = f"127.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        self._socket = socket.create_connection(
            ("127.0.0.1", port), DEADLINE, source_address=(source, 0)
        )
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def hold(self, chance: Random) -> list[str]:
        """Send what chance wants and leave as chance wants; return what was wrong with answers."""
        in_order = chance.randrange(20) == 0
        sent = _IN_ORDER if in_order else _hostile(chance)
        with contextlib.suppress(ConnectionError):
            for piece in pieces(chance, sent):
                self._socket.sendall(piece)
        leaving = chance.randrange(10)
        if leaving == 0 and not in_order:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            return []
        if leaving == 1 and not in_order:
            return []
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        try:
            answers = self._read_all()
        except TimeoutError:
            return [f"no answer to {sent[:100]!r}"]
        return list(_faults(sent, answers, in_order=in_order))

    def _read_all(self) -> bytes:
        answers = b""
        # A server that closes before it has read all resets the connection: an end as well.
        with contextlib.suppress(ConnectionError):
            while data := self._socket.recv(65536):
                answers += data
        return answers


def _hostile(chance: Random) -> bytes:
    begun = chance.choice([b"", *_LOGINS])
    requests = b"".join(chance.choices(REQUESTS, k=chance.randint(1, 6)))
    made: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(chance.choice([1, 10, 100, 5000])),
        lambda: requests[: chance.randint(0, len(requests))],
        lambda: chance.choice(_OTHERS),
        lambda: chance.choice(_COMMANDS) + chance.choice(BOMBS) + b"\n",
        lambda: requests.replace(b"\n", chance.choice([b"\r", b"\r\n", b"\0\n"])),
        lambda: chance.choice([b"x", b"\xff"]) * (MAX_LINE + chance.randint(-2, 2)) + b"\n",
        lambda: damaged(chance, requests),
    ]
    return begun + chance.choices(made, weights=[1, 1, 1, 1, 1, 1, 2])[0]()


def _faults(sent: bytes, answers: bytes, *, in_order: bool) -> Iterator[str]:
    lines = LineReader().feed(answers)
    for line in lines:
        try:
            if isinstance(line, ProtocolError):
                raise line
            parse_reply(line)
        except ProtocolError as error:
            yield f"{error}: the answer {line!r} to {sent[:100]!r}"
    words = [line.split()[0] for line in answers.splitlines() if line.split()]
    if in_order and words != _ANSWERED:
        yield f"{words} in answer to a session in order"


def _until_alone(caller: Caller, label: str) -> list[str]:
    """Ask until nobody else is on the list, and return who still is when that takes too long."""
    deadline = time.monotonic() + DEADLINE
    while (others := [each for each in caller.listed() if each != label]) and (
        time.monotonic() < deadline
    ):
        continue
    return others
