"""Makes foreign text harmless where it is shown: what a program printed is hostile data.

A terminal obeys escape sequences. A CI system obeys the lines that it reads: GitHub takes a line
that begins with `::error` for a command, and `##[error]` anywhere in it (actions/runner,
src/Runner.Common/ActionCommand.cs); `##vso[` and `##teamcity[` are the same to others.
"""

import re
import unicodedata
from typing import Final

_HIDDEN: Final = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}
_KEPT: Final = {"\n", "\t", "\u200d"}  # the last one joins emoji

MARK: Final = re.compile(r"#(?=#\w*\[)")
"""The beginning of a command anywhere in a line, for those that have an escape of their own."""
_COMMAND: Final = re.compile(rf"^(?P<blanks>\s*):(?=:[A-Za-z])|{MARK.pattern}", re.MULTILINE)


def escape(text: str) -> str:
    """Show control, formatting and unassigned characters as escapes; keep line ends and tabs.

    Of what a CI system would take for a command, the first character is shown as an escape.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            repr(char)[1:-1]
            if unicodedata.category(char) in _HIDDEN and char not in _KEPT
            else char
            for char in text
        )
    return _COMMAND.sub(_harmless, text)


def escape_line(text: str) -> str:
    """The same for text that has to stay on one line."""
    return escape(text).replace("\n", "\\n").replace("\t", "\\t")


def _harmless(command: re.Match[str]) -> str:
    blanks = command["blanks"]
    return r"\x23" if blanks is None else rf"{blanks}\x3a"
