"""Who has which hardware address on one link (RFC 826), and packets that wait for the answer."""

from collections import deque
from struct import Struct

from peerlab.wire.packet import ARP_TYPE, IPV4_TYPE

BROADCAST = b"\xff" * 6
"""The hardware address of all."""

ASK_AGAIN = 1.0
"""Seconds from one question for an address to the next (RFC 1122, section 2.3.2.1)."""

WAITS_FOR = 3.0
"""Seconds after which a packet waits in vain: as long as a system asks before it gives up."""

WAITING_PACKETS = 16
"""How many packets wait for one neighbour; of more the newest stay."""

_WAITING_NEIGHBOURS = 256
_KNOWN_NEIGHBOURS = 4096
# After the addresses of the frame: its type, kinds and lengths of addresses, the operation, and
# hardware and IPv4 addresses of sender and target.
_ARP = Struct("!HHHBBH6s4s6s4s")
_KINDS = [ARP_TYPE, 1, IPV4_TYPE, 6, 4]
_REQUEST, _REPLY = 1, 2
_TYPE_AT = 12
_GROUP_BIT = 1


class Neighbours:
    """The neighbours of one interface: asked for, learnt, and sent to."""

    def __init__(self, mac: bytes, address: bytes) -> None:
        self._mac = mac
        self._address = address
        self._known: dict[bytes, bytes] = {}
        self._waiting: dict[bytes, _Waiting] = {}

    def send(self, neighbour: bytes, frame: bytes, now: float) -> list[bytes]:
        """What to send so that a packet reaches a neighbour, now or after the answer to this."""
        mac = self._known.get(neighbour)
        if mac is not None:
            return [mac + self._mac + frame[_TYPE_AT:]]
        waiting = self._waiting.get(neighbour)
        if waiting is None:
            if len(self._waiting) >= _WAITING_NEIGHBOURS:
                del self._waiting[next(iter(self._waiting))]
            waiting = self._waiting[neighbour] = _Waiting()
        waiting.frames.append((now, frame))
        if waiting.asked is not None and now - waiting.asked < ASK_AGAIN:
            return []
        waiting.asked = now
        return [self._message(_REQUEST, BROADCAST, bytes(6), neighbour)]

    def take(self, frame: bytes, now: float) -> list[bytes] | None:
        """What follows from an ARP message; None where it is none that concerns this interface."""
        if len(frame) < _TYPE_AT + _ARP.size:
            return None
        *kinds, operation, mac, sender, _, target = _ARP.unpack_from(frame, _TYPE_AT)
        if kinds != _KINDS or operation not in (_REQUEST, _REPLY) or mac[0] & _GROUP_BIT:
            return None
        concerned = target == self._address
        # One who is known already may move without a word to this interface.
        if not concerned and sender not in self._known:
            return None
        answers = self._learn(sender, mac, now)
        if concerned and operation == _REQUEST:
            answers.append(self._message(_REPLY, mac, mac, sender))
        return answers

    def _learn(self, sender: bytes, mac: bytes, now: float) -> list[bytes]:
        """Keep where a neighbour is, and send what waited for it, if not for too long."""
        self._known[sender] = mac
        if len(self._known) > _KNOWN_NEIGHBOURS:
            del self._known[next(iter(self._known))]
        waiting = self._waiting.pop(sender, None)
        if waiting is None:
            return []
        return [
            mac + self._mac + frame[_TYPE_AT:]
            for since, frame in waiting.frames
            if now - since <= WAITS_FOR
        ]

    def _message(self, operation: int, to: bytes, mac: bytes, address: bytes) -> bytes:
        own = self._mac, self._address
        return to + self._mac + _ARP.pack(*_KINDS, operation, *own, mac, address)


class _Waiting:
    """Packets for a neighbour that is asked for."""

    __slots__ = ("asked", "frames")

    def __init__(self) -> None:
        self.asked: float | None = None
        self.frames: deque[tuple[float, bytes]] = deque(maxlen=WAITING_PACKETS)
