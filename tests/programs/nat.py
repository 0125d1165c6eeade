"""A NAT and the two halves of the STUN server behind it, without sockets and without time."""

import math
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Self, TypeVar

T = TypeVar("T")
Address = tuple[str, int]

BEHAVIOURS = ("endpoint-independent", "address-dependent", "address-and-port-dependent")
PUBLIC_IP = "203.0.113.1"
HALVES = ("198.51.100.1", "198.51.100.2")
PORTS = (3478, 3479)


def _peer(behaviour: str, address: Address) -> object:
    """Return what a NAT tells others apart by."""
    return {BEHAVIOURS[0]: None, BEHAVIOURS[1]: address[0], BEHAVIOURS[2]: address}[behaviour]


class Internet:
    """Sockets inside, the NAT, and the server outside; `now` goes on only while somebody waits."""

    def __init__(
        self,
        answer: Callable[[bytes, Address, Address, Address], tuple[Address, Address, bytes]],
        mapping: str,
        filtering: str,
        *,
        timeout: float = math.inf,
        passes: Callable[[int], bool] = lambda _: True,
        copies: int = 1,
    ) -> None:
        """Make a NAT.

        Args:
            answer: what the server makes of a request from a client to an address, given also the
                opposite one of its four: where an answer comes from, where it goes to, its data.
            mapping: on what a mapping depends.
            filtering: from where datagrams are let in.
            timeout: seconds without traffic from inside after which a mapping is forgotten.
            passes: whether the datagram of that number, from 1, gets to the server.
            copies: how often each answer comes.
        """
        self._answer = answer
        self._mapping, self._filtering = mapping, filtering
        self._timeout, self._passes, self._copies = timeout, passes, copies
        self._sent = count(1)
        self._free_ports = count(40000)
        self._inside_ports = count(50000)
        self._public: dict[tuple[Address, object], int] = {}
        self._inside: dict[int, Address] = {}
        self._used: dict[int, float] = {}
        self._let_in: dict[int, set[object]] = {}
        self.queues: dict[Address, deque[bytes]] = {}
        self.now = 0.0

    def open(self, _: Address) -> "Socket":
        """Make a socket inside."""
        inside = ("10.0.0.2", next(self._inside_ports))
        self.queues[inside] = deque()
        return Socket(self, inside)

    def send(self, data: bytes, inside: Address, target: Address) -> None:
        """Take a datagram from inside all the way, and its answer back."""
        key = (inside, _peer(self._mapping, target))
        port = self._public.get(key)
        if port is None or not self._is_alive(port):
            port = self._public[key] = next(self._free_ports)
            self._inside[port], self._let_in[port] = inside, set()
        self._used[port] = self.now
        self._let_in[port].add(_peer(self._filtering, target))
        if self._passes(next(self._sent)):
            opposite = (_opposite(HALVES, target[0]), _opposite(PORTS, target[1]))
            origin, (_, back), answer = self._answer(data, (PUBLIC_IP, port), target, opposite)
            for _ in range(self._copies):
                self._arrive(answer, origin, back)

    def _arrive(self, data: bytes, source: Address, port: int) -> None:
        if self._is_alive(port) and _peer(self._filtering, source) in self._let_in[port]:
            self.queues[self._inside[port]].append(data)

    def _is_alive(self, port: int) -> bool:
        return self.now - self._used.get(port, -math.inf) < self._timeout


def _opposite(both: tuple[T, T], one: T) -> T:
    return both[both[0] == one]


class Socket:
    """What the probe uses of a socket."""

    def __init__(self, internet: Internet, inside: Address) -> None:
        self._internet, self._inside = internet, inside
        self._timeout = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        del self._internet.queues[self._inside]

    def getsockname(self) -> Address:
        """Return the address inside."""
        return self._inside

    def settimeout(self, seconds: float) -> None:
        """Take how long to wait."""
        self._timeout = seconds

    def sendto(self, data: bytes, target: Address) -> None:
        """Send through the NAT."""
        self._internet.send(data, self._inside, target)

    def recv(self, _: int) -> bytes:
        """Return what has come; all the waiting there is takes no time."""
        queue = self._internet.queues[self._inside]
        if not queue:
            self._internet.now += self._timeout
            raise TimeoutError
        return queue.popleft()
