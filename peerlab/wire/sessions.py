"""How long a mapping of a NAT lives: as long as the youngest of its sessions."""

from peerlab.wire.ends import Endpoint
from peerlab.wire.packet import ACK, FIN, RST, SYN

TCP_ESTABLISHED, TCP_TRANSITORY = 7440.0, 240.0
"""Seconds without a segment after which a connection is forgotten (RFC 5382, REQ-5)."""

_SESSIONS = 1024
"""How many sessions of one mapping are remembered."""

_OPENED = SYN | ACK


class Session:
    """What an inside endpoint has with one outside endpoint."""

    __slots__ = ("_received", "_sent", "until")

    def __init__(self) -> None:
        self.until = 0.0
        """When it ends if nothing more is heard of it."""
        self._sent = self._received = 0

    def segment(self, flags: int, now: float, *, outbound: bool) -> None:
        """Take in a segment of TCP, from either end."""
        if self._closed and flags & _OPENED == SYN:
            self._sent = self._received = 0
        if outbound:
            self._sent |= flags
        else:
            self._received |= flags
        opened = self._sent & self._received & _OPENED == _OPENED
        idle = TCP_ESTABLISHED if opened and not self._closed else TCP_TRANSITORY
        self.until = now + idle

    @property
    def _closed(self) -> bool:
        return bool((self._sent | self._received) & RST or self._sent & self._received & FIN)


class Mapping:
    """An external port, and the endpoint inside that it stands for."""

    __slots__ = ("_sessions", "inside", "key", "port")

    def __init__(self, key: tuple[int, Endpoint, object], port: int) -> None:
        """Take the protocol, the endpoint inside, and for which endpoints outside it is."""
        self.key = key
        self.inside = key[1]
        self.port = port
        self._sessions: dict[Endpoint, Session] = {}

    def session(self, remote: Endpoint, now: float) -> Session:
        """The session with an outside endpoint, a new one if there is none that lives."""
        session = self._sessions.pop(remote, None)
        if session is None or session.until <= now:
            session = Session()
            if len(self._sessions) >= _SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        self._sessions[remote] = session
        return session

    def lives(self, now: float) -> bool:
        """Whether any session does; that used last is asked first."""
        return any(session.until > now for session in reversed(self._sessions.values()))

    def knows(self, remote: Endpoint, now: float) -> bool:
        """Whether there is a session with an outside endpoint."""
        session = self._sessions.get(remote)
        return session is not None and session.until > now

    def knows_address(self, address: bytes, now: float) -> bool:
        """Whether there is a session with any port of an outside address."""
        return any(
            remote[0] == address and session.until > now
            for remote, session in self._sessions.items()
        )
