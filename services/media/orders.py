"""What a person types instead of a message to be heard: `/play FILE`, `/play tone 3s`, `/call 10`.

No I/O; the file is read elsewhere.
"""

import re
from typing import NamedTuple

MAX_SECONDS = 60
"""How long a sound may be."""

_PLAY, _CALL = "/play", "/call"
_SECONDS = r"(?P<seconds>[0-9]{1,4}(?:\.[0-9]{1,3})?)\s*s?"


class SoundError(Exception):
    """Raised for sound that cannot be played; says what is wrong, for people."""


class PlayFile(NamedTuple):
    """Send the sound of a WAV file."""

    path: str


class PlayTone(NamedTuple):
    """Send a tone that lasts so many seconds."""

    seconds: float


class Call(NamedTuple):
    """Send a tone that lasts so many seconds, and hear one from whoever is called."""

    seconds: float


Order = PlayFile | PlayTone | Call


def parse_order(text: str) -> Order | None:
    """Return what is to be heard, or None if the text is a message.

    Raises:
        SoundError: it begins like an order, and is none.
    """
    word, _, rest = text.strip().partition(" ")
    what = rest.strip()
    if word == _PLAY:
        if tone := re.fullmatch(rf"tone(?:\s+{_SECONDS})?", what):
            return PlayTone(_length(tone["seconds"] or "1"))
        if not what:
            raise SoundError("type /play and the path of a WAV file, or /play tone 3s")
        return PlayFile(what)
    if word == _CALL:
        if not (call := re.fullmatch(_SECONDS, what)):
            raise SoundError("type /call and how many seconds, as in /call 10")
        return Call(_length(call["seconds"]))
    return None


def _length(written: str) -> float:
    seconds = float(written)
    if not 0 < seconds <= MAX_SECONDS:
        raise SoundError(f"it can last up to {MAX_SECONDS} s, and more than 0 s")
    return seconds
