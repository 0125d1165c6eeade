"""The runner's side of labs made of namespaces: asks for them, sits at their terminals."""

import errno
import os
import resource
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from typing import Final

from peerlab.backend.base import RunName
from peerlab.backend.netns.control import Message
from peerlab.backend.netns.keeper import Keeper
from peerlab.backend.netns.obstacles import explain, require_linux
from peerlab.backend.netns.terminal import NamespaceNode
from peerlab.backend.subnet import POOL
from peerlab.backend.topology import common_prefix, plan
from peerlab.backend.wire import Wires
from peerlab.errors import UsageError
from peerlab.evidence.network import NetworkLog
from peerlab.scenario.model import Network, Node, Scenario, TerminalKind

_FILES_OF_NODE: Final = 4  # one end of each of three pipes, and a log
_FILES_OF_LAB: Final = 16
_NOT_THE_MACHINES: Final = frozenset({"/dev", "/proc", "/run", "/sys"})
_PRIVATE: Final = (".aws", ".azure", ".docker", ".gnupg", ".kube", ".ssh")
"""Directories of a person's home with keys, and with sockets of those who use them."""

_ENVIRONMENT: Final = {
    "HOME": "/tmp",  # noqa: S108 - the node's own
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    # As in the images: what a Python program prints is to be seen at once.
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class NetnsLab:
    """The nodes of one run, in namespaces."""

    nodes: Mapping[str, NamespaceNode]
    wire: Wires
    owns_nodes: bool = True


class NetnsBackend:
    """Makes labs of Linux namespaces."""

    name: Final = "netns"
    captures: Final = True

    def __init__(self) -> None:
        """Look whether this can work at all.

        Raises:
            MachineUnfit: the system has no namespaces.
        """
        require_linux()

    def close(self) -> None:
        """Nothing serves all runs."""

    @contextmanager
    def deploy(
        self, scenario: Scenario, run: RunName, network: NetworkLog | None = None
    ) -> Iterator[NetnsLab]:
        """Make the run's namespaces; end them, and all that runs in them, with the context.

        Raises:
            UsageError: a program says only how it runs from an image.
            MachineUnfit: this machine does not allow namespaces, or not so many.
            LabError: the lab could not be made or ended.
        """
        starts = {name: _start_message(node) for name, node in scenario.nodes.items()}
        _make_room(len(starts))
        topology = plan(scenario.network, _subnets(scenario.network))
        request = {
            "do": "deploy",
            **topology.as_message(),
            "exposed": _exposed(starts.values()),
            "hidden": _hidden(network),
            "seed": 0 if network is None else network.seed,
            "native": network is not None and network.native,
        }
        keeper = Keeper(run.run_id, None if network is None else network.take)
        try:
            if network is not None:
                with network.open_captures(topology.nodes, topology.routers) as files:
                    for (name, end), file in files.items():
                        keeper.ask({"do": "capture", "node": name, "end": end}, [file.fileno()])
            keeper.deploy(request)
            nodes = {
                name: NamespaceNode(
                    keeper.pump,
                    keeper.ask,
                    ip=str(topology.nodes[name].interface.ip),
                    start=start,
                )
                for name, start in starts.items()
            }
            keeper.serve(nodes)
            if scenario.scripts_network:
                keeper.wire.introduce(topology)
            yield NetnsLab(nodes, keeper.wire)
        finally:
            keeper.close()


def _make_room(nodes: int) -> None:
    """Let this process have as many files open as it may: a lab's terminals need some.

    Raises:
        MachineUnfit: they are not enough for so many nodes.
    """
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    there = sum(1 for _ in Path("/proc/self/fd").iterdir())
    needed = there + _FILES_OF_NODE * nodes + _FILES_OF_LAB
    if 0 <= limit < needed:
        text = f"{nodes} nodes need some {needed} open files, and the limit is {limit}"
        raise explain("terminals", errno.EMFILE, text)


def _subnets(network: Network) -> list[IPv4Network]:
    """The first subnets of the pool: labs of namespaces never meet, so all may have the same.

    Raises:
        UsageError: the pool is too small.
    """
    length, segments = common_prefix(network), len(network.segments)
    if length < POOL.prefixlen or segments > 2 ** (length - POOL.prefixlen):
        raise UsageError(f"{segments} segments of /{length} are more than {POOL} has")
    return list(islice(POOL.subnets(new_prefix=length), segments))


def _start_message(node: Node) -> Message:
    """What starts a node's program.

    Raises:
        UsageError: the program file does not say how.
    """
    program = node.program
    local = program.without_image
    if local.command is None:
        raise UsageError(
            f"the program {program.name} ({program.path}) can only be run from its image",
            hint="give it a `without-image: {command: [...]}`, or use `--backend docker`",
        )
    if str(local.working_dir) in _NOT_THE_MACHINES:
        raise UsageError(
            f"the program {program.name} ({program.path}) cannot run in {local.working_dir}: "
            "nodes have one of their own there",
            hint="give it another working_dir",
        )
    pty = program.terminal is TerminalKind.PTY
    return {
        "do": "start",
        "node": node.name,
        "command": local.command,
        "environment": {
            "PATH": _path(),
            "HOSTNAME": node.name,
            **_ENVIRONMENT,
            **({"TERM": "xterm"} if pty else {}),
            **program.environment,
            **node.environment,
        },
        "directory": str(local.working_dir),
        "pty": pty,
    }


def _path() -> str:
    """Where programs are looked for: the lab's own Python comes first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _hidden(network: NetworkLog | None) -> list[str]:
    """The directories that no program is to see, whoever may read them."""
    home = Path(os.environ.get("HOME") or "/root")
    places = [home / name for name in _PRIVATE]
    if network is not None:
        places.append(network.evidence)
    return [str(place.resolve()) for place in places if _may_see(place)]


def _may_see(directory: Path) -> bool:
    try:
        return directory.is_dir()
    except OSError:  # what the runner may not see its programs do not see either
        return False


def _exposed(starts: Iterable[Message]) -> list[str]:
    """The directories that programs need, even if they are where only the lab's user may look."""
    needed = {sys.prefix, sys.base_prefix}
    for start in starts:
        needed.add(start["directory"])
        found = shutil.which(start["command"][0], path=start["environment"]["PATH"])
        if found is not None:
            needed.update(str(path.parent.parent) for path in (Path(found), Path(found).resolve()))
    return sorted(needed)
