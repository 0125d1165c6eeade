"""The network of a lab: a namespace for each node, and a port of the wire that leads to it.

Node and port are the two ends of a veth(4) pair. No bridge connects the ports: the wire reads
every frame from one port and writes it to another.
"""

import os
import socket
from collections.abc import Sequence

from peerlab.backend.netns import syscalls
from peerlab.backend.netns.rtnetlink import LOOPBACK, Device, Netlink, switch_offloads_off
from peerlab.wire.engine import Port

DEVICE = "eth0"
"""A node's network device, named as in a container."""

_DEVICE_INDEX = 2
_FIRST_PORT = 1000  # index of the first port's device, far above those that the kernel gives
_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23  # linux/if_packet.h
_SO_RCVBUFFORCE = 33
_CLOSERS = 64
_UP_WITHIN = 30.0
_RECEIVE_BUFFER = 4 << 20
_SETTINGS = {
    # As in a container: any program may use any port, and may ping.
    "/proc/sys/net/ipv4/ip_unprivileged_port_start": "0",
    "/proc/sys/net/ipv4/ping_group_range": "{group} {group}",
}


class Network:
    """The namespaces of a lab's nodes, by name, and the wire's ports."""

    def __init__(self) -> None:
        self.namespaces: dict[str, int] = {}
        self.ports: list[Port] = []

    def make(self, addresses: Sequence[tuple[str, str]], prefix: int, group: int) -> None:
        """Make the nodes' namespaces, in a network namespace of the caller's own.

        Args:
            addresses: the names of the nodes and their IPv4 addresses.
            prefix: length of the subnet's prefix.
            group: the group that programs run as.

        Raises:
            OSError: the kernel refused; what has been made ends with the caller.
        """
        home = _own_namespace()
        silence = not _switch_ipv6_off()
        lab = Netlink()
        macs = [b"\x02\x42" + socket.inet_aton(address) for _, address in addresses]
        try:
            for number, ((name, address), mac) in enumerate(zip(addresses, macs, strict=True)):
                syscalls.unshare(syscalls.CLONE_NEWNET)
                self.namespaces[name] = _own_namespace()
                _prepare(group)
                node = Netlink()
                node.add_veth(Device(_DEVICE_INDEX, DEVICE, mac), _port_device(number), home)
                node.set_up(LOOPBACK)
                node.add_address(_DEVICE_INDEX, address, prefix)
                node.commit()
                switch_offloads_off(DEVICE)
                lab.set_up(_FIRST_PORT + number, silence_ipv6=silence)
                lab.commit()
                # The end that comes up last finds its peer there and can send at once.
                node.set_up(_DEVICE_INDEX, silence_ipv6=silence)
                node.commit()
                node.close()
        finally:
            syscalls.setns(home, syscalls.CLONE_NEWNET)
        lab.await_carrier({_FIRST_PORT + number for number in range(len(addresses))}, _UP_WITHIN)
        lab.close()
        os.close(home)
        self.ports = [
            Port(name, mac, socket.inet_aton(address), _open_port(_port_device(number).name))
            for number, ((name, address), mac) in enumerate(zip(addresses, macs, strict=True))
        ]


def close_ports(ports: Sequence[Port]) -> None:
    """Close all ports, many at a time: the kernel takes some 10 ms for each, whatever it is."""
    from threading import Thread  # noqa: PLC0415 - only for the end of a lab

    def close(part: Sequence[Port]) -> None:
        for port in part:
            port.socket.close()

    threads = [
        Thread(target=close, args=(ports[first::_CLOSERS],))
        for first in range(min(_CLOSERS, len(ports)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _own_namespace() -> int:
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _port_device(number: int) -> Device:
    return Device(_FIRST_PORT + number, f"port{number}")


def _prepare(group: int) -> None:
    """Set the kernel parameters of the caller's network namespace."""
    _switch_ipv6_off()
    for path, value in _SETTINGS.items():
        _set(path, value.format(group=group))


def _switch_ipv6_off() -> bool:
    """Keep IPv6's own chatter off devices yet to be made; False: this machine forbids it."""
    return _set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")


def _set(path: str, value: str) -> bool:
    """Set a kernel parameter of the namespace; False: this machine lets nobody do that."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(value)
    except FileNotFoundError:
        return True  # the kernel has no such thing
    except OSError:
        return False
    return True


def _open_port(device: str) -> socket.socket:
    """Open a port: every frame that the node sends is read from it, none that it is sent."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:  # beyond the limit for everybody, where that is allowed
        port.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    port.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    port.bind((device, _ETH_P_ALL))
    port.settimeout(0)
    return port
