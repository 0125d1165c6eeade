"""To which ports of the switch a frame goes."""

from collections.abc import Iterable, Sequence

from peerlab.wire.packet import ARP_TYPE, IPV4_TYPE, arp_target

_NOWHERE: tuple[int, ...] = ()
_GROUP_BIT = 1
_IPV4 = IPV4_TYPE.to_bytes(2)
_ARP = ARP_TYPE.to_bytes(2)


class Switch:
    """A switch that knows from the start who is where, and never learns.

    A frame never goes back to where it came from.
    """

    def __init__(
        self, ports: Iterable[tuple[int, bytes, bytes]], uplink: int | None = None
    ) -> None:
        """Know who is connected.

        Args:
            ports: the number, the hardware address (6 bytes) and the IPv4 address of each port.
            uplink: the number of the port that leads to everybody else, if there is one.

        Raises:
            ValueError: an address is given twice.
        """
        self._by_mac: dict[bytes, tuple[int, ...]] = {}
        self._by_address: dict[bytes, tuple[int, ...]] = {}
        self._elsewhere: tuple[int, ...] = () if uplink is None else (uplink,)
        for port, mac, address in ports:
            if mac in self._by_mac or address in self._by_address:
                raise ValueError(f"port {port} has an address that another port has already")
            self._by_mac[mac] = self._by_address[address] = (port,)
        self._all = [*(port for (port,) in self._by_mac.values()), *self._elsewhere]

    def targets(self, frame: bytes, arrival: int) -> Sequence[int]:
        """The ports that get a frame which came in at a port.

        A frame to one address goes to its owner, whoever sent it. Broadcast and multicast IPv4
        goes to all others, and an ARP message to all only to the owner of the address that it
        asks for: a flood would cost the square of the number of nodes. All else goes nowhere.
        """
        found = self._by_mac.get(frame[:6])
        if found is None:
            found = self._elsewhere
            if frame and frame[0] & _GROUP_BIT:
                kind = frame[12:14]
                if kind == _IPV4:
                    return [port for port in self._all if port != arrival]
                asked = arp_target(frame) if kind == _ARP else None
                found = _NOWHERE if asked is None else self._by_address.get(asked, found)
            elif not frame:
                return _NOWHERE
        return _NOWHERE if found == (arrival,) else found
