"""Text on its way to a terminal: escaping what came from elsewhere, surviving a broken pipe."""

import contextlib
import io
import os
import re
import select
import socket
import time
import unicodedata
from collections.abc import Iterator
from typing import TextIO

WRITE_WITHIN = 10.0
"""Seconds after which output that nobody takes counts as broken."""
_TRY_AGAIN = 0.05
"""Seconds until the next try at a terminal that has room, but not for that."""
_SHORT = {"\n": "\\n", "\t": "\\t"}
_ZERO_WIDTH_JOINER = "\u200d"
_VARIATION_SELECTORS = "\ufe0e\ufe0f"
"""Text style and emoji style of the character before."""
_OTHER_SELECTORS = "[\u180b-\u180d\u180f\ufe00-\ufe0d\U000e0100-\U000e01ef]"
_STYLED_OTHERS = frozenset("0123456789#*\u00a9\u00ae\u203c\u2049\u3030")
"""Emoji in emoji style alone, such as the base of the keycap 1 U+FE0F U+20E3."""
_TAGGED_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
"""A flag of a country's part, such as Scotland's; tags anywhere else are a way to hide text."""
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""What Unicode calls default ignorable though its category is a letter or a mark."""


def escape(text: str) -> str:
    r"""Return the text with everything made visible that could steer a terminal or hide.

    Control characters (C0, DEL, C1), bidirectional controls, line and paragraph separators,
    zero-width characters and surrogates become `\n`, `\t`, `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
    Everything else stays, emoji with their joiners and variation selectors included. A backslash
    stays single, so that what people type stays readable: `\n` on the screen may have been typed
    as two characters (the trace line, which is JSON, tells them apart).
    """
    flags = {at for flag in re.finditer(_TAGGED_FLAG, text) for at in range(*flag.span())}
    return "".join(
        character if at in flags or _is_plain(text, at) else _escaped(character)
        for at, character in enumerate(text)
    )


def moment(seconds: float) -> str:
    """Return Unix seconds as people read them, in the local time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters of the text, saying how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text) - limit} more)"


def write_flushed(
    stream: TextIO, text: str, seconds: float = WRITE_WITHIN, stop: socket.socket | None = None
) -> bool:
    """Write and flush; return False if nobody can read the stream any more.

    So it is when nobody takes what is written in so many seconds, or before `stop` becomes
    readable. Its descriptor then leads nowhere, so that no later writing waits or fails once more.
    """
    try:
        _write(stream, text, seconds, stop)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True


def has_room(stream: TextIO, seconds: float, stop: socket.socket | None = None) -> bool:
    """Return whether the stream takes more in so many seconds, or before `stop` is readable.

    One that has no reader any more does: writing tells.
    """
    descriptor = _descriptor(stream)
    if descriptor is None:
        return True
    waiting = select.poll()
    waiting.register(descriptor, select.POLLOUT)
    if stop:
        waiting.register(stop, select.POLLIN)
    return descriptor in dict(waiting.poll(1000 * seconds))


def _write(stream: TextIO, text: str, seconds: float, stop: socket.socket | None) -> None:
    descriptor = _descriptor(stream)
    if descriptor is None:
        stream.write(text)
        stream.flush()
        return
    left = memoryview(text.encode(stream.encoding, stream.errors or "strict"))
    deadline = time.monotonic() + seconds
    with _without_blocking(descriptor) as own:
        while left:
            if not has_room(stream, max(0.0, deadline - time.monotonic()), stop):
                raise TimeoutError("nobody takes the output")
            try:
                # A pipe with room takes as much at once (pipe(7)).
                left = left[os.write(own, left[: select.PIPE_BUF]) :]
            except BlockingIOError:
                pause = min(_TRY_AGAIN, deadline - time.monotonic())
                if pause <= 0 or select.select([stop] if stop else [], [], [], pause)[0]:
                    raise TimeoutError("nobody takes the output") from None


@contextlib.contextmanager
def _without_blocking(descriptor: int) -> Iterator[int]:
    """Give a descriptor to write to that does not block, or not as long as there is room.

    The given one may be shared with other programs, so it stays as it is. That of a terminal, which
    can block though it has room, is opened once more, if that is allowed.
    """
    own = -1
    if os.isatty(descriptor):
        with contextlib.suppress(OSError):
            own = os.open(f"/dev/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        yield descriptor if own < 0 else own
    finally:
        if own >= 0:
            os.close(own)


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except io.UnsupportedOperation:
        # It is in memory.
        return None


def _is_plain(text: str, at: int) -> bool:
    character = text[at]
    if " " <= character <= "~":
        return True
    before = text[at - 1] if at else ""
    if character == _ZERO_WIDTH_JOINER:
        after = text[at + 1 : at + 2]
        return (_is_pictograph(before) or before == _VARIATION_SELECTORS[1]) and _is_pictograph(
            after
        )
    if character in _VARIATION_SELECTORS:
        return _can_be_styled(before)
    return (
        unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and character not in _INVISIBLE_LETTERS
        and not re.match(_OTHER_SELECTORS, character)
    )


def _is_pictograph(character: str) -> bool:
    # From the arrows on: emoji are symbols of these categories, skin tones included.
    return character >= "\u2190" and unicodedata.category(character) in {"So", "Sm", "Sk"}


def _can_be_styled(character: str) -> bool:
    return _is_pictograph(character) or character in _STYLED_OTHERS


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isascii():
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode()
