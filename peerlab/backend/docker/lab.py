"""Makes the containers and the network of a run, and removes them."""

import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Any, Final

import docker
from docker.errors import APIError
from docker.types import EndpointConfig, IPAMConfig, IPAMPool, LogConfig, NetworkingConfig

from peerlab.backend.base import RunName
from peerlab.backend.docker.attached import AttachedNode
from peerlab.backend.docker.engine import connect, engine_errors
from peerlab.backend.docker.images import Images
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
from peerlab.backend.subnet import POOL, free_subnets, gateway, node_addresses
from peerlab.errors import LabError, MachineUnfit
from peerlab.evidence.network import NetworkLog
from peerlab.scenario.model import Node, Program, Scenario, TerminalKind

_MEMORY: Final = 256 * 1024 * 1024
_PROCESSES: Final = 64
_PARALLEL: Final = min(8, 2 * (os.cpu_count() or 1))
_SUBNET_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class DockerLab:
    """The nodes of one run, as containers."""

    nodes: Mapping[str, AttachedNode]
    owns_nodes: bool


class DockerBackend:
    """Makes labs on the user's container engine."""

    name: Final = "docker"
    captures: Final = False

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
        self._network_lock = threading.Lock()
        self._unremoved: set[str] = set()
        self._watchdog = None if keep else Watchdog(self._session)

    def prepare(self, programs: Iterable[Program]) -> None:
        """Have the images of these programs.

        Raises:
            MachineUnfit: one is missing and cannot be built.
        """
        for program in programs:
            self._images.resolve(program)

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
        self,
        scenario: Scenario,
        run: RunName,
        network: NetworkLog | None = None,  # noqa: ARG002 - a container's network is not seen
    ) -> Iterator[DockerLab]:
        """Make the run's network and containers; remove them when the context ends."""
        images = {
            node.program.name: self._images.resolve(node.program)
            for node in scenario.nodes.values()
        }
        labels = self._labels(run)
        made: list[AttachedNode] = []
        self._unremoved.add(run.run_id)
        try:
            bridge, subnet = self._make_network(run, len(scenario.nodes), labels)
            addresses = node_addresses(subnet, len(scenario.nodes))

            def make(node: Node, address: str) -> AttachedNode:
                made_node = self._make_node(
                    node, address, network=bridge, image=images[node.program.name], run=run
                )
                made.append(made_node)
                return made_node

            with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
                nodes = list(pool.map(make, scenario.nodes.values(), map(str, addresses)))
            yield DockerLab(dict(zip(scenario.nodes, nodes, strict=True)), not self._keep)
        finally:
            if not self._keep:
                self._remove(run, made)
                self._unremoved.discard(run.run_id)

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

    def _make_network(
        self, run: RunName, nodes: int, labels: dict[str, str]
    ) -> tuple[str, IPv4Network]:
        """Make an internal network on a free subnet; others may take one between look and make."""
        name = f"{run.project}_default"
        labels = labels | {"com.docker.compose.network": "default"}
        with self._network_lock:
            with engine_errors("list its networks"):
                taken = [*_engine_subnets(self._client), *_host_routes()]
            for subnet in free_subnets(nodes, taken, Random())[:_SUBNET_TRIES]:  # noqa: S311
                ipam = IPAMConfig(
                    pool_configs=[IPAMPool(subnet=str(subnet), gateway=str(gateway(subnet)))]
                )
                try:
                    made = self._client.create_network(
                        name, driver="bridge", ipam=ipam, internal=True, labels=labels
                    )
                except APIError as error:
                    if "overlap" in str(error).lower():
                        continue
                    raise LabError(f"the engine failed to make a network: {error}") from error
                return made["Id"], subnet
        raise MachineUnfit(
            f"no free subnet for {nodes} nodes in {POOL}",
            hint="`peerlab clean` removes leftovers; `docker network ls` shows what is in use",
        )

    def _make_node(
        self, node: Node, address: str, *, network: str, image: str, run: RunName
    ) -> AttachedNode:
        program = node.program
        pty = program.terminal is TerminalKind.PTY
        endpoint = EndpointConfig(
            self._client.api_version, ipv4_address=address, aliases=[node.name]
        )
        configuration = f"{program.image} {program.command} {sorted(node.environment.items())}"
        with engine_errors(f"make the container of {node.name}"):
            made = self._client.create_container(
                image,
                # The program file's command is the whole command, whatever the image would run.
                entrypoint=list(program.command) if program.command is not None else None,
                name=f"{run.project}-{node.name}-1",
                hostname=node.name,
                environment={**program.environment, **node.environment},
                stdin_open=True,
                tty=pty,
                # Not detached: then closing the connection's sending half is the end of input.
                detach=self._keep,
                labels=self._labels(run)
                | {
                    "com.docker.compose.service": node.name,
                    "com.docker.compose.oneoff": "False",
                    "com.docker.compose.container-number": "1",
                    "com.docker.compose.config-hash": hashlib.sha256(
                        configuration.encode()
                    ).hexdigest(),
                },
                host_config=self._host_config(network),
                healthcheck={"test": ["NONE"]},  # the lab waits for the program's own sign
                networking_config=NetworkingConfig({network: endpoint}),  # type: ignore[arg-type]
            )
        return AttachedNode(self._client, made["Id"], address, pty=pty)

    def _host_config(self, network: str) -> dict[str, Any]:
        """Least privilege: what a program does not need to talk on its network, it has not."""
        return self._client.create_host_config(
            network_mode=network,
            init=True,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=_PROCESSES,
            mem_limit=_MEMORY,
            memswap_limit=_MEMORY,
            tmpfs={"/tmp": "size=16m,mode=1777"},  # noqa: S108 - inside the container
            restart_policy={"Name": "no"},
            log_config=LogConfig(
                type="local", config={"max-size": "10m", "max-file": "1", "compress": "false"}
            ),
        )

    def _remove(self, run: RunName, nodes: list[AttachedNode]) -> None:
        """Remove the run's containers and network.

        Raises:
            LabError: something would not go.
        """
        label = f"{LABEL_RUN}={run.run_id}"
        with engine_errors("remove what the run made"):
            left = sweep(self._client, label)
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


def _engine_subnets(client: docker.APIClient) -> list[IPv4Network]:
    pools = [
        pool
        for network in client.networks()
        for pool in (network.get("IPAM") or {}).get("Config") or []
    ]
    return [
        IPv4Network(pool["Subnet"], strict=False)
        for pool in pools
        if ":" not in pool.get("Subnet", ":")
    ]


def _host_routes() -> list[IPv4Network]:
    """Routes of this machine, where it tells them: a lab must not hide a VPN's addresses."""
    routes = Path("/proc/net/route")
    if not routes.exists():
        return []
    rows = [line.split() for line in routes.read_text(encoding="ascii").splitlines()[1:]]
    pairs = [(_little_endian(row[1]), _little_endian(row[7])) for row in rows]
    networks = [IPv4Network((address, mask.bit_count())) for address, mask in pairs]
    return [network for network in networks if network.prefixlen > 0]


def _little_endian(word: str) -> int:
    return int.from_bytes(bytes.fromhex(word), "little")
