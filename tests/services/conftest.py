from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.services.running import ClientProgram, ServerProgram


@pytest.fixture
def server() -> Iterator[ServerProgram]:
    with ServerProgram() as program:
        yield program


@pytest.fixture
def start_client(server: ServerProgram) -> Iterator[Callable[..., ClientProgram]]:
    """Starts clients of the server and ends them with the test."""
    with ExitStack() as clients:
        yield lambda *options, **more: clients.enter_context(
            ClientProgram(server.port, *options, **more)
        )
