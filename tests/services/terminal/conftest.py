from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.terminal.terminals import RunningTerminal, Start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts terminals and ends them with the test."""
    with ExitStack() as terminals:
        yield lambda *command, **more: terminals.enter_context(
            RunningTerminal(tmp_path / "node.sock", *command, **more)
        )
