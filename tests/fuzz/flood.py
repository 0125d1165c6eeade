"""A client under a flood of datagrams, from a peer on the list and from many strangers."""

import contextlib
import select
import socket
import threading
import time
from pathlib import Path
from random import Random
from typing import Final, Self

from services.datagram import ChatMessage, format_datagram
from services.values import Address
from tests.fuzz.datagrams import Datagrams
from tests.services.running import DEADLINE
from tests.support.bystander import Caller
from tests.support.figures import Figure, none
from tests.support.watched import WatchedClient, WatchedServer

SEED: Final = 2
_STRANGERS: Final = 200
"""More addresses than a client asks the server about at a time."""
_WEIGHT: Final = 1024
"""Bytes that a datagram takes in a queue besides twice its own length, at most."""
_ASKED_FOR: Final = 4 * 1024 * 1024
"""Bytes that a client asks of the system for its queue."""
_LOOK: Final = 0.01
"""Seconds from one look at a queue that is too full to the next one."""
_PARTS: Final = 20
"""How often a good message is sent in between."""


def hostile_datagrams(count: int, seed: int = SEED) -> list[Figure]:
    """Send so many datagrams to a client, with a good message now and then."""
    made = Datagrams(Random(seed))
    with (
        WatchedServer() as server,
        WatchedClient(server.port) as client,
        Caller(server.port) as caller,
    ):
        client.wait_for("LIST AVAILABLE CLIENTS: Y/N")
        label = caller.log_in()
        with _Flood(caller.address, caller.other_than(label)) as flood:
            shown = [_shows_a_good_one(flood, client, 0)]
            client.settle()
            for part in range(1, _PARTS + 1):
                flood.send(made, count * part // _PARTS - flood.sent)
                shown.append(_shows_a_good_one(flood, client, part))
        return [
            Figure("hostile datagrams", flood.sent),
            none("of them lost before the client took them", flood.lost),
            none("good messages in between that were not shown", shown.count(False)),
            none("bytes sent to strangers", flood.to_strangers),
            Figure(
                "bytes sent to the peer for each that it sent",
                flood.to_peer / flood.peer_sent,
                most=3,
            ),
            client.growth(),
            *client.end(),
            *server.end(),
        ]


def _shows_a_good_one(flood: "_Flood", client: WatchedClient, number: int) -> bool:
    text = f"good message {number} of all"
    shown = client.out.awaiting(f"Received message from USER 2: {text}".encode())
    flood.send_good(format_datagram(ChatMessage(f"good-{number}", "USER 2", None, text)))
    return shown.wait(DEADLINE)


class _Flood:
    """The sockets that the datagrams come from, and what comes back to them."""

    def __init__(self, peer: Address, target: Address) -> None:
        """Send from the address of a peer on the list, and from others, to a client."""
        self._chance = Random(SEED)
        self._target = target
        self._open = contextlib.ExitStack()
        self._peer = self._bound(peer)
        self._strangers = [
            self._bound((f"127.0.1.{number + 1}", 0)) for number in range(_STRANGERS)
        ]
        allowed = int(Path("/proc/sys/net/core/rmem_max").read_text(encoding="ascii"))
        # The system takes the half of what it gives for its own.
        self._step = min(_ASKED_FOR, allowed) * 2 // 4
        self._unlooked = self._step
        self.sent = self.peer_sent = 0
        self.to_peer = self.to_strangers = 0
        self.lost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hear()
        self._open.close()

    def send(self, made: Datagrams, count: int) -> None:
        """Send so many, none of which is lost for want of room."""
        for _ in range(count):
            data = made.draw()
            self._unlooked += 2 * len(data) + _WEIGHT
            if self._unlooked > self._step:
                self._await_room()
            if self._chance.randrange(3):
                self._chance.choice(self._strangers).sendto(data, self._target)
            else:
                self._peer.sendto(data, self._target)
                self.peer_sent += len(data)
            self.sent += 1

    def send_good(self, data: bytes) -> None:
        """Send something from the peer when there is room for it."""
        self._await_room()
        self._peer.sendto(data, self._target)
        self.peer_sent += len(data)

    def _bound(self, address: Address) -> socket.socket:
        bound = self._open.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        bound.bind(address)
        bound.settimeout(0)
        return bound

    def _await_room(self) -> None:
        self._hear()
        deadline = time.monotonic() + DEADLINE
        pause = threading.Event()
        while True:
            queued, self.lost = _queue_of(self._target)
            if queued <= self._step:
                self._unlooked = 0
                return
            assert time.monotonic() < deadline, f"the client leaves {queued} bytes in its queue"
            pause.wait(_LOOK)

    def _hear(self) -> None:
        """Count what has come back."""
        while ready := select.select([self._peer, *self._strangers], [], [], 0)[0]:
            for heard in ready:
                with contextlib.suppress(BlockingIOError):
                    length = len(heard.recv(65536))
                    if heard is self._peer:
                        self.to_peer += length
                    else:
                        self.to_strangers += length


def _queue_of(address: Address) -> tuple[int, int]:
    """Return how many bytes wait at a UDP socket here, and how many datagrams it has lost."""
    ip, port = address
    wanted = f"{int.from_bytes(socket.inet_aton(ip), 'little'):08X}:{port:04X}"
    for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines():
        fields = line.split()
        if fields[1] == wanted:
            return int(fields[4].rpartition(":")[2], 16), int(fields[12])
    raise AssertionError(f"no socket is bound to {address}")
