"""The sockets that answer STUN, and their thread."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from services.server.reflector import Answer, Registrar, reflect
from services.stun import MAX_STUN
from services.tally import Tally
from services.values import Address

_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 100
"""How many ports of the system's choice are tried: half of them fit, unless the range has none."""


class StunService:
    """Answers STUN at two ports, and from a third where another one is wanted."""

    def __init__(
        self, address: Address, registrar: Registrar, complain: Callable[[str], None]
    ) -> None:
        """Bind the first port, which is that of the address; the system chooses the others.

        Raises:
            OSError: it cannot be bound.
        """
        self._registrar = registrar
        self._complain = complain
        self._ignored = Tally(time.monotonic)
        self._end, self._ender = socket.socketpair()
        self._sockets: list[socket.socket] = []
        try:
            self._sockets.append(_bound(address))
            for _ in range(2):
                self._sockets.append(_bound_beside_connections(address[0]))
        except OSError:
            self._close_sockets()
            raise
        first, second, self._elsewhere = self._sockets
        self.ports = first.getsockname()[1], second.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="stun", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more; join the thread."""
        self._ender.close()
        if self._thread.ident:
            self._thread.join()
        self._close_sockets()

    def _run(self) -> None:
        sources = [*self._sockets, self._end]
        while True:
            readable, _, _ = select.select(sources, [], [], self._ignored.due())
            if self._end in readable:
                return
            for udp in readable:
                # What cannot be received or sent now counts as lost: the client asks again.
                with contextlib.suppress(OSError):
                    self._answer(udp)
            if told := self._ignored.line():
                self._complain(f"datagrams ignored: {told}")

    def _answer(self, udp: socket.socket) -> None:
        data, source = udp.recvfrom(MAX_STUN + 1)
        match reflect(data, source, self._registrar):
            case Answer(reply, other_port):
                (self._elsewhere if other_port else udp).sendto(reply, source)
            case ignored:
                self._ignored.count(ignored.kind)

    def _close_sockets(self) -> None:
        for udp in self._sockets:
            udp.close()
        self._end.close()
        self._ender.close()


def _bound(address: Address) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.settimeout(0)
        udp.bind(address)
    except OSError:
        udp.close()
        raise
    return udp


def _bound_beside_connections(host: str) -> socket.socket:
    """Bind a socket to a port that leaves clients theirs, if the system has any such.

    A client on the same machine takes the number of its TCP connection for UDP, too.
    """
    parity = _parity_of_connections()
    for _ in range(_TRIES):
        udp = _bound((host, 0))
        if udp.getsockname()[1] % 2 != parity:
            return udp
        udp.close()
    return _bound((host, 0))


def _parity_of_connections() -> int:
    """Return 0 if connections have even ports here, 1 if odd ones.

    Linux gives them what the first port of the range is, as long as there are any
    (`__inet_hash_connect` in net/ipv4/inet_hashtables.c).
    """
    with contextlib.suppress(OSError, ValueError):
        lowest, _ = map(int, _PORT_RANGE.read_text(encoding="ascii").split())
        return lowest % 2
    return 0
