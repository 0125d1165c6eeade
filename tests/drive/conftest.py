"""What the tests of the director share."""

from pathlib import Path

import pytest

from tests.support.bench import Bench
from tests.support.programs import TALKER, talker


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Plays scenarios with the program `chat`."""
    return Bench(tmp_path)


@pytest.fixture
def talk(bench: Bench) -> Bench:
    """Plays scenarios with the program `talker`, too."""
    bench.program("talker", talker, TALKER)
    return bench
