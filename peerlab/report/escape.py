"""Makes foreign text harmless on a terminal: what a program printed is hostile data."""

import unicodedata
from typing import Final

_HIDDEN: Final = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}
_KEPT: Final = {"\n", "\t", "\u200d"}  # the last one joins emoji


def escape(text: str) -> str:
    """Show control, formatting and unassigned characters as escapes; keep line ends and tabs."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        repr(char)[1:-1] if unicodedata.category(char) in _HIDDEN and char not in _KEPT else char
        for char in text
    )


def escape_line(text: str) -> str:
    """The same for text that has to stay on one line."""
    return escape(text).replace("\n", "\\n").replace("\t", "\\t")
