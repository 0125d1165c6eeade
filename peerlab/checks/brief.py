"""How findings write what is long: texts are cut, times are in the unit that suits them."""

from typing import Final

_LONG: Final = 10.0
"""Seconds from which on milliseconds say too much."""


def cut(text: str, most: int) -> str:
    """The text, or its first characters and a sign that it goes on."""
    return text if len(text) <= most else text[:most] + "..."


def lasting(seconds: float) -> str:
    """How long something took."""
    return f"{seconds * 1000:.0f} ms" if seconds < _LONG else f"{seconds:.1f} s"
