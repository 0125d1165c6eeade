"""YAML text -> a tree in which everything keeps its position and scalars keep their text.

YAML decides the structure and nothing else: what `no`, `12:30` or `0x10` mean is up to the
language. Anchors, aliases, tags, merge keys, several documents and duplicate keys are refused.
"""

import stat
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import yaml
from yaml.reader import Reader as YamlReader

from peerlab.scenario.source import Diagnostic, Source, Span, quoted

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32

_FLOW: Final = ("[", "]", "{", "}", ",")
_HINTS: Final = {
    "\t": "indent with spaces, not with tabs",
    "\\": "in double quotes \\ begins an escape: use single quotes, or write it twice",
    ":": "text with a colon and a space in it needs quotes",
    **{start: f"text that begins with {start} needs quotes" for start in "@`%&*!|>"},
}
"""What helps, by the character that YAML did not expect."""

# The positions of libyaml are those of the pure loader (in characters); it is ten times faster.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A piece of text. `plain` if it is written without quotes and not as a block."""

    text: str
    span: Span
    plain: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list. `flow` if it is written in square brackets."""

    items: tuple["Tree", ...]
    span: Span
    flow: bool


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping; its keys are different texts. `flow` if it is written in braces."""

    pairs: tuple[tuple[Scalar, "Tree"], ...]
    span: Span
    flow: bool


@dataclass(frozen=True, slots=True)
class Hole:
    """Something refused already; whoever reads it stays silent."""

    span: Span


Tree = Scalar | Items | Entries | Hole


def read_tree(path: Path) -> tuple[Source, Tree | None, list[Diagnostic]]:
    """Read a YAML file.

    Returns:
        Its text, its tree, and what is wrong with it as YAML. Without a tree there is at least
        one problem; with a tree there can be some too, where something was refused.
    """
    data = _read_bytes(path)
    if isinstance(data, Diagnostic):
        return Source.of(path, ""), None, [data]
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "backslashreplace")
        source = Source.of(path, text)
        span = _point(source, len(data[: error.start].decode("utf-8")))
        message = f"got the byte 0x{data[error.start]:02x}, expected UTF-8 text"
        hint = "save the file with the encoding UTF-8"
        problem = Diagnostic("not-utf8", message, span, hint, source.line(span.line))
        return source, None, [problem]
    source = Source.of(path, text)
    refused = YamlReader.NON_PRINTABLE.search(source.text)
    if refused is not None:
        span = _point(source, refused.start())
        message = f"got the character {refused[0]!r}, expected printable text"
        hint = "leave it out, or write it as an escape in double quotes"
        problem = Diagnostic("control-character", message, span, hint, source.line(span.line))
        return source, None, [problem]
    builder = _Builder(source)
    return source, builder.build(), builder.problems


def _read_bytes(path: Path) -> bytes | Diagnostic:
    start = Span(path, 1, 1, 1, 1)
    try:
        # Not opened otherwise: opening a pipe would wait for its other end.
        if not stat.S_ISREG(path.stat().st_mode):
            return Diagnostic("unreadable-file", "this is not a regular file", start)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return Diagnostic("unreadable-file", f"cannot read the file: {reason}", start)
    if len(data) > MAX_BYTES:
        message = f"read {len(data)} bytes, expected no more than {MAX_BYTES}"
        return Diagnostic("file-too-large", message, start)
    return data


def _point(source: Source, index: int) -> Span:
    before = Source.of(source.path, source.text[:index]).lines
    line, column = len(before), len(before[-1]) + 1
    return Span(source.path, line, column, line, column + 1)


def is_nothing(tree: Tree) -> bool:
    """Whether nothing is written there, or one of YAML's words for nothing."""
    return isinstance(tree, Scalar) and tree.plain and tree.text in ("", "~", "null")


def spelled_out(tree: Tree) -> Tree:
    """A bare word as the mapping that it is short for: `word` is `{word: }`."""
    if not isinstance(tree, Scalar) or is_nothing(tree):
        return tree
    nothing = Scalar("", tree.span, plain=True)
    return Entries(((tree, nothing),), tree.span, flow=False)


def one_line(tree: Tree, source: Source, hidden: Collection[Span]) -> str:
    """`tree` as it could be written on one line; scalars at hidden places are not shown."""
    match tree:
        case Scalar():
            if tree.span in hidden:
                return "********"
            raw = source.raw(tree.span)
            return "" if is_nothing(tree) else repr(tree.text) if raw is None else raw.strip()
        case Items():
            return "[" + ", ".join(one_line(item, source, hidden) for item in tree.items) + "]"
        case Entries():
            parts = (
                f"{one_line(key, source, hidden)}: {one_line(value, source, hidden)}".rstrip()
                for key, value in tree.pairs
            )
            return "{" + ", ".join(parts) + "}"
        case Hole():
            return "..."


class _Mark(Protocol):
    """A position as both of PyYAML's loaders give it, counted from 0."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


class _StopError(Exception):
    """The rest of the file cannot be read; the problem is recorded."""


class _Builder:
    """Makes a tree of the events of one YAML stream."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._events: Iterator[yaml.Event] = yaml.parse(source.text, Loader=_LOADER)
        self.problems: list[Diagnostic] = []

    def build(self) -> Tree | None:
        """The tree of the only document, or None if it cannot be told."""
        try:
            return self._document()
        except _StopError:
            return None
        except yaml.MarkedYAMLError as error:
            opened = self._span(error.context_mark, error.context_mark)
            span = opened
            if error.problem_mark is not None and "end of stream" not in str(error.problem):
                span = self._span(error.problem_mark, error.problem_mark)
            context = f" {error.context}" if error.context else ""
            problem = f"{error.problem or 'it cannot be read'}{context}"
            self._report("yaml-syntax", problem, span, _syntax_hint(self._source, span, opened))
            return None

    def _document(self) -> Tree | None:
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            self._report("empty-file", "the file is empty", Span(self._source.path, 1, 1, 1, 1))
            return None
        tree = self._tree(next(self._events), depth=1)
        next(self._events)
        end = next(self._events)
        if not isinstance(end, yaml.StreamEndEvent):
            span = self._span(end.start_mark, end.end_mark)
            hint = "put each document into a file of its own"
            self._report("several-documents", "got another document, expected one", span, hint)
        if is_nothing(tree):
            self._report("empty-file", "the file is empty", Span(self._source.path, 1, 1, 1, 1))
            return None
        return tree

    def _tree(self, event: yaml.Event, *, depth: int) -> Tree:
        span = self._span(event.start_mark, event.end_mark)
        if depth > MAX_DEPTH:
            message = f"got more than {MAX_DEPTH} levels of lists and mappings, expected fewer"
            self._report("too-deep", message, span)
            raise _StopError
        hint = "write the value out at each place"
        if isinstance(event, yaml.AliasEvent):
            self._report("anchor", f"got the alias {quoted(f'*{event.anchor}')}", span, hint)
            return Hole(span)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._report("anchor", f"got the anchor {quoted(f'&{event.anchor}')}", span, hint)
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_tag(event.tag, span)
            return Scalar(event.value, span, plain=not event.style)
        if isinstance(event, yaml.SequenceStartEvent):
            self._refuse_tag(event.tag, span)
            items, end = self._items(depth)
            last = items[-1].span if items and not event.flow_style else end
            return Items(items, _reach(span, last), bool(event.flow_style))
        if isinstance(event, yaml.MappingStartEvent):
            self._refuse_tag(event.tag, span)
            pairs, end = self._pairs(depth)
            if pairs is None:
                return Hole(span)
            last = pairs[-1][1].span if pairs and not event.flow_style else end
            return Entries(pairs, _reach(span, last), bool(event.flow_style))
        raise AssertionError(f"no part of a document: {event}")

    def _refuse_tag(self, tag: str | None, span: Span) -> None:
        if tag is not None:
            hint = "leave it out: the language decides what is text and what is a number"
            shown = quoted(tag.replace("tag:yaml.org,2002:", "!!", 1))
            self._report("tag", f"got the tag {shown}", span, hint)

    def _items(self, depth: int) -> tuple[tuple[Tree, ...], Span]:
        items: list[Tree] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._tree(event, depth=depth + 1))
        return tuple(items), self._span(event.start_mark, event.end_mark)

    def _pairs(self, depth: int) -> tuple[tuple[tuple[Scalar, Tree], ...] | None, Span]:
        """What is in a mapping, and its end; None if all that is in it was refused."""
        pairs: dict[str, tuple[Scalar, Tree]] = {}
        is_empty = True
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            is_empty = False
            key = self._tree(event, depth=depth + 1)
            value = self._tree(next(self._events), depth=depth + 1)
            if isinstance(value, Scalar) and value.plain and value.text == "":
                # Nothing has no place of its own; people look at the key.
                value = Scalar("", key.span, plain=True)
            name = self._key(key, pairs)
            if name is not None:
                pairs[name.text] = (name, value)
        end = self._span(event.start_mark, event.end_mark)
        return tuple(pairs.values()) if pairs or is_empty else None, end

    def _key(self, key: Tree, pairs: dict[str, tuple[Scalar, Tree]]) -> Scalar | None:
        if isinstance(key, Hole):
            return None
        if not isinstance(key, Scalar):
            hint = "text that begins with { or [ needs quotes"
            self._report("wrong-kind", "got a list or mapping, expected a key", key.span, hint)
            return None
        if key.plain and key.text == "<<":
            hint = "write the keys out at each place"
            self._report("merge-key", "got the merge key '<<'", key.span, hint)
            return None
        if key.text in pairs:
            first = pairs[key.text][0].span.line
            message = f"got the key {quoted(key.text)} twice, first in line {first}"
            self._report("duplicate-key", message, key.span, "keep one of them")
            return None
        return key

    def _span(self, start: _Mark | None, end: _Mark | None) -> Span:
        path = self._source.path
        if start is None or end is None:
            return Span(path, 1, 1, 1, 1)
        return Span(path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _report(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        line = self._source.line(span.line)
        self.problems.append(Diagnostic(code, message, span, hint, line))


def _reach(start: Span, last: Span) -> Span:
    return Span(start.path, start.line, start.column, last.end_line, last.end_column)


def _syntax_hint(source: Source, span: Span, opened: Span) -> str | None:
    """What helps with YAML that went wrong at `span`, inside of what begins at `opened`."""
    found = source.line(span.line)[span.column - 1 : span.column]
    opener = source.line(opened.line)[opened.column - 1 : opened.column]
    if span == opened and opener in ('"', "'"):
        return f"the {opener} is not closed"
    if opener in ("{", "[") and found in _FLOW:
        return f"text with one of {' '.join(_FLOW)} in it needs quotes"
    if opener in ("{", "[") and opened.line != span.line:
        return f"perhaps the {opener} in line {opened.line} is not closed"
    return _HINTS.get(found)
