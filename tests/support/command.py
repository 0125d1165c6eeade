"""Calls the `peerlab` command in this process, with the fake backend."""

from collections.abc import Callable, Iterable
from pathlib import Path

from click.testing import CliRunner, Result

from peerlab import cli
from peerlab.scenario.model import Scenario
from tests.support.bench import Bench
from tests.support.fake import FakeBackend


class Command:
    """The `peerlab` command in a directory with scenarios, on the fake backend."""

    def __init__(self, bench: Bench, backend: FakeBackend) -> None:
        self.bench = bench
        self.backend = backend
        self.asked: list[tuple[str, bool, bool]] = []

    def __call__(self, *arguments: str | Path) -> Result:
        """Call it; nothing but an exit status may come out."""
        result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        return result

    def run(self, *arguments: str | Path) -> Result:
        """`peerlab run` with the program files of the bench."""
        return self("run", *self.programs(), *arguments)

    def programs(self) -> list[str]:
        """The options that make the programs of the bench known."""
        return [f"--program={name}={path}" for name, path in self.bench.files.items()]

    def backends(
        self, name: str, say: Callable[[str], None], *, keep: bool, captures: bool
    ) -> "FakeBackends":
        """Stands in for the command's own."""
        del say
        self.asked.append((name, keep, captures))
        return FakeBackends(self.backend)


class FakeBackends:
    """Always chooses the same backend."""

    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend

    def choose(self, scenarios: Iterable[Scenario]) -> FakeBackend:
        """Return the backend."""
        del scenarios
        return self._backend

    def close(self) -> None:
        """Close it."""
        self._backend.close()
