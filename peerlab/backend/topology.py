"""Plans a lab's network: who has which address on which segment, and which way packets take.

Routes are as short as they can be. Behind a NAT nobody can be reached from outside by address, so
no route leads there.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Final

from peerlab.backend.subnet import node_addresses, prefix_length
from peerlab.scenario.model import Nat, Network

_DEFAULT: Final = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True)
class Route:
    """Where packets for a network go: to the router at `gateway`, on one's own segment."""

    network: IPv4Network
    gateway: IPv4Address


@dataclass(frozen=True, slots=True)
class Interface:
    """An address on a segment."""

    segment: str
    ip: IPv4Address
    prefix: int


@dataclass(frozen=True, slots=True)
class Station:
    """A node's place in the network, or a router's: a node has one interface."""

    name: str
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]
    nat: Nat | None = None

    @property
    def interface(self) -> Interface:
        """The first interface: of a NAT, the inside."""
        return self.interfaces[0]


@dataclass(frozen=True, slots=True)
class Topology:
    """A lab's network with all of its addresses."""

    subnets: Mapping[str, IPv4Network]
    nodes: Mapping[str, Station]
    routers: Mapping[str, Station]

    @property
    def names(self) -> dict[str, str]:
        """Whose an address is."""
        return {
            str(interface.ip): station.name
            for station in (*self.nodes.values(), *self.routers.values())
            for interface in station.interfaces
        }

    @property
    def hosts(self) -> list[tuple[str, str]]:
        """Every node's address and name, and every router's outermost, for /etc/hosts."""
        return [
            (str(station.interfaces[-1].ip), station.name)
            for station in (*self.nodes.values(), *self.routers.values())
        ]

    def neighbours(self) -> Iterator[tuple[Interface, list[IPv4Address]]]:
        """Each node's interface, and all addresses on its segment."""
        on_segment: dict[str, list[IPv4Address]] = {}
        for station in (*self.nodes.values(), *self.routers.values()):
            for interface in station.interfaces:
                on_segment.setdefault(interface.segment, []).append(interface.ip)
        for node in self.nodes.values():
            yield node.interface, on_segment[node.interface.segment]

    def as_message(self) -> dict[str, Any]:
        """The network as those processes are told of it that make it."""
        numbers = {segment: number for number, segment in enumerate(self.subnets)}
        return {
            "nodes": [
                {
                    "name": node.name,
                    "address": str(node.interface.ip),
                    "prefix": node.interface.prefix,
                    "segment": numbers[node.interface.segment],
                    "routes": [_route(route) for route in node.routes],
                }
                for node in self.nodes.values()
            ],
            "routers": [_router(router, numbers) for router in self.routers.values()],
            "hosts": self.hosts,
        }


def _route(route: Route) -> tuple[str, int, str]:
    return str(route.network.network_address), route.network.prefixlen, str(route.gateway)


def _router(router: Station, numbers: Mapping[str, int]) -> dict[str, Any]:
    nat = router.nat
    return {
        "name": router.name,
        "interfaces": [
            [numbers[interface.segment], str(interface.ip), interface.prefix]
            for interface in router.interfaces
        ],
        "routes": [_route(route) for route in router.routes],
        "nat": None
        if nat is None
        else {"mapping": nat.mapping, "filtering": nat.filtering, "timeout": nat.timeout},
    }


def stations_on(network: Network, segment: str) -> list[str]:
    """The nodes on a segment, then the routers, in the order of their addresses."""
    routers = [router.name for router in network.routers.values() if segment in router.segments]
    return [*network.segments[segment], *routers]


def common_prefix(network: Network) -> int:
    """The longest prefix whose subnet holds the largest segment."""
    return prefix_length(max(len(stations_on(network, name)) for name in network.segments))


def plan(network: Network, subnets: Sequence[IPv4Network]) -> Topology:
    """Give every node and router its addresses and routes.

    Args:
        network: the segments and routers of a scenario.
        subnets: one for each segment, in their order, large enough.
    """
    chosen = dict(zip(network.segments, subnets, strict=True))
    interfaces = {
        (name, segment): Interface(segment, address, chosen[segment].prefixlen)
        for segment in network.segments
        for name, address in zip(
            stations_on(network, segment),
            node_addresses(chosen[segment], len(stations_on(network, segment))),
            strict=True,
        )
    }
    ways = _Ways(network, chosen, interfaces)
    nodes = {
        name: Station(name, (interfaces[name, segment],), tuple(ways.routes(name, (segment,))))
        for segment, names in network.segments.items()
        for name in names
    }
    routers = {
        router.name: Station(
            router.name,
            tuple(interfaces[router.name, segment] for segment in router.segments),
            tuple(ways.routes(router.name, router.segments)),
            router.nat,
        )
        for router in network.routers.values()
    }
    return Topology(chosen, nodes, routers)


class _Ways:
    """Finds the ways through a network."""

    def __init__(
        self,
        network: Network,
        subnets: Mapping[str, IPv4Network],
        interfaces: Mapping[tuple[str, str], Interface],
    ) -> None:
        self._routers = network.routers
        self._subnets = subnets
        self._interfaces = interfaces

    def routes(self, name: str, segments: Sequence[str]) -> Iterator[Route]:
        """The routes of a station on some segments; the default route first."""
        default = self._default(name, segments)
        if default is not None:
            yield Route(_DEFAULT, default)
        for segment, gateway in self._first_hops(name, segments):
            if gateway != default:
                yield Route(self._subnets[segment], gateway)

    def _default(self, name: str, segments: Sequence[str]) -> IPv4Address | None:
        """The router for all that is unknown: one that leads out, else the first there is."""
        # The outside of a NAT is its last segment: there its own way out begins.
        around = [
            (router.nat is not None and router.segments[0] == segment, router.name, segment)
            for segment in reversed(segments)
            for router in self._routers.values()
            if segment in router.segments and router.name != name
        ]
        if name in self._routers:
            around = [found for found in around if found[0]]
        if not around:
            return None
        _, router, segment = max(around, key=lambda found: found[0])
        return self._interfaces[router, segment].ip

    def _first_hops(self, name: str, segments: Sequence[str]) -> Iterator[tuple[str, IPv4Address]]:
        """Every other segment that can be reached, and the first router on the way."""
        reached = set(segments)
        waiting: deque[tuple[str, IPv4Address | None]] = deque((own, None) for own in segments)
        while waiting:
            segment, first = waiting.popleft()
            for router in self._routers.values():
                if segment not in router.segments or router.name == name:
                    continue
                gateway = first or self._interfaces[router.name, segment].ip
                if router.nat is not None and segment != router.segments[0]:
                    continue
                for beyond in router.segments:
                    if beyond not in reached:
                        reached.add(beyond)
                        yield beyond, gateway
                        waiting.append((beyond, gateway))
