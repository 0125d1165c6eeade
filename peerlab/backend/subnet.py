"""Plans the addresses of a lab: a small subnet of its own, apart from all others."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import Final

POOL: Final = IPv4Network("10.201.0.0/16")
"""Where labs get their subnets. The engine's own default pools hold only about 31 networks."""

SMALLEST: Final = 28
"""Prefix length of a lab of up to 13 nodes; 4096 such labs fit into the pool."""

_RESERVED: Final = 3  # the network's own address, the gateway, the broadcast address


def prefix_length(nodes: int) -> int:
    """The longest prefix whose subnet holds so many nodes."""
    return min(SMALLEST, 32 - (nodes + _RESERVED - 1).bit_length())


def free_subnets(nodes: int, taken: Iterable[IPv4Network], random: Random) -> list[IPv4Network]:
    """Subnets of the pool for so many nodes that overlap with none that is taken.

    In random order, so that two runners that choose at the same moment rarely meet.
    """
    avoid = [network for network in taken if network.overlaps(POOL)]
    length = prefix_length(nodes)
    if length < POOL.prefixlen:
        return []
    free = [
        subnet
        for subnet in POOL.subnets(new_prefix=length)
        if not any(subnet.overlaps(network) for network in avoid)
    ]
    random.shuffle(free)
    return free


def gateway(subnet: IPv4Network) -> IPv4Address:
    """The first address of the subnet: the engine's own end of the network."""
    return subnet.network_address + 1


def node_addresses(subnet: IPv4Network, nodes: int) -> list[IPv4Address]:
    """The addresses of the nodes, in the order of the scenario."""
    return [subnet.network_address + 2 + index for index in range(nodes)]
