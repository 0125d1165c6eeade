"""The wire's end of a node's cable: a network device, opened for frames and switched on and off."""

import socket

from peerlab.wire.netem import KIND
from peerlab.wire.packet import IPV4_TYPE
from peerlab.wire.rtnetlink import Netlink, await_carrier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import ReadableBuffer

UP_WITHIN = 30.0
"""Seconds that devices which are new may take until they can send."""
_PLUGGED_WITHIN = 5.0
"""The same for one end of a cable that was plugged in, for which the wire stands still."""

_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23  # linux/if_packet.h
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 4 << 20
_TYPE = slice(12, 14)
_IPV4 = IPV4_TYPE.to_bytes(2)
_DISGUISE = 0x88B6.to_bytes(2)  # IEEE 802 "local experimental EtherType 2"


class Uplink(socket.socket):
    """A device on a network that others filter: what passes there as IPv4 passes in disguise.

    A container engine has the host's firewall look at IPv4 even between two containers on one
    network, and lets it drop what is addressed beyond that network, as packets to a router are.
    """

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """The next frame; of plain IPv4, which the lab has none of here, an empty one."""
        frame = super().recv(size, flags)
        kind = frame[_TYPE]
        if kind == _DISGUISE:
            return frame[:12] + _IPV4 + frame[14:]
        return b"" if kind == _IPV4 else frame

    def send(self, frame: "ReadableBuffer", flags: int = 0, /) -> int:
        """Send a frame."""
        data = bytes(frame)
        if data[_TYPE] == _IPV4:
            data = data[:12] + _DISGUISE + data[14:]
        return super().send(data, flags)


def open_device(name: str, kind: int = _ETH_P_ALL) -> socket.socket:
    """Open a device for frames of one type, or all: what comes in is read, not what is sent."""
    return _opened(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0), name, kind)


def open_uplink(name: str) -> Uplink:
    """Open a device on a network that others filter, for all frames."""
    uplink = Uplink(socket.AF_PACKET, socket.SOCK_RAW, 0)
    _opened(uplink, name, _ETH_P_ALL)
    return uplink


def _opened(device: socket.socket, name: str, kind: int) -> socket.socket:
    try:  # beyond the limit for everybody, where that is allowed
        device.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        device.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    device.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    device.bind((name, kind))
    device.settimeout(0)
    return device


def introduce(index: int, neighbours: "Mapping[str, bytes]") -> None:
    """Let the stack that has a device know hardware addresses by IPv4 addresses."""
    link = Netlink()
    for address, mac in neighbours.items():
        link.add_neighbour(index, address, mac)
    link.commit()
    link.close()


def plug(index: int, connected: bool) -> None:  # noqa: FBT001 - as the wire calls it
    """Switch a device on or off, which the other end of its cable sees; wait until it can send.

    The other end can send a little later: see `await_up`.
    """
    link = Netlink()
    if connected:
        link.set_up(index)
    else:
        link.set_down(index)
    link.commit()
    link.close()
    if connected:
        await_up(index)


def await_up(index: int) -> None:
    """Wait until a device can send.

    Where its cable was plugged in at the other end the kernel still has to notice: until then it
    drops, and tells nobody, what a program sends by the device.

    Raises:
        TimeoutError: it still cannot after some seconds.
    """
    await_carrier({index}, _PLUGGED_WITHIN)


def impair(index: int, options: bytes | None) -> None:
    """Have the kernel's netem treat what a device sends, as told by its options; None: no more.

    Raises:
        OSError: the kernel has no netem.
    """
    link = Netlink()
    try:
        if options is None:
            link.remove_discipline(index)
        else:
            link.set_discipline(index, KIND, options)
        link.commit()
    finally:
        link.close()
