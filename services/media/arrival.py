"""When a datagram came: the system knows it better than a thread that was busy meanwhile."""

import contextlib
import socket
import struct
import time

from services.values import Address

_LARGEST_DATAGRAM = 65535
_SO_TIMESTAMPNS = 35
"""Of Linux; Python does not name it. The same number comes with the time itself."""
_TIMESPEC = struct.Struct("@ll")
_ROOM = socket.CMSG_SPACE(_TIMESPEC.size)


def note_arrivals(udp: socket.socket) -> None:
    """Ask the system to note when datagrams come, where it can."""
    with contextlib.suppress(OSError):
        udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(udp: socket.socket) -> tuple[bytes, Address, float]:
    """Return a datagram, where it is from, and how many seconds ago it came.

    Raises:
        OSError: there is none, or an earlier one's ICMP error is reported.
    """
    data, notes, _, source = udp.recvmsg(_LARGEST_DATAGRAM, _ROOM, socket.MSG_DONTWAIT)
    age = 0.0
    for level, kind, note in notes:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(note) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(note)
            # The clock may have been set meanwhile.
            age = max(0.0, time.time() - (seconds + nanoseconds / 1e9))
    return data, source, age
