"""One half of a STUN server for RFC 5780.

Such a server answers from two addresses. A node has one, so two nodes of this program share the
work: where an answer is to come from the other address, the other half is told to send it.

Environment: STUN_OTHER is the name of the other half; STUN_HOST is this half's name, the host's own
if left out; STUN_PORT (3478) is the first of three ports: two for clients, one between the halves.
"""

import contextlib
import os
import selectors
import signal
import socket
import struct
import sys
from functools import cached_property
from typing import NamedTuple

from stun import (
    BINDING_REQUEST,
    BINDING_RESPONSE,
    CHANGE_IP,
    CHANGE_PORT,
    MAPPED_ADDRESS,
    OTHER_ADDRESS,
    RESPONSE_ORIGIN,
    XOR_MAPPED_ADDRESS,
    Address,
    Message,
    NotStunError,
    decode,
    mask,
    pack_address,
)

_LARGEST_DATAGRAM = 65535
_ERRAND = struct.Struct("!H4sH")
"""In front of an answer that the other half is to send: from which port, to which address."""


class Answer(NamedTuple):
    """A datagram to send: where from, where to, and what is in it."""

    origin: Address
    target: Address
    data: bytes


def answer(request: Message, client: Address, here: Address, opposite: Address) -> Answer:
    """Answer a request that came from `client` to `here`.

    The client is told the address that it was seen at, which is its NAT's if there is one.
    `opposite` is the address that differs from `here` in both IP and port.
    """
    origin = (
        (opposite if request.change & CHANGE_IP else here)[0],
        (opposite if request.change & CHANGE_PORT else here)[1],
    )
    attributes = {
        XOR_MAPPED_ADDRESS: mask(pack_address(client)),
        MAPPED_ADDRESS: pack_address(client),
        RESPONSE_ORIGIN: pack_address(origin),
        OTHER_ADDRESS: pack_address(opposite),
    }
    response = Message(BINDING_RESPONSE, request.transaction, attributes)
    return Answer(origin, (client[0], request.response_port or client[1]), response.encode())


class Server:
    """The sockets of this half."""

    def __init__(self, host: str, other: str, port: int) -> None:
        """Bind the three ports of `host`; `other` is the name of the other half."""
        self._ip = socket.gethostbyname(host)
        self._other = other
        self._ports = (port, port + 1)
        self._control_port = port + 2
        self._sockets = {number: self._bind(number) for number in range(port, port + 3)}

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where clients can ask."""
        return tuple((self._ip, port) for port in self._ports)

    def serve(self) -> None:
        """Answer for ever."""
        with selectors.DefaultSelector() as selector:
            for port, udp in self._sockets.items():
                selector.register(udp, selectors.EVENT_READ, port)
            while True:
                for key, _ in selector.select():
                    # What cannot be received or sent now counts as lost: the client asks again.
                    with contextlib.suppress(OSError, NotStunError):
                        self._take(key.data)

    def _take(self, port: int) -> None:
        data, source = self._sockets[port].recvfrom(_LARGEST_DATAGRAM)
        if port == self._control_port:
            # Whoever else could send errands could let this half send anything to anybody.
            if source == (self._other_ip, self._control_port):
                self._run_errand(data)
            return
        request = decode(data)
        if request.kind == BINDING_REQUEST:
            (opposite,) = set(self._ports) - {port}
            here = (self._ip, port)
            self._send(answer(request, source, here, (self._other_ip, opposite)), source, here)

    def _send(self, found: Answer, client: Address, here: Address) -> None:
        show(f"{_text(client)} asks {_text(here)}, answered from {_text(found.origin)}")
        ip, port = found.origin
        if ip == self._ip:
            self._sockets[port].sendto(found.data, found.target)
            return
        errand = _ERRAND.pack(port, socket.inet_aton(found.target[0]), found.target[1])
        control = (self._other_ip, self._control_port)
        self._sockets[self._control_port].sendto(errand + found.data, control)

    def _run_errand(self, data: bytes) -> None:
        port, ip, client_port = _ERRAND.unpack_from(data)
        self._sockets[port].sendto(data[_ERRAND.size :], (socket.inet_ntoa(ip), client_port))

    @cached_property
    def _other_ip(self) -> str:
        # Not looked up before it is needed: the other half may be started later.
        return socket.gethostbyname(self._other)

    def _bind(self, port: int) -> socket.socket:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((self._ip, port))
        return udp


def show(line: str) -> None:
    """Print a line at once, even into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _text(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    other = os.environ.get("STUN_OTHER")
    if not other:
        sys.stderr.write("STUN_OTHER must be the name of the other half of the server\n")
        return 2
    host = os.environ.get("STUN_HOST") or socket.gethostname()
    with contextlib.suppress(KeyboardInterrupt):
        server = Server(host, other, int(os.environ.get("STUN_PORT", "3478")))
        show(f"STUN server listening on {' and '.join(map(_text, server.addresses))}")
        server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
