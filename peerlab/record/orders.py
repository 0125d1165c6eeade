"""What the console of a recording is told, line by line."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from peerlab.scenario.reading import suggest

CONTROLS: Final = ("kill", "interrupt", "eof", "pause", "resume")
"""What can be done with a node, beside typing."""

_LINE: Final = re.compile(r"(?P<node>[a-z][a-z0-9-]*):(?: (?P<text>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Say:
    """Type a line at a node."""

    node: str
    text: str


@dataclass(frozen=True, slots=True)
class Do:
    """Do something else with a node."""

    node: str
    control: str


@dataclass(frozen=True, slots=True)
class Hide:
    """The next line is typed at that node, and is secret."""

    node: str


@dataclass(frozen=True, slots=True)
class Done:
    """The session ends."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing that the console knows; the text says what helps."""

    text: str


Order = Say | Do | Hide | Done | Unclear


def read_order(line: str, nodes: Collection[str]) -> Order | None:
    """What a line asks for; None: it is empty."""
    if not line.strip():
        return None
    if line.startswith("/"):
        return _command(line[1:].split(), nodes)
    match = _LINE.fullmatch(line)
    if match is None:
        return Unclear("write NODE: TEXT to type a line at a node, or /done to end the session")
    if match["node"] not in nodes:
        return _unknown(match["node"], nodes)
    return Say(match["node"], match["text"] or "")


def _command(words: list[str], nodes: Collection[str]) -> Order:
    name, names = (words or [""])[0], words[1:]
    if name == "done" and not names:
        return Done()
    if name not in {*CONTROLS, "secret"}:
        known = ["done", "secret", *CONTROLS]
        return Unclear(f"there is no /{name}; {suggest(name, known)}")
    if len(names) != 1:
        return Unclear(f"write /{name} NODE")
    if names[0] not in nodes:
        return _unknown(names[0], nodes)
    return Hide(names[0]) if name == "secret" else Do(names[0], name)


def _unknown(name: str, nodes: Collection[str]) -> Unclear:
    return Unclear(f"there is no node {name!r}; {suggest(name, sorted(nodes))}")
