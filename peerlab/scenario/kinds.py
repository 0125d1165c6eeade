"""Kinds of values, keys, and forms of mappings: what the tables of the language are made of.

`load.py`, `program.py`, `acts.py`, `checks.py` and the files of the network write the language down
with them and read with them; `schema.py` makes the schema for editors of the same tables. Readers
report what is wrong and go on; a value that could not be read is None.
"""

import re
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from peerlab.scenario.reading import Reading, nearest, suggest
from peerlab.scenario.source import Span, quoted
from peerlab.scenario.tree import Entries, Hole, Items, Tree, is_nothing
from peerlab.scenario.values import Pattern, Template, expand_nodes, parse_duration

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = Mapping[str, object]

LONGEST_DURATION: Final = 86400.0
MAX_COUNT: Final = 999_999_999
MOST_POINTS: Final = 1000

_ANY_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
"""What editors take a scalar without quotes for; to the language it is text all the same."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HOST_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?")
_DIGITS: Final = re.compile(r"[0-9]+")
_POINTS: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """What a value may be: how it is read, and its JSON Schema."""

    schema: Schema
    read: Callable[[Reading, Tree], T_co | None]


def scalar_kind(
    expected: str,
    code: str,
    parse: Callable[[str], T],
    schema: Schema | None = None,
    hint: str | None = None,
) -> Kind[T]:
    """Text that `parse` understands; the ValueError it raises becomes the message."""

    def read(reading: Reading, tree: Tree) -> T | None:
        scalar = reading.scalar(tree, expected)
        if scalar is None:
            return None
        try:
            return parse(scalar.text)
        except ValueError as error:
            reading.report(code, str(error), scalar.span, hint)
            return None

    return Kind(schema or _ANY_TEXT, read)


def list_of(kind: Kind[T], expected: str) -> Kind[tuple[T, ...]]:
    """A list of at least one value of a kind."""

    def read(reading: Reading, tree: Tree) -> tuple[T, ...] | None:
        items = reading.items(tree, expected)
        if items is None:
            return None
        if not items:
            reading.report("empty", f"got an empty list, expected {expected}", tree.span)
        values = [kind.read(reading, item) for item in items]
        return tuple(value for value in values if value is not None)

    return Kind({"type": "array", "minItems": 1, "items": kind.schema}, read)


def mapping_of(kind: Kind[T], *, keys: Schema) -> Schema:
    """The schema of a mapping with values of a kind."""
    return {"type": "object", "additionalProperties": kind.schema, "propertyNames": keys}


def raw(schema: Schema) -> Kind[Tree]:
    """A part that has a reader of its own."""
    return Kind(schema, lambda _reading, tree: tree)


def one_of(*words: str) -> Kind[str]:
    """One of some words."""
    values = [str(word) for word in words]

    def read(reading: Reading, tree: Tree) -> str | None:
        scalar = reading.scalar(tree, f"one of {', '.join(values)}")
        if scalar is None:
            return None
        if scalar.text in values:
            return scalar.text
        message = f"unknown value {quoted(scalar.text)}"
        reading.report("unknown-value", message, scalar.span, suggest(scalar.text, values))
        return None

    return Kind({"enum": values}, read)


def whole_number(lowest: int, highest: int, hint: str | None = None) -> Kind[int]:
    """A whole number in decimal digits."""
    expected = f"a whole number from {lowest} to {highest}"

    def parse(text: str) -> int:
        # The length first: Python refuses to read numbers of thousands of digits.
        if _DIGITS.fullmatch(text) and len(text) <= len(str(MAX_COUNT)):
            number = int(text)
            if lowest <= number <= highest:
                return number
        raise ValueError(f"got {quoted(text)}, expected {expected}")

    schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    return scalar_kind(expected, "bad-number", parse, schema, hint)


def _matching(form: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if form.fullmatch(text) is None:
            raise ValueError(f"got {quoted(text)}, expected {expected}")
        return text

    return parse


def _parse_text(text: str) -> str:
    if "\0" in text:
        raise ValueError("got a NUL character, expected text without one")
    return text


def _parse_line(text: str) -> str:
    if not text.strip() or len(text.splitlines()) > 1 or "\0" in text:
        raise ValueError(f"got {quoted(text)}, expected one line of text")
    return text.strip()


def _parse_duration(text: str) -> float:
    seconds = parse_duration(text)
    if not 0 < seconds <= LONGEST_DURATION:
        raise ValueError(f"got {quoted(text)}, expected more than 0s and at most 1440m")
    return seconds


def _parse_points(text: str) -> float:
    if _POINTS.fullmatch(text) is None or float(text) > MOST_POINTS:
        raise ValueError(f"got {quoted(text)}, expected a number of points up to {MOST_POINTS}")
    return float(text)


def _read_pattern(reading: Reading, tree: Tree) -> Pattern | None:
    scalar = reading.scalar(tree, "a pattern")
    if scalar is None:
        return None
    try:
        with warnings.catch_warnings():
            # Python warns of expressions that will mean something else one day.
            warnings.simplefilter("error")
            pattern = Pattern.parse(scalar.text)
    except Warning as warning:
        message = f"ambiguous regular expression: {str(warning).lower()}"
        reading.report("bad-pattern", message, scalar.span, "write the character with a backslash")
        return None
    except (ValueError, OverflowError, RecursionError) as error:
        reading.report("bad-pattern", str(error), scalar.span)
        return None
    reading.attributes.update(pattern.groups)
    reading.note(pattern.template, scalar)
    return pattern


def _read_template(reading: Reading, tree: Tree) -> Template | None:
    scalar = reading.scalar(tree, "text")
    if scalar is None:
        return None
    template = Template.parse(scalar.text)
    reading.note(template, scalar)
    return template


def _read_flag(reading: Reading, tree: Tree) -> bool | None:
    word = one_of("true", "false").read(reading, tree)
    return None if word is None else word == "true"


def _read_nothing(reading: Reading, tree: Tree) -> None:
    if not isinstance(tree, Hole) and not is_nothing(tree):
        reading.report("wrong-kind", "got a value, expected nothing", tree.span, "leave it out")


TEXT: Final = scalar_kind("text", "bad-text", _parse_text)
LINE: Final = scalar_kind("one line of text", "bad-text", _parse_line)
TEMPLATE: Final = Kind(_ANY_TEXT, _read_template)
PATTERN: Final = Kind({**_ANY_TEXT, "minLength": 1}, _read_pattern)
DURATION: Final = scalar_kind(
    "a duration such as 200ms, 1.5s or 2m",
    "bad-duration",
    _parse_duration,
    {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m)$"},
)
COUNT: Final = whole_number(0, MAX_COUNT)
POINTS: Final = scalar_kind(
    f"a number of points from 0 to {MOST_POINTS}",
    "bad-number",
    _parse_points,
    {"type": "number", "minimum": 0, "maximum": MOST_POINTS},
)
STATUS: Final = whole_number(0, 255)
FLAG: Final = Kind({"type": "boolean"}, _read_flag)
NOTHING: Final[Kind[None]] = Kind({"type": "null"}, _read_nothing)

NAME: Final = scalar_kind(
    "a name",
    "bad-name",
    _matching(_NAME, "a name: letters, digits, - and _, a letter or _ first"),
    {"type": "string", "pattern": f"^{_NAME.pattern}$"},
)
PROGRAM_NAME: Final = scalar_kind(
    "the name of a program",
    "bad-name",
    _matching(_FILE_NAME, "the name of a program: letters, digits, . - and _"),
    {"type": "string", "pattern": f"^{_FILE_NAME.pattern}$"},
)
VARIABLE_NAME: Final = scalar_kind(
    "the name of an environment variable",
    "bad-name",
    _matching(re.compile("[A-Za-z_][A-Za-z0-9_]*"), "a name such as CHAT_PORT"),
    {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
)
NODES: Final = scalar_kind(
    "a node name or a range of them",
    "bad-name",
    expand_nodes,
    {"type": "string", "pattern": r"^[a-z][a-z0-9-]*(\[\d{1,4}-\d{1,4}\])?$"},
)
HOST: Final = scalar_kind(
    "a name",
    "bad-name",
    _matching(
        _HOST_NAME,
        "a name: lower-case letters, digits and hyphens, a letter first, at most 32 characters",
    ),
    {"type": "string", "pattern": f"^{_HOST_NAME.pattern}$"},
)
SOME_NODES: Final[Schema] = {
    "anyOf": [NODES.schema, {"type": "array", "minItems": 1, "items": NODES.schema}]
}


def read_nodes(reading: Reading, tree: Tree, known: Collection[str] | None) -> tuple[str, ...]:
    """Nodes of the scenario: a name, a range, or a list of these.

    `known` are the nodes that there are; None: their names could not be read.
    """
    if not isinstance(tree, Items):
        names = NODES.read(reading, tree) or ()
        unknown = [name for name in names if known is not None and name not in known]
        if unknown:
            message = f"unknown node {quoted(unknown[0])}"
            reading.report("unknown-node", message, tree.span, suggest(unknown[0], known or ()))
        return names
    if not tree.items:
        reading.report("empty", "got an empty list, expected at least one node", tree.span)
    parts = [
        read_nodes(reading, item, known)
        for item in tree.items
        if reading.scalar(item, "a node name or a range of them") is not None
    ]
    return tuple(name for names in parts for name in names)


def _read_environment(reading: Reading, tree: Tree) -> dict[str, str] | None:
    entries = reading.entries(tree, "a mapping of environment variables")
    if entries is None:
        return None
    variables = {}
    for key, value in entries.pairs:
        name, text = VARIABLE_NAME.read(reading, key), TEXT.read(reading, value)
        if name is not None and text is not None:
            variables[name] = text
    return variables


ENVIRONMENT: Final = Kind(mapping_of(TEXT, keys=VARIABLE_NAME.schema), _read_environment)


# Mappings with known keys


@dataclass(frozen=True, slots=True)
class Key(Generic[T_co]):
    """One key of a mapping: its value's kind and what it says."""

    name: str
    kind: Kind[T_co]
    about: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping that was looked at with a form; values are read when they are asked for."""

    reading: Reading
    entries: Entries
    names: frozenset[str | None]

    def has(self, key: Key[T]) -> bool:
        """Whether the key is there, be it misspelled or with a wrong value."""
        return key.name in self.names

    def tree(self, key: Key[T]) -> Tree | None:
        """What is written for the key, or None."""
        return next((tree for name, tree in self.entries.pairs if name.text == key.name), None)

    def get(self, key: Key[T]) -> T | None:
        """The value of the key, or None if it is not there or wrong."""
        tree = self.tree(key)
        return None if tree is None else key.kind.read(self.reading, tree)

    def span(self, key: Key[T]) -> Span:
        """Where the key is written; the whole mapping if it is not there."""
        spans = (name.span for name, _ in self.entries.pairs if name.text == key.name)
        return next(spans, self.entries.span)


@dataclass(frozen=True, slots=True)
class Form:
    """A mapping with known keys. `what` names it in messages."""

    what: str
    keys: tuple[Key[object], ...]

    def read(self, reading: Reading, tree: Tree) -> Fields | None:
        """Look at the keys of the mapping `tree`; unknown and missing ones are reported."""
        entries = reading.entries(tree, f"{self.what}, which is a mapping")
        if entries is None:
            return None
        names = [key.name for key in self.keys]
        found: set[str | None] = {key.text for key, _ in entries.pairs}
        for key, _ in entries.pairs:
            if key.text not in names:
                found.add(nearest(key.text, names))
                message = f"unknown key {quoted(key.text)} in {self.what}"
                reading.report("unknown-key", message, key.span, suggest(key.text, names))
        for needed in self.keys:
            if needed.required and needed.name not in found:
                message = f"{self.what} lacks the key {needed.name!r}"
                reading.report("missing-key", message, entries.span, needed.about)
        return Fields(reading, entries, frozenset(found))

    def schema(self) -> dict[str, object]:
        """The JSON Schema of the mapping."""
        schema: dict[str, object] = {
            "type": "object",
            "properties": {
                key.name: {**key.kind.schema, "description": key.about} for key in self.keys
            },
            "additionalProperties": False,
        }
        required = [key.name for key in self.keys if key.required]
        return schema | ({"required": required} if required else {})
