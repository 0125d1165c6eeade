"""Takes a container's network device away from its network stack, so that only the wire uses it.

The stack is given one end of a new cable instead, with the same addresses, and the wire holds the
other end. No firewall is needed for that: a device with another hardware address takes frames for
the old one as somebody else's, one without ARP answers no question, and one with the strict source
check (RFC 3704) takes in nothing from a network that no route leads back to.
"""

import fcntl
import os
import secrets
import socket
import struct

from peerlab.wire.device import UP_WITHIN
from peerlab.wire.rtnetlink import Device, Netlink, await_carrier, switch_offloads_off

NODE_DEVICE, WIRE_DEVICE = "lab0", "lab1"
"""The two ends of the new cable: the node's, and the wire's."""

_SIOCGIFADDR, _SIOCGIFMTU, _SIOCGIFHWADDR = 0x8915, 0x8921, 0x8927
_IFREQ = struct.Struct("16s24s")
_HAS_IPV6 = os.path.exists("/proc/net/if_inet6")  # noqa: PTH110 - starts fast


class Seized:
    """A device that belongs to the wire now."""

    __slots__ = ("mac", "mtu", "name")

    def __init__(self, name: str, mac: bytes, mtu: int) -> None:
        self.name = name
        self.mac = mac
        """The hardware address that it had before, at which the network knows the node."""
        self.mtu = mtu


def device_with(address: str) -> str:
    """The name of the network device that has an IPv4 address.

    Raises:
        LookupError: none has.
    """
    for _, name in socket.if_nameindex():
        try:
            if _ask(name, _SIOCGIFADDR)[4:8] == socket.inet_aton(address):
                return name
        except OSError:
            continue  # one without an IPv4 address
    raise LookupError(f"no device has the address {address}")


def seize(name: str, address: str, prefix: int) -> Seized:
    """Take a device with an address away from the stack.

    Raises:
        OSError: the kernel refused.
    """
    seized = Seized(
        name,
        _ask(name, _SIOCGIFHWADDR)[2:8],
        struct.unpack_from("=i", _ask(name, _SIOCGIFMTU))[0],
    )
    index = socket.if_nametoindex(name)
    link = Netlink()
    link.remove_address(index, address, prefix)
    link.mute(index, mac=bytes((0x02, 0x00)) + secrets.token_bytes(4))
    link.commit()
    link.close()
    return seized


def lay_cable(
    device: Seized, address: str, prefix: int, routes: list[tuple[str, int, str]]
) -> tuple[int, int]:
    """Give the stack another device with that address, and these routes; indexes of both ends.

    Raises:
        OSError: the kernel refused.
    """
    link = Netlink()
    # An engine's devices keep the indexes that they had on its machine: any number can be taken.
    free = max(index for index, _ in socket.if_nameindex()) + 1
    near = Device(free, NODE_DEVICE, device.mac, device.mtu)
    far = Device(free + 1, WIRE_DEVICE, None, device.mtu)
    link.add_veth(near, far)
    link.add_address(near.index, address, prefix)
    link.set_up(far.index, silence_ipv6=_HAS_IPV6)
    link.commit()
    switch_offloads_off(NODE_DEVICE)
    link.set_up(near.index, silence_ipv6=_HAS_IPV6)
    link.commit()
    for network, length, gateway in routes:
        link.add_route(network, length, gateway, near.index)
    link.commit()
    link.close()
    await_carrier({near.index, far.index}, UP_WITHIN)
    return near.index, far.index


def _ask(device: str, what: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = _IFREQ.pack(device.encode(), b"")
        return fcntl.ioctl(any_socket, what, request)[16:]
