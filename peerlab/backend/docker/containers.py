"""Makes the containers of one run: of its nodes, and of their parts of the wire."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import docker
from docker.types import EndpointConfig, LogConfig, NetworkingConfig

from peerlab.backend.base import RunName
from peerlab.backend.docker.attached import AttachedNode
from peerlab.backend.docker.engine import engine_errors
from peerlab.backend.docker.sidecar import CAPABILITIES
from peerlab.backend.topology import Interface, Station
from peerlab.scenario.model import Node, TerminalKind

_MEMORY: Final = 256 * 1024 * 1024
_PROCESSES: Final = 64
_LOG: Final = LogConfig(
    type="local",
    # All that the lab keeps of a node has room, to compare it with: 1 MiB of line ends takes 40 MB.
    config={"max-size": "64m", "max-file": "1", "compress": "false"},
)


@dataclass(frozen=True, slots=True)
class Containers:
    """Makes containers that belong to one run.

    Attributes:
        networks: the ids of the engine's networks, by segment.
        hosts: names to addresses, where the engine cannot tell them to all nodes.
        detach: whether they outlive the connection to their terminals.
    """

    client: docker.APIClient
    run: RunName
    labels: Mapping[str, str]
    networks: Mapping[str, str]
    hosts: Mapping[str, str]
    detach: bool

    def node(self, node: Node, station: Station, image: str, wire: str | None) -> AttachedNode:
        """Make the container of a node; it has the network of another container, `wire`, if any.

        Raises:
            LabError: the engine refused.
        """
        program = node.program
        configuration = f"{program.image} {program.command} {sorted(node.environment.items())}"
        placed = self._placed(node.name, station.interface) if wire is None else {}
        return self._make(
            node.name,
            image,
            str(station.interface.ip),
            pty=program.terminal is TerminalKind.PTY,
            configuration=configuration,
            # The program file's command is the whole command, whatever the image would run.
            entrypoint=list(program.command) if program.command is not None else None,
            environment={**program.environment, **node.environment},
            healthcheck={"test": ["NONE"]},  # the lab waits for the program's own sign
            host_config=self._host_config(
                self.networks[station.interface.segment] if wire is None else f"container:{wire}",
                init=True,
            ),
            **placed,
        )

    def wire(self, station: Station, image: str, described: Mapping[str, object]) -> AttachedNode:
        """Make the container of a node's part of the wire, or of a router.

        Raises:
            LabError: the engine refused.
        """
        first, *others = station.interfaces
        container = self._make(
            f"{station.name}-wire",
            image,
            str(first.ip),
            pty=False,
            configuration=json.dumps(described),
            command=[json.dumps(described)],
            user="0:0",
            host_config=self._host_config(
                self.networks[first.segment],
                cap_add=CAPABILITIES,
                extra_hosts=dict(self.hosts),
            ),
            **self._placed(station.name, first),
        )
        for interface in others:
            with engine_errors(f"connect {station.name} to {interface.segment}"):
                self.client.connect_container_to_network(
                    container.container,
                    self.networks[interface.segment],
                    ipv4_address=str(interface.ip),
                    aliases=[station.name],
                )
        return container

    def _placed(self, name: str, interface: Interface) -> dict[str, Any]:
        """What a container has that is on a network itself: its host name and its address."""
        endpoint = EndpointConfig(
            self.client.api_version, ipv4_address=str(interface.ip), aliases=[name]
        )
        network = self.networks[interface.segment]
        return {
            "hostname": name,
            "networking_config": NetworkingConfig({network: endpoint}),  # type: ignore[arg-type]
        }

    def _make(
        self,
        service: str,
        image: str,
        ip: str,
        *,
        pty: bool,
        configuration: str,
        **options: Any,  # noqa: ANN401 - as docker-py takes them
    ) -> AttachedNode:
        with engine_errors(f"make the container of {service}"):
            made = self.client.create_container(
                image,
                name=f"{self.run.project}-{service}-1",
                stdin_open=True,
                tty=pty,
                # Not detached: then closing the connection's sending half is the end of input.
                detach=self.detach,
                labels={
                    **self.labels,
                    "com.docker.compose.service": service,
                    "com.docker.compose.oneoff": "False",
                    "com.docker.compose.container-number": "1",
                    "com.docker.compose.config-hash": hashlib.sha256(
                        configuration.encode()
                    ).hexdigest(),
                },
                **options,
            )
        return AttachedNode(self.client, made["Id"], ip, pty=pty)

    def _host_config(
        self,
        network: str,
        *,
        init: bool | None = None,
        cap_add: list[str] | None = None,
        extra_hosts: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Least privilege: what a program does not need to talk on its network, it has not."""
        return self.client.create_host_config(
            network_mode=network,
            init=init,
            read_only=True,
            cap_drop=["ALL"],
            cap_add=cap_add,
            extra_hosts=extra_hosts,
            security_opt=["no-new-privileges"],
            pids_limit=_PROCESSES,
            mem_limit=_MEMORY,
            memswap_limit=_MEMORY,
            tmpfs={"/tmp": "size=16m,mode=1777"},  # noqa: S108 - inside the container
            restart_policy={"Name": "no"},
            log_config=_LOG,
        )
