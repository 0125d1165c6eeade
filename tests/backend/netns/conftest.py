"""Plays scenarios made of small programs on labs made of namespaces."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from peerlab.backend.netns.lab import NetnsBackend
from tests.contracts.conftest import Bench

ALONE = "title: alone\nnodes: {u1: explorer}\nsteps: [{u1: {exits: 0}}]\n"


class NamespaceBench(Bench):
    """Plays scenarios, and looks at what nodes see and at what passes between them."""

    def __init__(self, directory: Path) -> None:
        super().__init__(NetnsBackend(), directory)
        self.directory = directory

    def command(self, name: str, words: Sequence[str], more: str = "") -> None:
        """Make a program of any command; `more` is further text of its program file."""
        path = self.directory / f"{name}.program.yaml"
        path.write_text(f"about: A command\ncommand: {json.dumps(list(words))}\n{more}\n")
        self.programs[name] = path

    def told(self, code: str, *, terminal: str = "pipe", more: str = "") -> Any:  # noqa: ANN401
        """What a program in Python on the only node of a lab prints as JSON."""
        self.program("explorer", code, terminal=terminal, more=more)
        return json.loads(self.passes(ALONE).log("u1"))

    def shown(self, *words: str) -> str:
        """What a command on the only node of a lab prints."""
        self.command("explorer", words)
        return self.passes(ALONE).log("u1").decode()


@pytest.fixture
def bench(tmp_path: Path) -> NamespaceBench:
    """Plays scenarios on namespaces."""
    return NamespaceBench(tmp_path)
