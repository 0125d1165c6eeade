"""WAV files as bytes: any usual one becomes 8 kHz mono, and what is heard is written as that.

The opening and reading of files is elsewhere.
"""

import struct
import sys
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from services.media.orders import MAX_SECONDS, SoundError
from services.media.pcmu import RATE

MAX_FILE = 16 * 1024 * 1024
"""Bytes of a file that is played: a minute in the best usual quality, and more."""
HEADER_SIZE = 44

_PCM, _EXTENSIBLE = 1, 0xFFFE
_LOWEST_RATE, _HIGHEST_RATE = 1000, 192_000
_FORMAT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")
_EIGHT, _SIXTEEN = 8, 16


class _Format(NamedTuple):
    channels: int
    rate: int
    bits: int


def read_wav(data: bytes) -> "array[int]":
    """Return the sound of a WAV file: sixteen-bit samples, 8000 per second.

    Two channels become their mean. A higher rate becomes lower by the mean of the samples that fall
    into one, a lower one higher by straight lines between them.

    Raises:
        SoundError: it is no WAV file, or one of a kind that is not played.
    """
    if len(data) > MAX_FILE:
        raise SoundError(f"it is larger than {MAX_FILE // 1024**2} MiB")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise SoundError("it is no WAV file: it does not begin with RIFF and WAVE")
    form: _Format | None = None
    at = 12
    while at + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack_from(data, at)
        start, at = at + _CHUNK.size, at + _CHUNK.size + size + size % 2
        if name == b"fmt ":
            form = _read_format(data[start : start + size])
        elif name == b"data":
            if form is None:
                raise SoundError("its sound comes before its format")
            if start + size > len(data):
                raise SoundError(
                    f"it is cut off: {size} bytes of sound are announced, "
                    f"{len(data) - start} are there"
                )
            return _read_sound(data[start : start + size], form)
    raise SoundError("there is no sound in it: it has no data chunk")


def wav_header(samples: int) -> bytes:
    """Return what stands before so many sixteen-bit samples at 8 kHz, mono."""
    size = 2 * samples
    return (
        _CHUNK.pack(b"RIFF", HEADER_SIZE - _CHUNK.size + size)
        + b"WAVE"
        + _CHUNK.pack(b"fmt ", _FORMAT.size)
        + _FORMAT.pack(_PCM, 1, RATE, 2 * RATE, 2, _SIXTEEN)
        + _CHUNK.pack(b"data", size)
    )


def wav_samples(samples: "array[int]") -> bytes:
    """Return samples as they stand in a WAV file."""
    return _little_endian(samples).tobytes()


def _read_format(chunk: bytes) -> _Format:
    if len(chunk) < _FORMAT.size:
        raise SoundError("its format is cut off")
    code, channels, rate, _, _, bits = _FORMAT.unpack_from(chunk)
    if code == _EXTENSIBLE:
        # What it is says the beginning of an identifier after four more fields.
        code = int.from_bytes(chunk[24:26], "little")
    if code != _PCM:
        raise SoundError(f"its sound is coded (format {code}): only plain PCM is played")
    if channels not in {1, 2}:
        raise SoundError(f"it has {channels} channels: only one or two are played")
    if bits not in {_EIGHT, _SIXTEEN}:
        raise SoundError(f"its samples have {bits} bits: only 8 or 16 are played")
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise SoundError(
            f"it has {rate} samples per second: only {_LOWEST_RATE} to {_HIGHEST_RATE} are played"
        )
    return _Format(channels, rate, bits)


def _read_sound(data: bytes, form: _Format) -> "array[int]":
    size = form.channels * form.bits // 8
    count = len(data) // size
    if not count:
        raise SoundError("there is no sound in it: its data chunk is empty")
    if count > MAX_SECONDS * form.rate:
        raise SoundError(f"it is longer than {MAX_SECONDS} s")
    if form.bits == _EIGHT:
        samples = array("h", [(octet - 128) * 256 for octet in data[: count * size]])
    else:
        samples = _little_endian(array("h", data[: count * size]))
    if form.channels > 1:
        pairs = zip(samples[::2], samples[1::2], strict=True)
        samples = array("h", [(left + right) // 2 for left, right in pairs])
    return _resample(samples, form.rate)


def _resample(samples: "array[int]", rate: int) -> "array[int]":
    count = max(1, len(samples) * RATE // rate)
    take = _mean if rate > RATE else _between
    return array("h", [take(samples, at * rate, (at + 1) * rate) for at in range(count)])


def _mean(samples: Sequence[int], start: int, end: int) -> int:
    """Return the mean of what lies from `start` to `end`, which are in 1/8000 samples."""
    span = samples[start // RATE : max(start // RATE + 1, end // RATE)]
    return sum(span) // len(span)


def _between(samples: Sequence[int], start: int, _end: int) -> int:
    """Return what is at `start`, which is in 1/8000 samples."""
    before, part = divmod(start, RATE)
    after = min(before + 1, len(samples) - 1)
    return samples[before] + (samples[after] - samples[before]) * part // RATE


def _little_endian(samples: "array[int]") -> "array[int]":
    if sys.byteorder == "little":
        return samples
    swapped = samples[:]
    swapped.byteswap()
    return swapped
