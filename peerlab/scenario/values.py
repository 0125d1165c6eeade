"""The small languages inside a scenario's strings: templates, patterns, amounts, node ranges."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable in a template: `{text}` or `{u2.label}`."""

    name: str
    attribute: str | None = None

    def __str__(self) -> str:
        return self.name if self.attribute is None else f"{self.name}.{self.attribute}"


MAX_LINE: Final = 8 * 1024
"""Characters of a line that the patterns of a program file look at. Some patterns take the square
of a line's length: `\\S+ x` takes 15 seconds for one word of 64 KiB."""

Resolver = Callable[[Reference], str]


def no_variables(reference: Reference) -> str:
    """Resolve in a place where the loader lets no variable through.

    Raises:
        KeyError: always.
    """
    raise KeyError(str(reference))


_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]*"
_REFERENCE: Final = re.compile(
    rf"\{{\{{(?P<literal>{_NAME}(?:\.{_NAME})?)\}}\}}|\{{(?P<name>{_NAME})(?:\.(?P<attribute>{_NAME}))?\}}"
)


@dataclass(frozen=True, slots=True)
class Template:
    """Text with variables in it.

    `{{word}}` stands for a literal `{word}`, other braces for themselves.
    """

    parts: tuple[str | Reference, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Split `text` at its variables. Every text is a template, so this raises nothing."""
        parts: list[str | Reference] = []
        end = 0
        for match in _REFERENCE.finditer(text):
            parts.append(text[end : match.start()])
            if match["literal"]:
                parts.append("{" + match["literal"] + "}")
            else:
                parts.append(Reference(match["name"], match["attribute"]))
            end = match.end()
        parts.append(text[end:])
        return cls(tuple(part for part in parts if part != ""))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The variables of the template, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def render(self, resolve: Resolver, escape: Callable[[str], str] = str) -> str:
        """Put in the values; `escape` is applied to each value, not to the text around it."""
        return "".join(
            escape(resolve(part)) if isinstance(part, Reference) else part for part in self.parts
        )

    def __str__(self) -> str:
        return "".join(
            f"{{{part}}}" if isinstance(part, Reference) else part for part in self.parts
        )


def literal(text: str) -> str:
    """How a scenario writes this text where variables are put in: `{word}` as `{{word}}`."""
    return re.sub(rf"\{{({_NAME}(?:\.{_NAME})?)\}}", r"{{\1}}", text)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an expectation looks for: literal text, or `/.../` as a regular expression.

    Regular expressions are Python's, with `^` and `$` matching at lines. Variables are put in
    escaped, so that a value with a dot or a bracket in it matches only itself.
    """

    template: Template
    is_regex: bool

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read a pattern.

        Raises:
            ValueError: it matches the empty text, or its regular expression is not one.
        """
        is_regex = len(text) > 1 and text.startswith("/") and text.endswith("/")
        template = Template.parse(text[1:-1] if is_regex else text)
        if not template.parts:
            raise ValueError("an empty pattern would match anything")
        pattern = cls(template, is_regex)
        try:
            compiled = pattern.compile(lambda _reference: "x")
        except re.error as error:
            raise ValueError(f"bad regular expression: {error}") from None
        if compiled.search(""):
            raise ValueError("matches the empty text, so it would match anything")
        return pattern

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the pattern's named groups; they become variables when it matches."""
        return tuple(self.compile(lambda _reference: "x").groupindex)

    def compile(self, resolve: Resolver) -> re.Pattern[str]:
        """Put in the values of the variables and compile."""
        if self.is_regex:
            return re.compile(self.template.render(resolve, re.escape), re.MULTILINE)
        return re.compile(re.escape(self.template.render(resolve)))

    def __str__(self) -> str:
        return f"/{self.template}/" if self.is_regex else str(self.template)


_DURATION: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


def parse_duration(text: str) -> float:
    """Seconds in a duration such as `200ms`, `1.5s` or `2m`.

    Raises:
        ValueError: not a number with one of these units.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"got {text!r}, expected a duration such as 200ms, 1.5s or 2m")
    return float(match["number"]) * _SECONDS[match["unit"]]


# Decimals, so that 83ms are exactly what 0.083 is.
_TIME: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>us|ms|s|m)")
_TIME_UNITS: Final = {"us": "0.000001", "ms": "0.001", "s": "1", "m": "60"}
_PERCENT: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)%")
_RATE: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<prefix>[kmg]?)(?P<unit>bit|bps)")
_RATE_PREFIXES: Final = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}
_RATE_UNITS: Final = {"bit": 1, "bps": 8}
_NUMBERS: Final = re.compile(r"(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?")


def parse_time(text: str) -> float:
    """Seconds in a time of the network such as `250us`, `100ms` or `0s`.

    Raises:
        ValueError: not a number with one of these units.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"got {text!r}, expected a time such as 250us, 100ms or 1.5s")
    return float(Decimal(match["number"]) * Decimal(_TIME_UNITS[match["unit"]]))


def parse_percent(text: str) -> float:
    """The chance, 0 to 1, in a percentage such as `10%` or `0.5%`.

    Raises:
        ValueError: not a percentage from 0% to 100%.
    """
    match = _PERCENT.fullmatch(text)
    chance = None if match is None else float(Decimal(match["number"]) / 100)
    if chance is None or chance > 1:
        raise ValueError(f"got {text!r}, expected a percentage from 0% to 100%")
    return chance


def parse_rate(text: str) -> float:
    """Bits a second in a rate such as `256kbit`, `10mbit` or, in bytes, `64kbps`.

    Units are those of tc: `bit` are bits and `bps` bytes a second, prefixes are decimal.

    Raises:
        ValueError: not a number with one of these units.
    """
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"got {text!r}, expected a rate such as 256kbit, 10mbit or 64kbps (bytes)")
    factor = _RATE_PREFIXES[match["prefix"]] * _RATE_UNITS[match["unit"]]
    return float(Decimal(match["number"]) * factor)


def parse_numbers(text: str) -> tuple[int, int]:
    """The first and last of the numbers that `text` stands for: `2` is 2 to 2, `4-6` 4 to 6.

    Raises:
        ValueError: neither of both, or it begins with 0, or runs backwards.
    """
    match = _NUMBERS.fullmatch(text)
    if match is None:
        raise ValueError(f"got {text!r}, expected a number such as 2, or a range such as 4-6")
    first = int(match["first"])
    last = first if match["last"] is None else int(match["last"])
    if first < 1:
        raise ValueError(f"got {text!r}, expected numbers from 1 on: 1 is the next one")
    if last < first:
        raise ValueError(f"got the range {text!r}, expected its first number to be the lower")
    return first, last


def variable_of(secret: str) -> str:
    """The environment variable that a run takes the value of a secret from."""
    return f"PEERLAB_SECRET_{secret.upper().replace('-', '_')}"


_NODE_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NODE_RANGE: Final = re.compile(
    r"(?P<stem>[a-z][a-z0-9-]*)\[(?P<first>\d{1,4})-(?P<last>\d{1,4})\]"
)


def expand_nodes(text: str) -> tuple[str, ...]:
    """The node names that `text` stands for: `u1` is itself, `u[1-3]` is u1, u2 and u3.

    Raises:
        ValueError: not a node name (a host name: lower-case letters, digits and hyphens, at
            most 32 characters) and not a range of them.
    """
    match = _NODE_RANGE.fullmatch(text)
    if match is None:
        names = [text]
    else:
        first, last = int(match["first"]), int(match["last"])
        if last < first:
            raise ValueError(f"got the range {text!r}, expected its first number to be the lower")
        names = [f"{match['stem']}{number}" for number in range(first, last + 1)]
    for name in names:
        if _NODE_NAME.fullmatch(name) is None or name.endswith("-"):
            raise ValueError(
                f"got {name!r}, expected a node name: lower-case letters, digits and hyphens, "
                "a letter first, at most 32 characters"
            )
    return tuple(names)
