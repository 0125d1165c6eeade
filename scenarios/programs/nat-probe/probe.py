"""Tells what kind of NAT is on the way to a STUN server, as RFC 5780 does; commands are typed.

Environment: STUN_SERVER (stun1) and STUN_PORT (3478) say where the server is.
"""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable

from stun import (
    BINDING_REQUEST,
    BINDING_RESPONSE,
    CHANGE_IP,
    CHANGE_PORT,
    CHANGE_REQUEST,
    OTHER_ADDRESS,
    RESPONSE_PORT,
    Address,
    Message,
    NotStunError,
    decode,
    pack_change,
    pack_port,
)

COMMANDS = "Commands: map, filter, address, lifetime SECONDS, quit"

ENDPOINT_INDEPENDENT = "endpoint-independent"
ADDRESS_DEPENDENT = "address-dependent"
ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"

TRIES = 3
PATIENCE = 0.4
"""Seconds after which a request is sent again: a datagram may be lost, the NAT not to blame."""
_LARGEST_DATAGRAM = 65535


class UnansweredError(Exception):
    """Raised when the server does not give what a test needs; says what."""


def fresh_socket(server: Address) -> socket.socket:
    """Return a socket that no NAT on the way to the server has seen before.

    It is bound to this host's own address there, to be compared with what the server sees.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(server)  # sends nothing: the system only chooses the way
        own_ip = route.getsockname()[0]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((own_ip, 0))
    return udp


class Probe:
    """The tests, each with sockets of its own: what one opens in the NAT spoils no other."""

    def __init__(
        self, server: Address, open_socket: Callable[[Address], socket.socket] = fresh_socket
    ) -> None:
        """Test the way to a server, with the sockets that `open_socket` makes."""
        self._server = server
        self._open = open_socket

    def address(self) -> Address:
        """Return what the server sees this host at."""
        with self._open(self._server) as udp:
            return self._mapped(udp, self._server)

    def mapping(self) -> str | None:
        """Tell on what a mapping depends; None if there is no NAT (RFC 5780, section 4.3).

        One socket asks at several addresses: does it look the same at each?
        """
        with self._open(self._server) as udp:
            first = self._mapped(udp, self._server)
            if first == udp.getsockname():
                return None
            other_ip, other_port = self._other(udp)
            second = self._mapped(udp, (other_ip, self._server[1]))
            if second == first:
                return ENDPOINT_INDEPENDENT
            third = self._mapped(udp, (other_ip, other_port))
            return ADDRESS_DEPENDENT if third == second else ADDRESS_AND_PORT_DEPENDENT

    def filtering(self) -> str:
        """Tell from where answers are let in (RFC 5780, section 4.4).

        One socket asks at one address: do answers from others reach it?
        """
        with self._open(self._server) as udp:
            self._other(udp)
            if self._is_let_in(udp, CHANGE_IP | CHANGE_PORT):
                return ENDPOINT_INDEPENDENT
            if self._is_let_in(udp, CHANGE_PORT):
                return ADDRESS_DEPENDENT
            return ADDRESS_AND_PORT_DEPENDENT

    def outlives(self, seconds: float) -> bool:
        """Tell whether a mapping is still there after so many of silence (RFC 5780, section 4.6).

        A second socket then lets the server answer to the first: the first must not ask, since
        that alone would renew its mapping.
        """
        with self._open(self._server) as silent, self._open(self._server) as asking:
            _, port = self._mapped(silent, self._server)
            listen(silent, None, seconds)
            request = {RESPONSE_PORT: pack_port(port)}
            return ask(self._server, request, by=asking, at=silent) is not None

    def _is_let_in(self, udp: socket.socket, change: int) -> bool:
        request = {CHANGE_REQUEST: pack_change(change)}
        return ask(self._server, request, by=udp, at=udp) is not None

    def _mapped(self, udp: socket.socket, server: Address) -> Address:
        mapped = _answered(udp, server).mapped
        if mapped is None:
            raise UnansweredError(f"{server[0]} does not tell what address it sees")
        return mapped

    def _other(self, udp: socket.socket) -> Address:
        other = _answered(udp, self._server).address(OTHER_ADDRESS)
        if other is None:
            raise UnansweredError(f"{self._server[0]} has no other address")
        return other


def ask(
    server: Address, attributes: dict[int, bytes], *, by: socket.socket, at: socket.socket
) -> Message | None:
    """Send a request by one socket; return the response that comes at one, None if none does."""
    request = Message(BINDING_REQUEST, os.urandom(12), attributes)
    for _ in range(TRIES):
        by.sendto(request.encode(), server)
        response = listen(at, request.transaction, PATIENCE)
        if response is not None:
            return response
    return None


def listen(udp: socket.socket, transaction: bytes | None, seconds: float) -> Message | None:
    """Wait for the response of a transaction; what comes late, or twice, belongs to another one."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        udp.settimeout(left)
        try:
            message = decode(udp.recv(_LARGEST_DATAGRAM))
        except TimeoutError:
            break
        except NotStunError:
            continue
        if message.kind == BINDING_RESPONSE and message.transaction == transaction:
            return message
    return None


def _answered(udp: socket.socket, server: Address) -> Message:
    response = ask(server, {}, by=udp, at=udp)
    if response is None:
        raise UnansweredError(f"no answer from {server[0]}:{server[1]}")
    return response


def obey(probe: Probe, line: str) -> str:
    """Carry out a command; return what to print."""
    match line.split():
        case ["map"]:
            return f"mapping: {probe.mapping() or 'none (no NAT)'}"
        case ["filter"]:
            return f"filtering: {probe.filtering()}"
        case ["address"]:
            ip, port = probe.address()
            return f"mapped address: {ip}:{port}"
        case ["lifetime", seconds] if seconds.replace(".", "", 1).isdecimal():
            state = "alive" if probe.outlives(float(seconds)) else "gone"
            return f"mapping {state} after {seconds} s"
        case _:
            return COMMANDS


def show(line: str) -> None:
    """Print a line at once, even into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Obey until `quit`, the end of input or Ctrl-C; return the exit status."""
    name = os.environ.get("STUN_SERVER", "stun1")
    port = int(os.environ.get("STUN_PORT", "3478"))
    show(COMMANDS)
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            try:
                show(obey(Probe((socket.gethostbyname(name), port)), line))
            except (OSError, NotStunError, UnansweredError) as error:
                show(f"unknown: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
