"""Looks for patterns in output, which is hostile.

With some patterns the work grows with the square of what is looked at, and there may be a megabyte.
"""

import re
from collections.abc import Iterator
from typing import Final

from peerlab.scenario.values import MAX_LINE

REACH: Final = MAX_LINE // 2
"""Characters of the longest match that is found for certain."""


def find_all(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What `pattern.finditer` finds, but looking at no more than `MAX_LINE` characters at a time.

    What is longer than `REACH` may not be found, or be found in several pieces.
    """
    place = 0
    while place <= len(text):
        end = place + MAX_LINE
        match = pattern.search(text, place, end)
        if match is None:
            if end >= len(text):
                return
            place += REACH
        elif match.start() - place > REACH and end < len(text):
            place = match.start()  # its end may be beyond what was looked at
        else:
            yield match
            place = max(match.end(), match.start() + 1)


def find_first(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The first that `find_all` finds."""
    return next(find_all(pattern, text), None)
