"""Network devices and addresses over rtnetlink(7), as few messages as a lab needs.

The layouts are those of linux/rtnetlink.h, linux/if_link.h and linux/if_addr.h.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from time import monotonic

from peerlab.wire.attributes import attribute

_NETLINK_ROUTE = 0
_NLMSG_ERROR = 2
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_DELADDR, _RTM_NEWROUTE = 16, 18, 20, 21, 24
_RTM_NEWQDISC, _RTM_DELQDISC = 36, 37
_RTMGRP_LINK = 1
_REQUEST, _ACK, _REPLACE, _EXCL, _DUMP, _CREATE = 0x1, 0x4, 0x100, 0x200, 0x300, 0x400
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINKINFO = 1, 3, 4, 18
_IFLA_AF_SPEC, _IFLA_NET_NS_FD = 26, 28
_IFLA_NUM_TX_QUEUES, _IFLA_NUM_RX_QUEUES, _ONE = 31, 32, struct.pack("=I", 1)
_IFLA_OPERSTATE, _OPERSTATE_UP = 16, 6
_INFO_KIND, _INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_IFLA_INET_CONF, _IPV4_DEVCONF_RP_FILTER, _STRICT = 1, 8, 1
_INET6_ADDR_GEN_MODE, _ADDR_GEN_NONE = 8, b"\x01"
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_IFF_UP, _IFF_NOARP = 1, 0x80
_RTM_NEWNEIGH, _NDA_DST, _NDA_LLADDR, _NUD_STALE, _NTF_EXT_LEARNED = 28, 1, 2, 0x04, 0x10
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_TCA_KIND, _TCA_OPTIONS, _TC_H_ROOT = 1, 2, 0xFFFFFFFF
_RT_TABLE_MAIN, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, _RTN_UNICAST = 254, 4, 0, 1

_SIOCETHTOOL = 0x8946
_IFREQ_SIZE = 40
_OFFLOADS = (0x17, 0x1F, 0x24)  # ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO

_HEADER = struct.Struct("=IHHII")  # length, kind, flags, number, port
_ANSWER = struct.Struct("=4xH2xI4xi")  # kind, number, error
_BATCH = 256  # requests in one message: far below what the socket takes at once

LOOPBACK = 1
"""Index of the loopback device in every network namespace."""


class Device:
    """A network device to be made; without a MAC address or MTU the kernel chooses one."""

    def __init__(
        self, index: int, name: str, mac: bytes | None = None, mtu: int | None = None
    ) -> None:
        self.index = index
        self.name = name
        self.mac = mac
        self.mtu = mtu

    def described(self) -> bytes:
        """As a request describes it."""
        name = attribute(_IFLA_IFNAME, self.name.encode() + b"\0")
        mac = b"" if self.mac is None else attribute(_IFLA_ADDRESS, self.mac)
        mtu = b"" if self.mtu is None else attribute(_IFLA_MTU, struct.pack("=I", self.mtu))
        # The kernel would give it as many queues as there are processors, each at a price.
        queues = attribute(_IFLA_NUM_TX_QUEUES, _ONE) + attribute(_IFLA_NUM_RX_QUEUES, _ONE)
        return _link(self.index) + name + mac + mtu + queues


class Netlink:
    """A connection to the kernel for the network namespace that it is made in.

    Requests are collected, and sent by `commit`, many in one message.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._requests: list[tuple[int, int, bytes]] = []

    def add_veth(self, near: Device, far: Device, namespace: int | None = None) -> None:
        """Make a pair of devices, the far one in another network namespace if one is given."""
        elsewhere = b""
        if namespace is not None:
            elsewhere = attribute(_IFLA_NET_NS_FD, struct.pack("=i", namespace))
        data = attribute(_INFO_DATA, attribute(_VETH_INFO_PEER, far.described() + elsewhere))
        kind = attribute(_IFLA_LINKINFO, attribute(_INFO_KIND, b"veth") + data)
        self._add(_RTM_NEWLINK, _CREATE | _EXCL, near.described() + kind)

    def set_up(self, index: int, *, silence_ipv6: bool = False) -> None:
        """Switch a device on, and keep it from giving itself an IPv6 address if asked to."""
        if silence_ipv6:
            mode = attribute(_INET6_ADDR_GEN_MODE, _ADDR_GEN_NONE)
            families = attribute(_IFLA_AF_SPEC, attribute(socket.AF_INET6, mode))
            self._add(_RTM_NEWLINK, 0, _link(index) + families)
        self._add(_RTM_NEWLINK, 0, _link(index, _IFF_UP))

    def set_down(self, index: int) -> None:
        """Switch a device off: the other end of its cable sees that."""
        self._add(_RTM_NEWLINK, 0, _link(index, 0, _IFF_UP))

    def mute(self, index: int, mac: bytes) -> None:
        """Give a device another hardware address, and keep the network stack from using it.

        It answers no ARP, and takes in nothing whose source no route leads back to by it.
        """
        strict = attribute(_IPV4_DEVCONF_RP_FILTER, struct.pack("=I", _STRICT))
        settings = attribute(socket.AF_INET, attribute(_IFLA_INET_CONF, strict))
        address = attribute(_IFLA_ADDRESS, mac)
        self._add(_RTM_NEWLINK, 0, _link(index, _IFF_NOARP) + address)
        self._add(_RTM_NEWLINK, 0, _link(index) + attribute(_IFLA_AF_SPEC, settings))

    def add_neighbour(self, index: int, address: str, mac: bytes) -> None:
        """Let the stack know the hardware address of a neighbour at a device.

        It is as if the neighbour had just asked for us: the entry can be used at once, and is
        looked after as any other; but it does not count in the kernel's table, which all
        namespaces share (neigh_add in net/core/neighbour.c).
        """
        body = struct.pack(
            "=BxxxiHBB", socket.AF_INET, index, _NUD_STALE, _NTF_EXT_LEARNED, _RTN_UNICAST
        )
        body += attribute(_NDA_DST, socket.inet_aton(address)) + attribute(_NDA_LLADDR, mac)
        self._add(_RTM_NEWNEIGH, _CREATE | _REPLACE, body)

    def remove_address(self, index: int, address: str, prefix: int) -> None:
        """Take an IPv4 address from a device, and with it the routes that need it."""
        body = struct.pack("=BBBBI", socket.AF_INET, prefix, 0, 0, index)
        self._add(_RTM_DELADDR, 0, body + attribute(_IFA_LOCAL, socket.inet_aton(address)))

    def add_route(self, network: str, prefix: int, gateway: str, index: int) -> None:
        """Lead packets for a network to a gateway, by a device."""
        body = struct.pack(
            "=BBBBBBBBI",
            socket.AF_INET,
            prefix,
            0,
            0,
            _RT_TABLE_MAIN,
            _RTPROT_STATIC,
            _RT_SCOPE_UNIVERSE,
            _RTN_UNICAST,
            0,
        )
        if prefix:
            body += attribute(_RTA_DST, socket.inet_aton(network))
        body += attribute(_RTA_GATEWAY, socket.inet_aton(gateway))
        body += attribute(_RTA_OIF, struct.pack("=I", index))
        self._add(_RTM_NEWROUTE, _CREATE | _EXCL, body)

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Give a device an IPv4 address in a subnet with that prefix length."""
        packed = socket.inet_aton(address)
        hosts = (1 << (32 - prefix)) - 1
        broadcast = struct.pack("!I", struct.unpack("!I", packed)[0] | hosts)
        body = struct.pack("=BBBBI", socket.AF_INET, prefix, 0, 0, index)
        body += attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)
        self._add(_RTM_NEWADDR, _CREATE | _EXCL, body + attribute(_IFA_BROADCAST, broadcast))

    def set_discipline(self, index: int, kind: str, options: bytes) -> None:
        """Have a queueing discipline treat what a device sends; one of that kind is told anew."""
        told = attribute(_TCA_KIND, kind.encode() + b"\0") + attribute(_TCA_OPTIONS, options)
        self._add(_RTM_NEWQDISC, _CREATE | _REPLACE, _discipline(index) + told)

    def remove_discipline(self, index: int) -> None:
        """Send what a device sends as if there were none; what waits in it is lost."""
        self._add(_RTM_DELQDISC, 0, _discipline(index))

    def commit(self) -> None:
        """Send what was collected.

        Raises:
            OSError: the kernel refused a request.
        """
        while batch := self._requests[:_BATCH]:
            del self._requests[:_BATCH]
            last = len(batch) - 1
            self._socket.send(
                b"".join(
                    _message(kind, flags | (_ACK if number == last else 0), number, body)
                    for number, (kind, flags, body) in enumerate(batch)
                )
            )
            self._await_answer(last)

    def _await_answer(self, last: int) -> None:
        """Wait until the last request is answered; a request that fails is answered, too."""
        failure = 0
        number = -1
        while number != last:
            kind, number, error = _ANSWER.unpack_from(self._socket.recv(65536))
            if kind != _NLMSG_ERROR:
                raise OSError(errno.EBADMSG, f"the kernel answered with message {kind}")
            failure = failure or -error
        if failure:
            raise OSError(failure, os.strerror(failure))

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _add(self, kind: int, flags: int, body: bytes) -> None:
        self._requests.append((kind, flags, body))


def await_carrier(indexes: set[int], within: float) -> None:
    """Wait until these devices can send: the kernel makes them so a little after `set_up`.

    They are those of the network namespace that the caller is in.

    Raises:
        TimeoutError: some still cannot, so many seconds later.
    """
    waiting = set(indexes)
    deadline = monotonic() + within
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as listener:
        listener.bind((0, _RTMGRP_LINK))
        ask = _message(_RTM_GETLINK, _DUMP, 0, _link(0))
        listener.send(ask)
        while waiting:
            left = deadline - monotonic()
            if left <= 0:
                raise TimeoutError(f"devices cannot send after {within:g} s")
            listener.settimeout(left)
            try:
                answer = listener.recv(1 << 18)
            except TimeoutError:
                continue
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                listener.send(ask)  # too many devices changed at once: look at all again
            else:
                waiting.difference_update(_devices_up(answer))


def switch_offloads_off(device: str) -> None:
    """Have the kernel fill in checksums and cut segments itself, as for a plain network card.

    A veth device leaves that to hardware which is not there: its peer would see packets larger
    than the MTU, with checksums that are still to be made.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in _OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("@16sP", device.encode(), ctypes.addressof(value))
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request.ljust(_IFREQ_SIZE, b"\0"))


def _devices_up(answer: bytes) -> Iterator[int]:
    """The indexes of the devices in an answer whose operational state (RFC 2863) is up."""
    start = 0
    while start + _HEADER.size <= len(answer):
        length, kind, *_ = _HEADER.unpack_from(answer, start)
        if kind == _RTM_NEWLINK:
            index = struct.unpack_from("=i", answer, start + _HEADER.size + 4)[0]
            attributes = answer[start + _HEADER.size + len(_link(0)) : start + length]
            if _operational_state(attributes) == _OPERSTATE_UP:
                yield index
        start += _aligned(length)


def _operational_state(attributes: bytes) -> int | None:
    start = 0
    while start + 4 <= len(attributes):
        length, kind = struct.unpack_from("=HH", attributes, start)
        if kind == _IFLA_OPERSTATE:
            return attributes[start + 4]
        start += _aligned(length)
    return None


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _message(kind: int, flags: int, number: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | _REQUEST, number, 0) + body


def _link(index: int, flags: int = 0, off: int = 0) -> bytes:
    """A `struct ifinfomsg`; some flags are switched on, others off."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags | off)


def _discipline(index: int) -> bytes:
    """A `struct tcmsg`, of what treats all that a device sends."""
    return struct.pack("=BxxxiIII", socket.AF_UNSPEC, index, 0, _TC_H_ROOT, 0)
