"""Makes the containers and the network of a run, and removes them."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from peerlab.backend.base import RunName
from peerlab.backend.docker.attached import AttachedNode
from peerlab.backend.docker.containers import Containers
from peerlab.backend.docker.engine import connect, engine_errors
from peerlab.backend.docker.images import Images
from peerlab.backend.docker.networks import Networks
from peerlab.backend.docker.sidecar import Files, Sidecar, end_all
from peerlab.backend.docker.sweep import (
    LABEL_KEPT,
    LABEL_OWNER,
    LABEL_RUN,
    LABEL_SESSION,
    Resource,
    find,
    owner,
    owner_lives,
    sweep,
)
from peerlab.backend.docker.watchdog import Watchdog
from peerlab.backend.topology import Station, Topology, plan, stations_on
from peerlab.backend.wire import Wires
from peerlab.errors import LabError
from peerlab.evidence.network import NetworkLog
from peerlab.scenario.model import Build, Network, Node, Program, Scenario

WIRE_IMAGE: Final = "peerlab/wire"
_ROOT: Final = Path(__file__).resolve().parents[3]
WIRE_BUILD: Final = Build(_ROOT, "wire", _ROOT / "Dockerfile")
_PARALLEL: Final = min(8, 2 * (os.cpu_count() or 1))

T = TypeVar("T")


@dataclass(slots=True)
class DockerLab:
    """The nodes of one run, as containers."""

    nodes: dict[str, AttachedNode]
    wire: Wires | None
    owns_nodes: bool

    lost: str | None = None

    def lose(self, reason: str) -> None:
        """Tell all nodes that their network is gone."""
        self.lost = reason
        for node in list(self.nodes.values()):
            node.lose(reason)


class DockerBackend:
    """Makes labs on the user's container engine."""

    name: Final = "docker"
    captures: Final = True

    def __init__(self, say: Callable[[str], None], *, keep: bool = False) -> None:
        """Connect to the engine and start the watchdog.

        Args:
            say: told in one line what takes longer than usual, such as building an image.
            keep: leave containers and networks in place after the run.

        Raises:
            MachineUnfit: no engine answers.
        """
        self._client = connect()
        self._keep = keep
        self._session = secrets.token_hex(6)
        self._images = Images(self._client, say)
        self._networks = Networks(self._client)
        self._unremoved: set[str] = set()
        self._watchdog = None if keep else Watchdog(self._session)

    def prepare(self, programs: Iterable[Program], *, wired: bool = False) -> None:
        """Have the images of these programs, and that of the wire if it is needed.

        Raises:
            MachineUnfit: one is missing and cannot be built.
        """
        for program in programs:
            self._images.resolve(program)
        if wired:
            self._images.built(WIRE_IMAGE, WIRE_BUILD)

    def close(self) -> None:
        """Dismiss the watchdog, unless a removal was cut short: then the rest is left to it."""
        if self._watchdog is not None:
            if self._unremoved:
                self._watchdog.leave_it_to()
            else:
                self._watchdog.dismiss()
        self._client.close()

    @contextmanager
    def deploy(
        self, scenario: Scenario, run: RunName, network: NetworkLog | None = None
    ) -> Iterator[DockerLab]:
        """Make the run's networks and containers; remove them when the context ends.

        A scenario that changes nothing of its network, and captures nothing, needs no wire.
        """
        images = {
            node.program.name: self._images.resolve(node.program)
            for node in scenario.nodes.values()
        }
        made: list[AttachedNode] = []
        self._unremoved.add(run.run_id)
        try:
            ids, topology = self._make_networks(scenario.network, run)
            containers = Containers(
                self._client,
                run,
                self._labels(run),
                ids,
                {name: ip for ip, name in topology.hosts} if len(ids) > 1 else {},
                detach=self._keep,
            )
            with ExitStack() as stack:
                lab = DockerLab({}, None, owns_nodes=not self._keep)
                wires: Mapping[str, str] = {}
                if scenario.scripts_network or (
                    network is not None and (network.captures or network.native)
                ):
                    sidecars = self._start_wire(containers, topology, network, stack, made, lab)
                    lab.wire = Wires([sidecar.control for sidecar in sidecars])
                    if scenario.scripts_network:
                        lab.wire.introduce(topology)
                    wires = {each.name: each.container.container for each in sidecars}

                def make(node: Node) -> AttachedNode:
                    return containers.node(
                        node,
                        topology.nodes[node.name],
                        images[node.program.name],
                        wires.get(node.name),
                    )

                for name, container in zip(
                    scenario.nodes, self._at_once(make, scenario.nodes.values(), made), strict=True
                ):
                    lab.nodes[name] = container
                if lab.lost is not None:
                    raise LabError(lab.lost)
                yield lab
        finally:
            if not self._keep:
                self._remove(run, made)
                self._unremoved.discard(run.run_id)

    def _make_networks(self, network: Network, run: RunName) -> tuple[Mapping[str, str], Topology]:
        """Make a network for each segment, and plan who is where."""
        ids, subnets = {}, []
        for segment in network.segments:
            name = "default" if len(network.segments) == 1 else segment
            labels = self._labels(run) | {"com.docker.compose.network": name}
            ids[segment], subnet = self._networks.make(
                f"{run.project}_{name}", len(stations_on(network, segment)), labels
            )
            subnets.append(subnet)
        return ids, plan(network, subnets)

    def _start_wire(
        self,
        containers: Containers,
        topology: Topology,
        network: NetworkLog | None,
        stack: ExitStack,
        made: list[AttachedNode],
        lab: DockerLab,
    ) -> list[Sidecar]:
        """Start the parts of the wire; they end with the stack."""
        image = self._images.built(WIRE_IMAGE, WIRE_BUILD)
        files: Files = {}
        if network is not None and not self._keep:  # what goes on has no end that is captured
            files = stack.enter_context(network.open_captures(topology.nodes, topology.routers))
        message = topology.as_message()
        about = {
            "seed": 0 if network is None else network.seed,
            "names": topology.names,
            "captures": bool(files),
            "native": network is not None and network.native,
            "node": None,
            "router": None,
        }
        parts = [
            *((topology.nodes[node["name"]], {**about, "node": node}) for node in message["nodes"]),
            *(
                (topology.routers[router["name"]], {**about, "router": router})
                for router in message["routers"]
            ),
        ]

        def make(part: tuple[Station, Mapping[str, object]]) -> AttachedNode:
            station, described = part
            return containers.wire(station, image, described)

        def record(told: Mapping[str, Any]) -> None:
            if network is not None:
                network.take(told)

        sidecars = [
            Sidecar(station.name, container, record, lab.lose, files)
            for (station, _), container in zip(parts, self._at_once(make, parts, made), strict=True)
        ]
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            list(pool.map(Sidecar.start, sidecars))
        for sidecar in sidecars:
            sidecar.wait_ready()
        if not self._keep:
            stack.callback(end_all, sidecars)
        return sidecars

    @staticmethod
    def _at_once(
        make: Callable[[T], AttachedNode], parts: Iterable[T], made: list[AttachedNode]
    ) -> list[AttachedNode]:
        """Make several containers at the same time; all that were made are noted."""

        def noted(part: T) -> AttachedNode:
            container = make(part)
            made.append(container)
            return container

        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            return list(pool.map(noted, parts))

    def _labels(self, run: RunName) -> dict[str, str]:
        labels = {
            LABEL_RUN: run.run_id,
            LABEL_SESSION: self._session,
            LABEL_OWNER: owner(),
            "peerlab.created": datetime.now(UTC).isoformat(timespec="seconds"),
            # With these, `docker compose ls`, `ps`, `logs`, `exec` and `down` know the run.
            "com.docker.compose.project": run.project,
        }
        return labels | ({LABEL_KEPT: "yes"} if self._keep else {})

    def _remove(self, run: RunName, nodes: list[AttachedNode]) -> None:
        """Remove the run's containers and network.

        Raises:
            LabError: something would not go.
        """
        label = f"{LABEL_RUN}={run.run_id}"
        try:
            with engine_errors("remove what the run made"):
                left = sweep(self._client, label)
        finally:
            for node in nodes:
                node.close()
        if left:
            raise LabError(
                f"could not remove {', '.join(map(str, left))}",
                hint="`peerlab clean` tries again",
            )


def clean(*, everything: bool) -> tuple[list[Resource], list[Resource]]:
    """Remove what no living runner owns; with `everything`, what living runners own as well.

    Returns:
        What was there to remove, and what of it would not go.
    """

    def wanted(found: Resource) -> bool:
        kept = LABEL_KEPT in found.labels
        return everything or kept or not owner_lives(found.labels.get(LABEL_OWNER, ""))

    client = connect()
    with engine_errors("remove leftovers"):
        there = [found for found in find(client, LABEL_RUN) if wanted(found)]
        return there, sweep(client, LABEL_RUN, wanted=wanted)
