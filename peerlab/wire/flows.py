"""What nodes said to each other: a record of every datagram and of every TCP connection.

Payload of TCP is counted and never recorded: people type passwords into it.
"""

from collections.abc import Iterator

from peerlab.wire.packet import ACK, FIN, RST, SYN, Datagram, Segment, dotted

Record = dict[str, object]
"""What the wire tells the runner, ready for JSON; `record` says of what it is."""

TEXT_BYTES = 512
"""How much of a datagram's payload its record shows."""

_Key = tuple[bytes, int, bytes, int]
_SEQUENCES = 1 << 32
# The largest window that RFC 7323 allows: a sequence number farther ahead is no progress.
_LARGEST_WINDOW = 1 << 30


def datagram_record(
    datagram: Datagram, at: float, origin: str | None, target: str | None, about: Record
) -> Record:
    """The record of a datagram that came from one node for another; None: for none, or many.

    `about` says what became of it: its `fate`, and what else is known.
    """
    return {
        "record": "datagram",
        "at": at,
        "from": origin,
        "to": target,
        "source": _endpoint(datagram.source, datagram.source_port),
        "destination": _endpoint(datagram.destination, datagram.destination_port),
        "size": datagram.size,
        "text": datagram.payload[:TEXT_BYTES].decode(errors="backslashreplace"),
        **about,
    }


class Connections:
    """Follows TCP connections (RFC 9293) by what passes between their two ends.

    Each gives a record when it is `opened` (the handshake is complete), `refused` (a reset
    answers the request), `reset` or `closed` (both ends have finished), and when the run ends
    before that: `unanswered`, or `open`.
    """

    def __init__(self, limit: int = 10_000) -> None:
        """Follow at most so many at once.

        Where there are more, the oldest of those not yet opened is forgotten, so that a flood
        of requests costs no real connection its record; without any such, the oldest of all.
        """
        self._limit = limit
        self._known: dict[_Key, _Connection] = {}
        self._opening: dict[_Key, None] = {}
        self.forgotten = 0
        """How many connections were no longer followed because there were too many."""

    def seen(self, segment: Segment, at: float, origin: str, target: str | None) -> list[Record]:
        """Take in a segment from one node for another; `at` in seconds."""
        source = segment.source, segment.source_port
        destination = segment.destination, segment.destination_port
        key = source + destination
        if segment.flags & (SYN | ACK | RST) == SYN:
            return self._requested(key, segment, at, _Connection(segment, origin, target))
        connection = self._known.get(key)
        from_opener = connection is not None
        if connection is None:
            key = destination + source
            connection = self._known.get(key)
            if connection is None:
                return []
        if segment.flags & RST:
            self._forget(key)
            refused = not (connection.answered or from_opener)
            return [connection.record(at, "refused" if refused else "reset")]
        return self._followed(key, connection, segment, at, from_opener=from_opener)

    def finish(self, at: float) -> Iterator[Record]:
        """The records of all that are neither refused nor over when the run ends."""
        for key, connection in self._known.items():
            yield connection.record(at, "unanswered" if key in self._opening else "open")

    def _requested(
        self, key: _Key, segment: Segment, at: float, connection: "_Connection"
    ) -> list[Record]:
        records = []
        before = self._known.get(key)
        if before is not None:
            if before.requested_at == segment.sequence:
                return []
            state = "unanswered" if key in self._opening else "reset"
            records.append(before.record(at, state))
            self._forget(key)
        elif len(self._known) >= self._limit:
            self._forget(next(iter(self._opening or self._known)))
            self.forgotten += 1
        self._known[key] = connection
        self._opening[key] = None
        return records

    def _followed(
        self,
        key: _Key,
        connection: "_Connection",
        segment: Segment,
        at: float,
        *,
        from_opener: bool,
    ) -> list[Record]:
        if segment.flags & SYN:
            if not from_opener and not connection.answered:
                connection.answered = True
                connection.received.next = segment.sequence + 1
            return []
        if not connection.answered:
            return []
        records = []
        (connection.sent if from_opener else connection.received).take(segment)
        if from_opener and segment.flags & ACK and key in self._opening:
            del self._opening[key]
            records.append(connection.record(at, "opened"))
        if connection.sent.finished and connection.received.finished:
            self._forget(key)
            records.append(connection.record(at, "closed"))
        return records

    def _forget(self, key: _Key) -> None:
        del self._known[key]
        self._opening.pop(key, None)


class _Direction:
    """How far one end of a connection has come."""

    __slots__ = ("count", "finished", "next")

    def __init__(self, first: int) -> None:
        self.count = 0
        self.next = first
        self.finished = False

    def take(self, segment: Segment) -> None:
        """Count what is new; what is sent again lies behind and what is missing comes again."""
        reached = segment.sequence + segment.end - segment.start
        ahead = (reached - self.next) % _SEQUENCES
        if 0 < ahead <= _LARGEST_WINDOW:
            self.count += ahead
            self.next = reached
        if segment.flags & FIN and not self.finished:
            self.finished = True
            self.next += 1  # the end counts in sequence numbers, and is no payload


class _Connection:
    """One connection, from its request on."""

    __slots__ = ("_ends", "_nodes", "answered", "received", "requested_at", "sent")

    def __init__(self, request: Segment, origin: str, target: str | None) -> None:
        self._nodes = (origin, target)
        self._ends = (
            _endpoint(request.source, request.source_port),
            _endpoint(request.destination, request.destination_port),
        )
        self.requested_at = request.sequence
        self.answered = False
        self.sent = _Direction(request.sequence + 1)
        self.received = _Direction(0)

    def record(self, at: float, state: str) -> Record:
        """What there is to tell of the connection now."""
        origin, target = self._nodes
        source, destination = self._ends
        return {
            "record": "connection",
            "at": at,
            "from": origin,
            "to": target,
            "source": source,
            "destination": destination,
            "state": state,
            "sent": self.sent.count,
            "received": self.received.count,
        }


def _endpoint(address: bytes, port: int) -> str:
    return f"{dotted(address)}:{port}"
