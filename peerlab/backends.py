"""Which backend plays a scenario: the one that was asked for, or the one that works here."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from peerlab.backend.base import Backend
from peerlab.errors import MachineUnfit, UsageError
from peerlab.scenario.model import Program, Scenario

if TYPE_CHECKING:
    from peerlab.backend.docker.lab import DockerBackend

CHOICES: Final = ("auto", "docker", "netns", "sockets")
"""Names that `--backend` takes."""

WIRES: Final = ("userspace", "native")
"""Names that `--wire` takes."""


class Backends:
    """The backends of one process; each is made when it is needed first."""

    def __init__(
        self,
        name: str,
        say: Callable[[str], None],
        *,
        keep: bool = False,
        captures: bool = False,
    ) -> None:
        """Choose among backends.

        Args:
            name: one of CHOICES.
            say: told in one line which backend was chosen and why, and what takes long.
            keep: whether nodes are to go on after a run.
            captures: whether frames are to be captured.

        Raises:
            UsageError: the backend of that name cannot do that.
        """
        if keep and captures:
            raise UsageError(
                "--keep leaves the network running, so that captures would have no end",
                hint="leave out --keep or --capture",
            )
        if keep and name in {"netns", "sockets"}:
            raise UsageError(
                f"--keep leaves containers running, and {name} has none",
                hint="use `--backend docker`",
            )
        self._name = name
        self._say = say
        self._keep = keep
        self._captures = captures
        self._made: dict[str, Backend] = {}
        self._said: set[str] = set()
        self._no_engine: MachineUnfit | None = None

    def choose(self, scenarios: Iterable[Scenario]) -> Backend:
        """Return the backend for these scenarios.

        Raises:
            MachineUnfit: no backend, or not the one that was asked for, works here.
        """
        if self._name != "auto":
            return self._make(self._name)
        played = list(scenarios)
        programs = {
            node.program.path: node.program
            for scenario in played
            for node in scenario.nodes.values()
        }
        wired = self._captures or any(
            scenario.scripts_network or scenario.wants_captures for scenario in played
        )
        name, reason = self._find(programs.values(), wired=wired)
        line = f"backend {name}: {reason}"
        if line not in self._said:
            self._said.add(line)
            self._say(line)
        return self._make(name)

    def close(self) -> None:
        """End what the backends have for all runs."""
        for backend in self._made.values():
            backend.close()

    def _find(self, programs: Iterable[Program], *, wired: bool) -> tuple[str, str]:
        """The name of the backend that works here, and why it is that one."""
        try:
            self._docker().prepare(programs, wired=wired)
        except MachineUnfit as unfit:
            stuck = [program.name for program in programs if program.without_image.command is None]
            if self._keep or stuck:
                raise
            return "netns", unfit.message.splitlines()[0].rstrip(":")
        return "docker", "a container engine answers and has the images"

    def _make(self, name: str) -> Backend:
        # Each backend is imported only when it is used: the others may be slow to import.
        if name == "docker":
            return self._docker()
        if name not in self._made:
            if name == "netns":
                from peerlab.backend.netns.lab import NetnsBackend  # noqa: PLC0415

                self._made[name] = NetnsBackend()
            else:
                from peerlab.backend.sockets import SocketsBackend  # noqa: PLC0415

                self._made[name] = SocketsBackend()
        return self._made[name]

    def _docker(self) -> "DockerBackend":
        try:
            from peerlab.backend.docker.lab import DockerBackend  # noqa: PLC0415
        except ModuleNotFoundError as missing:
            raise MachineUnfit(
                f"the Python package {missing.name} is not installed here",
                hint="`make setup` installs it; `--backend netns` does without",
            ) from missing
        if self._no_engine is not None:  # asking again for every scenario may take long each time
            raise self._no_engine
        made = self._made.get("docker")
        if not isinstance(made, DockerBackend):
            try:
                made = self._made["docker"] = DockerBackend(self._say, keep=self._keep)
            except MachineUnfit as unfit:
                self._no_engine = unfit
                raise
        return made
