"""The demo scenario on Docker, beside what the engine itself takes for the same containers.

A plain script makes, starts and removes the same four containers and their network with the Docker
SDK, one after the other and in parallel.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import docker
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from benchmarks.played import ROOT, play, scratch
from benchmarks.tables import in_turn, ratio, seconds, show, spread
from peerlab.backend.docker.engine import connect
from peerlab.backend.subnet import free_subnets

ROUNDS = 7
SCENARIO = ROOT / "scenarios/demo.yaml"
IMAGES = ("peerlab/server", "peerlab/client", "peerlab/client", "peerlab/client")


def main() -> None:
    """Print the table."""
    connect().close()
    with scratch() as directory:
        play(SCENARIO, "docker", directory)  # builds the images where they are missing
        labels = {
            "`peerlab run`, whole process": lambda: play(SCENARIO, "docker", directory).process,
            "SDK: 4 containers and network, one by one": lambda: _bare_containers(threads=1),
            "SDK: 4 containers and network, 4 threads": lambda: _bare_containers(threads=4),
        }
        rounds = in_turn(labels, ROUNDS)
    demo, *_ = rounds.values()
    show(
        f"demo: {SCENARIO.relative_to(ROOT)} on Docker, {ROUNDS} rounds in turn, seconds",
        ("", "min", "median", "max", "demo / this"),
        [(label, *spread(times), f"{ratio(demo, times):.2f}") for label, times in rounds.items()],
    )


def _bare_containers(*, threads: int) -> float:
    """Seconds to make, start and remove four containers and their network."""
    return seconds(lambda: _containers(threads))


def _containers(threads: int) -> None:
    client = docker.from_env()
    subnet = free_subnets(len(IMAGES), [], Random())[0]  # noqa: S311
    network = client.networks.create(
        f"peerlab-benchmark-{time.time_ns()}",
        internal=True,
        ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]),
    )

    def start(image: str) -> Container:
        container = client.containers.create(
            image, stdin_open=True, init=True, network=str(network.name)
        )
        container.start()
        return container

    try:
        with ThreadPoolExecutor(max_workers=threads) as pool:
            containers = list(pool.map(start, IMAGES))
            list(pool.map(lambda container: container.remove(force=True), containers))
    finally:
        network.remove()
        client.close()
