"""To which ports of the switch a frame goes."""

from collections.abc import Iterable, Sequence

from peerlab.wire.packet import ARP_TYPE, IPV4_TYPE, arp_target

_NOWHERE: tuple[int, ...] = ()
_GROUP_BIT = 1
_IPV4 = IPV4_TYPE.to_bytes(2)
_ARP = ARP_TYPE.to_bytes(2)


class Switch:
    """A switch that knows from the start who is where, and never learns.

    Ports are numbered in the order given. A frame never goes back to where it came from.
    """

    def __init__(self, ports: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the hardware address (6 bytes) and the IPv4 address (4 bytes) of each port.

        Raises:
            ValueError: an address is given twice.
        """
        self._by_mac: dict[bytes, tuple[int, ...]] = {}
        self._by_address: dict[bytes, tuple[int, ...]] = {}
        for port, (mac, address) in enumerate(ports):
            if mac in self._by_mac or address in self._by_address:
                raise ValueError(f"port {port} has an address that another port has already")
            self._by_mac[mac] = self._by_address[address] = (port,)

    def targets(self, frame: bytes, arrival: int) -> Sequence[int]:
        """The ports that get a frame which came in at a port.

        A frame to one address goes to its owner, whoever sent it. Broadcast and multicast IPv4
        goes to all others, and an ARP message to all only to the owner of the address that it
        asks for: a flood would cost the square of the number of nodes. All else goes nowhere.
        """
        found = self._by_mac.get(frame[:6])
        if found is None:
            if not frame or not frame[0] & _GROUP_BIT:
                return _NOWHERE
            kind = frame[12:14]
            if kind == _IPV4:
                return [port for port in range(len(self._by_mac)) if port != arrival]
            asked = arp_target(frame) if kind == _ARP else None
            found = _NOWHERE if asked is None else self._by_address.get(asked, _NOWHERE)
        return _NOWHERE if found == (arrival,) else found
