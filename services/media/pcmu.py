"""G.711 mu-law: sixteen-bit samples as one octet each, finer where the sound is quiet."""

from array import array
from collections.abc import Iterable

RATE = 8000
"""Samples per second."""

_BIAS = 132
"""Added to every magnitude, so that its segment is told by its highest bit alone."""
_HIGHEST = 32635
"""The largest magnitude that still fits into fifteen bits with the bias."""


def encode(samples: Iterable[int]) -> bytes:
    """Return an octet for each sample of -32768 to 32767."""
    return bytes(_octet(sample) for sample in samples)


def decode(octets: bytes) -> "array[int]":
    """Return a sample of -32124 to 32124 for each octet."""
    return array("h", [_SAMPLES[octet] for octet in octets])


def _octet(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), _HIGHEST) + _BIAS
    segment = biased.bit_length() - 8
    step = biased >> (segment + 3) & 0x0F
    return ~(sign | segment << 4 | step) & 0xFF


def _sample(octet: int) -> int:
    bits = ~octet & 0xFF
    segment, step = bits >> 4 & 0x07, bits & 0x0F
    magnitude = ((step << 3) + _BIAS << segment) - _BIAS
    return -magnitude if bits & 0x80 else magnitude


_SAMPLES = [_sample(octet) for octet in range(256)]
