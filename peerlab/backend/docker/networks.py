"""Makes the networks of a run on the engine, on subnets that nobody else uses."""

import threading
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Final

import docker
from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from peerlab.backend.docker.engine import engine_errors
from peerlab.backend.subnet import POOL, free_subnets, gateway
from peerlab.errors import LabError, MachineUnfit

_SUBNET_TRIES: Final = 20


class Networks:
    """Makes networks, for several runs at a time."""

    def __init__(self, client: docker.APIClient) -> None:
        self._client = client
        self._lock = threading.Lock()

    def make(self, name: str, nodes: int, labels: Mapping[str, str]) -> tuple[str, IPv4Network]:
        """Make an internal network on a free subnet; others may take one between look and make.

        Args:
            name: on the engine.
            nodes: how many addresses it must have.
            labels: of the network.

        Returns:
            Its id and its subnet.

        Raises:
            MachineUnfit: no subnet is free.
            LabError: the engine refused.
        """
        with self._lock:
            with engine_errors("list its networks"):
                taken = [*_engine_subnets(self._client), *_host_routes()]
            for subnet in free_subnets(nodes, taken, Random())[:_SUBNET_TRIES]:  # noqa: S311
                ipam = IPAMConfig(
                    pool_configs=[IPAMPool(subnet=str(subnet), gateway=str(gateway(subnet)))]
                )
                try:
                    made = self._client.create_network(
                        name, driver="bridge", ipam=ipam, internal=True, labels=dict(labels)
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
