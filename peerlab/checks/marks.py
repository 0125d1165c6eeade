"""Finds messages in what passed on the network: by their ids, and by their texts."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from peerlab.scenario.hidden import forms_of

T = TypeVar("T")

SHORTEST: Final = 8
"""Characters of the shortest mark that says something by itself; a shorter one comes by chance."""

_TOLD: Final = 200
"""Characters of a long text that are looked for: the wire tells the beginning of a datagram."""

_WORD: Final = re.compile(r"\w+")


class _Place(NamedTuple):
    """A mark, and where in it the word is by which it is found."""

    mark: str
    offset: int


class Marks(Generic[T]):
    """Texts that are looked for all at once, each with what it stands for.

    A mark is found by its rarest word, so that many of them cost no more than a few: that word must
    stand whole in the text. A mark without any word is never found.
    """

    def __init__(self, marks: Mapping[str, T]) -> None:
        self._marks = marks
        words: dict[str, list[str]] = {mark: words_of(mark) for mark in marks}
        often = Counter(word for found in words.values() for word in found)
        self._places: dict[str, list[_Place]] = defaultdict(list)
        for mark, found in words.items():
            if found:
                rarest = min(found, key=often.__getitem__)
                starts = (word.start() for word in _WORD.finditer(mark) if word[0] == rarest)
                self._places[rarest].append(_Place(mark, next(starts)))

    def find(self, text: str) -> Iterator[tuple[int, T]]:
        """What the marks in a text stand for, and where each begins."""
        places = self._places
        for word in _WORD.finditer(text):
            for place in places.get(word[0], ()):
                start = word.start() - place.offset
                if start >= 0 and text.startswith(place.mark, start):
                    yield start, self._marks[place.mark]


def words_of(text: str) -> list[str]:
    """The words in a text, by which marks are found."""
    return _WORD.findall(text)


def beginnings(text: str) -> frozenset[str]:
    """The beginning of a text, as programs may write it; nothing of one that is blank."""
    return frozenset(_beginning(form) for form in forms_of(text) if form.strip())


def _beginning(text: str) -> str:
    return text if len(text) <= _TOLD else text[:_TOLD].rsplit(None, 1)[0]
