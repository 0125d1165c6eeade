"""Where nodes and routers are connected to the wire."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import unpack

from peerlab.wire.netem import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket

    from peerlab.wire.router import Router

_SOL_PACKET, _PACKET_STATISTICS = 263, 6

Instruct = Callable[[bytes | None], None]
"""Tells the kernel's netem what to do (`netem.options`); None: to go."""

Native = Mapping[bool, Instruct]
"""For what leaves a node (True), and for what arrives at it (False)."""


class Port:
    """Where a node is connected to the wire."""

    __slots__ = (
        "introduce",
        "ip",
        "mac",
        "name",
        "native",
        "open_end",
        "plug",
        "segment",
        "socket",
    )

    def __init__(  # noqa: PLR0913 - all that a port is
        self,
        name: str | None,
        mac: bytes,
        ip: bytes,
        socket: "socket",
        *,
        segment: int = 0,
        plug: "Callable[[bool], None] | None" = None,
        open_end: "Callable[[int], socket] | None" = None,
        introduce: "Callable[[Mapping[str, bytes]], None] | None" = None,
        native: "Native | None" = None,
    ) -> None:
        """Take the node's name and addresses (6 and 4 bytes) and a non-blocking socket.

        A raw packet socket is bound to the wire's end of the node's cable, for all protocols,
        and ignores outgoing frames. Each `recv` gives a frame as the node sent it, each `send`
        takes one to it.

        Without a name it is an uplink: it leads to the part of its segment that is elsewhere.
        `plug` connects and disconnects the cable, so that the node sees it. `open_end` opens the
        node's own end of the cable for frames of one type. `introduce` lets the node know
        hardware addresses by IPv4 addresses. With `native` the kernel acts on what
        passes the cable as far as it can.
        """
        self.name = name
        self.mac = mac
        self.ip = ip
        self.socket = socket
        self.segment = segment
        self.plug = plug
        self.open_end = open_end
        self.introduce = introduce
        self.native = native or {}


class Junction:
    """A router, and where its interfaces are connected."""

    __slots__ = ("interfaces", "name", "router")

    def __init__(
        self, name: str, router: "Router", interfaces: Sequence[tuple[int, bytes, bytes]]
    ) -> None:
        """Take the segment, the hardware address and the IPv4 address of each interface."""
        self.name = name
        self.router = router
        self.interfaces = interfaces


def try_kernel(ports: Iterable[Port]) -> None:
    """Have the kernel do nothing for a moment at these ports, if it is to act there.

    Raises:
        OSError: it has no netem.
    """
    for port in ports:
        for instruct in port.native.values():
            instruct(options((), 0, ""))
            instruct(None)


def missed(socket: "socket") -> int:
    """How many frames came faster than they were taken, since the socket was made."""
    try:
        _, dropped = unpack("II", socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
    except OSError:
        return 0
    return int(dropped)
