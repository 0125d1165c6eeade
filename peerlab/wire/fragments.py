"""Where the fragments of a packet go, of which only the first says it (RFC 4787, section 11)."""

from peerlab.wire.packet import Packet

HOLD = 30.0
"""Seconds that a packet is remembered, or that fragments wait for its first."""

_PACKETS = 256
"""Of how many packets something is remembered."""

_FRAGMENTS = 64
"""How many fragments of one packet may wait: the largest packet has 45 on Ethernet."""

_Key = tuple[bytes, bytes, int, int]


class Fragments:
    """Lets later fragments follow the first, and holds those that overtook it (REQ-14)."""

    def __init__(self) -> None:
        self._known: dict[_Key, _Whole] = {}

    def first(self, packet: Packet, address: bytes | None, now: float) -> list[bytes]:
        """Keep the address decided for a packet, None for none; gives the frames that waited."""
        waited = self._whole(packet, now).early
        whole = self._new(packet, now)
        whole.decided = True
        whole.address = address
        return waited

    def later(self, packet: Packet, now: float) -> tuple[bool, bytes | None]:
        """Whether it is decided where a fragment goes, and the address; if not, it waits."""
        whole = self._whole(packet, now)
        if not whole.decided and len(whole.early) < _FRAGMENTS:
            whole.early.append(packet.frame)
        return whole.decided, whole.address

    def _whole(self, packet: Packet, now: float) -> "_Whole":
        known = self._known.get(_key(packet))
        return known if known is not None and known.until > now else self._new(packet, now)

    def _new(self, packet: Packet, now: float) -> "_Whole":
        key = _key(packet)
        self._known.pop(key, None)
        if len(self._known) >= _PACKETS:
            del self._known[next(iter(self._known))]
        whole = self._known[key] = _Whole(now + HOLD)
        return whole


class _Whole:
    """What is known of a packet that comes in fragments."""

    __slots__ = ("address", "decided", "early", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.decided = False
        self.address: bytes | None = None
        self.early: list[bytes] = []


def _key(packet: Packet) -> _Key:
    """What fragments of one packet have in common (RFC 791)."""
    return packet.source, packet.destination, packet.protocol, packet.identification
