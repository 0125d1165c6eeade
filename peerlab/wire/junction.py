"""Makes a router as the runner describes it, and says where it is connected."""

from collections.abc import Mapping
from random import Random

from peerlab.wire.nat import Nat
from peerlab.wire.packet import packed
from peerlab.wire.ports import Junction
from peerlab.wire.router import OUTSIDE, Interface, Route, Router

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAC_PREFIX = b"\x02\x42"


def mac_of(address: str) -> bytes:
    """The hardware address of whoever has an IPv4 address: as container engines derive it."""
    return _MAC_PREFIX + packed(address)


def junction(
    described: "Mapping[str, Any]", seed: int, macs: Mapping[str, bytes] | None = None
) -> Junction:
    """A router of that name, with those interfaces, routes and NAT; chance starts at the seed.

    An interface is the number of its segment, its address and the length of the prefix; a route is
    a network, the length of its prefix and a gateway. `macs` has the hardware addresses where they
    are not as `mac_of` gives them.
    """
    name: str = described["name"]
    places = [
        (segment, mac_of(ip) if macs is None else macs[ip], packed(ip))
        for segment, ip, _ in described["interfaces"]
    ]
    interfaces = [
        Interface(mac, ip, prefix)
        for (_, mac, ip), (_, _, prefix) in zip(places, described["interfaces"], strict=True)
    ]
    links = [Route(one.address, one.prefix, number) for number, one in enumerate(interfaces)]
    routes = []
    for network, prefix, gateway in described["routes"]:
        via = packed(gateway)
        leaves_by = next(link.interface for link in links if link.leads_to(via))
        routes.append(Route(packed(network), prefix, leaves_by, via))
    nat = described["nat"]
    made = None
    if nat is not None:
        # Seeding with text is the same in every version of Python.
        chance = Random(f"{seed} {name}")  # noqa: S311 - repeatable
        outside = interfaces[OUTSIDE].address
        made = Nat(nat["mapping"], nat["filtering"], nat["timeout"], outside, chance)
    return Junction(name, Router(interfaces, routes, made), places)
