"""Made-up messages between the nodes of a made-up lab."""

from typing import Any

from peerlab.evidence.journal import Event, Kind
from tests.support.journals import deployed

ADDRESSES = {"u1": "10.0.0.2", "u2": "10.0.0.3", "u3": "10.0.0.4", "u4": "10.0.0.5"}
NAT = "192.0.2.1"
"""An address of no node."""
LAB = [
    *(deployed(name, ip) for name, ip in ADDRESSES.items()),
    *(Event(0.5, Kind.STARTED, name) for name in ADDRESSES),
]


def sent(message: str | None, to: str, *, at: float = 1.0, text: str = "HEY") -> Event:
    """u1 says that it sent a message to a node, or to an address."""
    detail = {"id": message, "peer": ADDRESSES.get(to, to)}
    return Event(at, Kind.SENT, "u1", text, detail)


def received(
    message: str | None, by: str, *, at: float = 1.0, text: str = "HEY", peer: str = "10.0.0.2"
) -> Event:
    """A node says that it received a message from u1."""
    return Event(at, Kind.RECEIVED, by, text, {"id": message, "peer": peer})


def datagram(
    message: str,
    to: str,
    *,
    at: float = 1.0,
    fate: str = "delivered",
    payload: str | None = None,
    **more: Any,  # noqa: ANN401 - whatever the wire tells
) -> Event:
    """The wire tells of a datagram of u1 with the message in it, or with another payload."""
    carried = f'CHAT/1 {{"id":"{message}","text":"HEY"}}' if payload is None else payload
    address = ADDRESSES.get(to, to)
    detail = {
        "to": to if to in ADDRESSES else None,
        "source": f"{ADDRESSES['u1']}:5000",
        "destination": f"{address}:5000",
        "size": 50,
        "fate": fate,
        **more,
    }
    return Event(at, Kind.DATAGRAM, "u1", carried, detail)
