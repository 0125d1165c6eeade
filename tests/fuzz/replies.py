"""A server that means its clients no good: answers of every kind, to a client that comes back."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from itertools import cycle
from random import Random
from typing import Final

from services.parameters import Parameters
from services.protocol import (
    Accepted,
    Bye,
    Clients,
    Noted,
    PeerKey,
    PeerParameters,
    Ping,
    Refused,
    format_reply,
)
from services.punch import Hole, Stun
from services.values import Address
from tests.services.running import DEADLINE
from tests.support.figures import Figure, none
from tests.support.hostile import BOMBS, damaged, text
from tests.support.watched import PLAIN_LINES, WatchedClient

SEED: Final = 3
_CURIOUS: Final = "Y\n" + "9\n" * 20_000
"""What the client is told: it never stops asking for the list, and fits into a pipe."""
_STAYING: Final = ("--stay", "--retry-first", "0.01", "--retry-most", "0.01")
_CLIENTS: Final = {f"USER {number}": ("127.0.0.1", number) for number in range(1, 100)}
REPLIES: Final = [
    format_reply(Accepted("USER 1", "127.0.0.1", 9)),
    format_reply(Clients({"USER 1": ("127.0.0.1", 9), "USER 2": ("127.0.0.2", 9)})),
    format_reply(Clients(_CLIENTS, more=True)),
    format_reply(Clients({})),
    format_reply(Noted()),
    format_reply(Ping()),
    format_reply(PeerParameters("USER 2", Parameters((("127.0.0.2", 9),), ("CHAT/1",), {}))),
    format_reply(Refused("unknown-label", "USER 2 is not on the list")),
    format_reply(Bye()),
    format_reply(Accepted("USER 1", "127.0.0.1", 9, Stun("0" * 16, "0" * 32, (9, 10)))),
    format_reply(PeerKey("USER 2", bytes(32))),
    *(
        format_reply(Hole("USER 2", asked, "0" * 16, "0" * 32, (("127.0.0.2", 9),), None))
        for asked in (False, True)
    ),
]
_COMMANDS: Final = [
    b"OK ",
    b"CLIENTS ",
    b"PARAMETERS ",
    b"KEY ",
    b"PUNCH ",
    b"ERROR ",
    b"PING ",
    b"",
]
_LABELS: Final = ["USER 0", "USER 01", "USER 99999999999", "\x1b[2J", "__class__", "", "USER 1\n"]


def hostile_replies(count: int, seed: int = SEED) -> list[Figure]:
    """Give so many hostile answers to a client that comes back after each that it cannot bear."""
    chance = Random(seed)
    given, deaf = 0, 0
    addresses = _addresses()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        WatchedClient(
            listener.getsockname()[1], *_STAYING, allowed=PLAIN_LINES, more=_CURIOUS
        ) as client,
    ):
        listener.settimeout(DEADLINE)
        while given < count:
            with contextlib.closing(_Visit(listener, next(addresses))) as visit:
                if given == 0:
                    client.settle()
                while given < count and visit.is_there:
                    visit.give(_hostile(chance))
                    given += 1
                deaf += visit.deaf
        return [
            Figure("hostile replies", given),
            none("replies after which the client was there no more", deaf),
            client.growth(),
            *client.end(),
        ]


class _Visit:
    """One connection of the client, which has logged in on it and been let in."""

    def __init__(self, listener: socket.socket, address: Address) -> None:
        self._socket, _ = listener.accept()
        self._socket.settimeout(DEADLINE)
        self._said = b""
        self.is_there = True
        self.deaf = 0
        self._await(b"LOGIN ")
        self._socket.sendall(format_reply(Accepted("USER 1", *address)))
        self._await(b"OFFER ")

    def close(self) -> None:
        self._socket.close()

    def give(self, reply: bytes) -> None:
        """Give a reply and wait until the client has borne it, or has gone because of it."""
        self._said = b""
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(reply + b"\n" + format_reply(Ping()))
        self._await(b"PONG\n")

    def _await(self, request: bytes) -> None:
        try:
            while request not in self._said:
                data = self._socket.recv(65536)
                if not data:
                    self.is_there = False
                    return
                self._said += data
        except ConnectionError:
            self.is_there = False
        except TimeoutError:
            self.is_there = False
            self.deaf += 1


def _addresses() -> Iterator[Address]:
    """Where the client is to receive: not where its connection ends, but where nobody else does.

    In thousands of logins the port of one would be that of somebody's UDP socket.
    """
    number = os.getpid()
    ip = f"127.{128 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    return ((ip, port) for port in cycle(range(10_000, 30_000)))


def _hostile(chance: Random) -> bytes:
    reply = chance.choice(REPLIES)
    made: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(chance.choice([1, 10, 100, 5000])),
        lambda: reply[: chance.randint(0, len(reply))],
        lambda: chance.choice(_COMMANDS) + chance.choice(BOMBS),
        lambda: _list_of(chance.choice(_LABELS)),
        lambda: b"ERROR unknown-label " + _sentence(chance),
        lambda: b"x" * chance.choice([4095, 4096, 4097, 100_000]),
        lambda: reply * chance.randint(2, 20),
        lambda: damaged(chance, reply),
    ]
    return chance.choices(made, weights=[1, 1, 2, 1, 1, 1, 1, 2])[0]()


def _list_of(label: str) -> bytes:
    return b"CLIENTS " + json.dumps({"clients": {label: ["127.0.0.1", 9]}, "more": False}).encode()


def _sentence(chance: Random) -> bytes:
    return text(chance).encode(errors="replace")[:4000].replace(b"\n", b"\r")
