"""Lines cut out of a stream of bytes, as signalling and keyboard need them. No I/O."""

from services.values import ErrorName, ProtocolError

MAX_LINE = 4096
"""Bytes of one line, its newline included."""


class LineReader:
    """Cuts a stream of bytes into lines, however it was fragmented.

    Holds less than one line. A line over the limit is reported once, as soon as that is certain,
    and skipped up to its newline.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        """Start with nothing read; `limit` is in bytes, the newline included."""
        self._limit = limit
        self._rest = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[str | ProtocolError]:
        """Return the lines that `data` completes, without line end, and errors in their place."""
        found: list[str | ProtocolError] = []
        *complete, rest = data.split(b"\n")
        for piece in complete:
            self._add(piece, found)
            self._end_line(found)
        self._add(rest, found)
        return found

    def finish(self) -> list[str | ProtocolError]:
        """Return what the stream ended with if that had no newline."""
        return self.feed(b"\n") if self._rest else []

    def _add(self, piece: bytes, found: list[str | ProtocolError]) -> None:
        if self._skipping:
            return
        if len(self._rest) + len(piece) < self._limit:
            self._rest += piece
            return
        self._rest.clear()
        self._skipping = True
        found.append(line_too_long(self._limit))

    def _end_line(self, found: list[str | ProtocolError]) -> None:
        if not self._skipping:
            try:
                found.append(self._rest.decode().removesuffix("\r"))
            except UnicodeDecodeError:
                found.append(ProtocolError(ErrorName.NOT_UTF8, "a line must be UTF-8"))
        self._rest.clear()
        self._skipping = False


def line_too_long(limit: int) -> ProtocolError:
    """Return the error for a line that has more bytes than `limit`."""
    return ProtocolError(ErrorName.LINE_TOO_LONG, f"a line has at most {limit} bytes")
