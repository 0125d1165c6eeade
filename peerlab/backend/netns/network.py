"""The network of a lab: a namespace for each node, and a port of the wire that leads to it.

Node and port are the two ends of a veth(4) pair. No bridge connects the ports: the wire reads
every frame from one port and writes it to another.
"""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from peerlab.backend.netns import syscalls
from peerlab.wire.device import UP_WITHIN, await_up, impair, introduce, open_device, plug
from peerlab.wire.junction import mac_of
from peerlab.wire.ports import Port
from peerlab.wire.rtnetlink import LOOPBACK, Device, Netlink, await_carrier, switch_offloads_off

DEVICE = "eth0"
"""A node's network device, named as in a container."""

_DEVICE_INDEX = 2
_FIRST_PORT = 1000  # index of the first port's device, far above those that the kernel gives
_CLOSERS = 64
_SETTINGS = {
    # As in a container: any program may use any port, and may ping.
    "/proc/sys/net/ipv4/ip_unprivileged_port_start": "0",
    "/proc/sys/net/ipv4/ping_group_range": "{group} {group}",
}


class Host:
    """A node, as its network namespace is to be."""

    def __init__(
        self,
        name: str,
        address: str,
        prefix: int,
        segment: int = 0,
        routes: Sequence[tuple[str, int, str]] = (),
    ) -> None:
        """Take its name, its address and the prefix of the subnet, its segment, and its routes.

        A route is a network, the length of its prefix, and a gateway.
        """
        self.name = name
        self.address = address
        self.prefix = prefix
        self.segment = segment
        self.routes = routes

    @property
    def mac(self) -> bytes:
        """The hardware address: as container engines derive it, from the IP address."""
        return mac_of(self.address)


class Network:
    """The namespaces of a lab's nodes, by name, and the wire's ports."""

    def __init__(self) -> None:
        self.namespaces: dict[str, int] = {}
        self.ports: list[Port] = []

    def make(self, hosts: Sequence[Host], group: int, *, native: bool = False) -> None:
        """Make the nodes' namespaces, in a network namespace of the caller's own.

        Args:
            hosts: the nodes.
            group: the group that programs run as.
            native: whether the kernel acts on what passes the ports, as far as it can.

        Raises:
            OSError: the kernel refused; what has been made ends with the caller.
        """
        home = _own_namespace()
        silence = not _switch_ipv6_off()
        lab = Netlink()
        try:
            for number, host in enumerate(hosts):
                syscalls.unshare(syscalls.CLONE_NEWNET)
                self.namespaces[host.name] = _own_namespace()
                _prepare(group)
                node = Netlink()
                node.add_veth(Device(_DEVICE_INDEX, DEVICE, host.mac), _port_device(number), home)
                node.set_up(LOOPBACK)
                node.add_address(_DEVICE_INDEX, host.address, host.prefix)
                node.commit()
                switch_offloads_off(DEVICE)
                lab.set_up(_FIRST_PORT + number, silence_ipv6=silence)
                lab.commit()
                # The end that comes up last finds its peer there and can send at once.
                node.set_up(_DEVICE_INDEX, silence_ipv6=silence)
                for network, prefix, gateway in host.routes:
                    node.add_route(network, prefix, gateway, _DEVICE_INDEX)
                node.commit()
                node.close()
        finally:
            syscalls.setns(home, syscalls.CLONE_NEWNET)
        lab.close()
        await_carrier({_FIRST_PORT + number for number in range(len(hosts))}, UP_WITHIN)
        os.close(home)
        self.ports = [
            Port(
                host.name,
                host.mac,
                socket.inet_aton(host.address),
                open_device(_port_device(number).name),
                segment=host.segment,
                plug=partial(_plug_end, self.namespaces[host.name], _FIRST_PORT + number),
                open_end=partial(_open_end, self.namespaces[host.name]),
                introduce=partial(_introduce_end, self.namespaces[host.name]),
                native={
                    True: partial(_impair_end, self.namespaces[host.name]),
                    False: partial(impair, _FIRST_PORT + number),
                }
                if native
                else None,
            )
            for number, host in enumerate(hosts)
        ]


def _plug_end(namespace: int, port: int, connected: bool) -> None:  # noqa: FBT001 - as the wire calls it
    """Connect or disconnect a node's own device at its port; wait until both can send."""
    plug(port, connected)
    if connected:
        with _inside(namespace):
            await_up(_DEVICE_INDEX)


def _open_end(namespace: int, kind: int) -> socket.socket:
    """Open a node's own device, from the lab's network namespace, for frames of one type."""
    with _inside(namespace):
        return open_device(DEVICE, kind)


def _introduce_end(namespace: int, neighbours: Mapping[str, bytes]) -> None:
    """Let a node know its neighbours, from the lab's network namespace."""
    with _inside(namespace):
        introduce(_DEVICE_INDEX, neighbours)


def _impair_end(namespace: int, options: bytes | None) -> None:
    """Impair what a node's own device sends, from the lab's network namespace."""
    with _inside(namespace):
        impair(_DEVICE_INDEX, options)


@contextmanager
def _inside(namespace: int) -> Iterator[None]:
    """Be in another network namespace."""
    home = _own_namespace()
    syscalls.setns(namespace, syscalls.CLONE_NEWNET)
    try:
        yield
    finally:
        syscalls.setns(home, syscalls.CLONE_NEWNET)
        os.close(home)


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
