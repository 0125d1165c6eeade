"""Finds messages in what passed on the network: by their ids, and by their texts."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from sys import byteorder
from typing import Final, Generic, NamedTuple, TypeVar

from peerlab.scenario.hidden import forms_of

T = TypeVar("T")

SHORTEST: Final = 8
"""Characters of the shortest mark that says something by itself; a shorter one comes by chance."""

_TOLD: Final = 200
"""Characters of a long text that are looked for: the wire tells the beginning of a datagram."""

_WINDOW: Final = 8
"""Bytes of a mark by which it is found: those of the shortest, read as one number."""
_WORD: Final = re.compile(r"\w+")


class _Found(NamedTuple):
    """Where a mark is in a text."""

    start: int
    end: int
    mark: str


class Marks(Generic[T]):
    """Texts that are looked for all at once, each with what it stands for.

    A mark of `SHORTEST` characters is found wherever it stands, but a number not within a longer
    one. A shorter mark is found where no letter, digit or `_` more stands beside one of its own.
    Of marks that are parts of each other the longest that is there counts.
    """

    def __init__(self, marks: Mapping[str, T]) -> None:
        self._marks = marks
        self._long = _LongMarks([mark for mark in marks if len(mark) >= SHORTEST])
        self._short = _ShortMarks([mark for mark in marks if len(mark) < SHORTEST])

    def find(self, text: str) -> Iterator[tuple[int, T]]:
        """What the marks in a text stand for, and where each begins."""
        found = [*self._long.find(text), *self._short.find(text)]
        found.sort(key=lambda each: (each.start, -each.end))
        covered = 0
        for start, end, mark in found:
            if end > covered:
                covered = end
                yield start, self._marks[mark]


class _LongMark(NamedTuple):
    """A mark, and where in its bytes the window is by which it is found."""

    mark: str
    data: bytes
    offset: int


class _LongMarks:
    """Finds marks by their rarest window, so that many of them cost no more than a few."""

    def __init__(self, marks: Collection[str]) -> None:
        all_bytes = {mark: _bytes_of(mark) for mark in marks}
        often: Counter[int] = Counter()
        for data in all_bytes.values():
            often.update(_windows_of(data))
        self._places: dict[int, list[_LongMark]] = defaultdict(list)
        for mark, data in all_bytes.items():
            windows = _windows_of(data)
            counts = [often[window] for window in windows]
            offset = min(range(len(windows)), key=counts.__getitem__)
            self._places[windows[offset]].append(_LongMark(mark, data, offset))

    def find(self, text: str) -> Iterator[_Found]:
        data = _bytes_of(text)
        at = before = 0
        for start, mark in sorted(self._find(data)):
            at += len(data[before:start].decode("utf-8", "surrogatepass"))
            before = start
            yield _Found(at, at + len(mark), mark)

    def _find(self, data: bytes) -> Iterator[tuple[int, str]]:
        places = self._places
        whole = memoryview(data)
        for first in range(min(_WINDOW, len(data))):
            windows = whole[first : len(data) - (len(data) - first) % _WINDOW].cast("Q")
            if places.keys().isdisjoint(windows):
                continue
            for number, window in enumerate(windows):
                for mark, sought, offset in places.get(window, ()):
                    start = first + number * _WINDOW - offset
                    if start >= 0 and _is_at(sought, data, start):
                        yield start, mark


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _windows_of(data: bytes) -> list[int]:
    """All windows in their order, each as memory has it."""
    places = range(len(data) - _WINDOW + 1)
    return [int.from_bytes(data[place : place + _WINDOW], byteorder) for place in places]


def _is_at(mark: bytes, data: bytes, start: int) -> bool:
    if not data.startswith(mark, start):
        return False
    if not mark.isdigit():
        return True
    end = start + len(mark)
    return not (data[max(0, start - 1) : start].isdigit() or data[end : end + 1].isdigit())


class _ShortMark(NamedTuple):
    """A mark, and where in it the word is by which it is found."""

    mark: str
    offset: int


class _ShortMarks:
    """Finds marks by their rarest word; one without any word is never found."""

    def __init__(self, marks: Collection[str]) -> None:
        words: dict[str, list[str]] = {mark: _WORD.findall(mark) for mark in marks}
        often = Counter(word for found in words.values() for word in found)
        self._places: dict[str, list[_ShortMark]] = defaultdict(list)
        for mark, found in words.items():
            if found:
                rarest = min(found, key=often.__getitem__)
                starts = (word.start() for word in _WORD.finditer(mark) if word[0] == rarest)
                self._places[rarest].append(_ShortMark(mark, next(starts)))

    def find(self, text: str) -> Iterator[_Found]:
        places = self._places
        for word in _WORD.finditer(text) if places else ():
            for mark, offset in places.get(word[0], ()):
                start = word.start() - offset
                end = start + len(mark)
                if start >= 0 and text.startswith(mark, start) and _stands_alone(text, start, end):
                    yield _Found(start, end, mark)


def beginnings(text: str) -> frozenset[str]:
    """The beginning of a text, as programs may write it; nothing of one that is blank."""
    return frozenset(_beginning(form) for form in forms_of(text) if form.strip())


def _beginning(text: str) -> str:
    return text if len(text) <= _TOLD else text[:_TOLD].rsplit(None, 1)[0]


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no word goes on beyond either end."""
    return not any(
        0 < place < len(text) and _WORD.fullmatch(text, place - 1, place + 1)
        for place in (start, end)
    )
