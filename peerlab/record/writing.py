"""Writes a scenario as YAML: one step a line, and everything quoted that has to be."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from peerlab.scenario.tree import Entries, Items, Scalar, Tree, is_nothing

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_RANGE: Final = re.compile(r"[a-z][a-z0-9-]*\[\d+-\d+\]")
_NOTHING: Final = "null"
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def plain(text: str) -> str:
    """A name or a word, without quotes where it can do without."""
    return text if _PLAIN.fullmatch(text) and text != _NOTHING else quoted(text)


def quoted(text: str) -> str:
    """Any text; in single quotes where that saves backslashes."""
    if "\\" in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:  # noqa: PLR2004 - what YAML has two digits for
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def listed(words: Iterable[str]) -> str:
    """A list on one line."""
    return f"[{', '.join(words)}]"


def mapped(pairs: Iterable[tuple[str, str]]) -> str:
    """A mapping on one line; a value can be empty."""
    return f"{{{', '.join(f'{key}: {value}'.rstrip() for key, value in pairs)}}}"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a scenario is made of; values are YAML already, of steps and checks too."""

    title: str
    nodes: Tree | Mapping[str, str]
    steps: Sequence[str]
    checks: Sequence[str]
    within: str | None = None
    programs: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    network: Tree | None = None

    def text(self) -> str:
        """The scenario's file."""
        lines = [f"title: {quoted(self.title)}"]
        lines += [] if self.within is None else [f"within: {self.within}"]
        lines += _section(
            "programs", [f"{plain(n)}: {quoted(p)}" for n, p in self.programs.items()]
        )
        lines += [f"secrets: {listed(self.secrets)}"] if self.secrets else []
        lines += [] if self.network is None else ["network:", *_block(self.network, "  ")]
        if isinstance(self.nodes, Mapping):
            nodes = [f"{_node(name)}: {plain(program)}" for name, program in self.nodes.items()]
            lines += _section("nodes", nodes)
        else:
            lines += ["nodes:", *_block(self.nodes, "  ")]
        lines += _section("steps", [f"- {step}" for step in self.steps])
        lines += _section("checks", [f"- {check}" for check in self.checks])
        return "\n".join(lines) + "\n"


def _section(name: str, lines: Sequence[str]) -> list[str]:
    return [f"{name}:", *(f"  {line}" for line in lines)] if lines else []


def _node(name: str) -> str:
    return name if _RANGE.fullmatch(name) else plain(name)


def _block(tree: Tree, indent: str) -> list[str]:
    """A part of another scenario: mappings below each other as they were, the rest on one line."""
    if not isinstance(tree, Entries) or tree.flow:
        return [f"{indent}{_flow(tree)}"]
    lines = []
    for key, value in tree.pairs:
        name = _node(key.text)
        if isinstance(value, Entries) and not value.flow:
            lines += [f"{indent}{name}:", *_block(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {_flow(value)}".rstrip())
    return lines


def _flow(tree: Tree) -> str:
    match tree:
        case Scalar():
            return "" if is_nothing(tree) else plain(tree.text)
        case Items():
            return listed(_flow(item) for item in tree.items)
        case Entries():
            return mapped((plain(key.text), _flow(value)) for key, value in tree.pairs)
        case _:
            raise AssertionError("a scenario that loads has no holes")
