"""The wire's end of a node's cable: a network device, opened for frames and switched on and off."""

import socket

from peerlab.wire.rtnetlink import Netlink

UP_WITHIN = 30.0
"""Seconds that a device may take until it can send."""

_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23  # linux/if_packet.h
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 4 << 20


def open_device(name: str, kind: int = _ETH_P_ALL) -> socket.socket:
    """Open a device for frames of one type, or all: what comes in is read, not what is sent."""
    device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:  # beyond the limit for everybody, where that is allowed
        device.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        device.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    device.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    device.bind((name, kind))
    device.settimeout(0)
    return device


def plug(index: int, connected: bool) -> None:  # noqa: FBT001 - as the wire calls it
    """Switch a device on or off, which the other end of its cable sees; wait until it can send."""
    link = Netlink()
    if connected:
        link.set_up(index)
    else:
        link.set_down(index)
    link.commit()
    if connected:
        link.await_carrier({index}, UP_WITHIN)
    link.close()
