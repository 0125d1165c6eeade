"""The demo scenario on Docker beside what the engine itself takes for the same containers.

`python -m benchmarks.demo` prints, for several rounds in turn, the wall time of `peerlab run
scenarios/demo.yaml` as a whole process, and of a plain script that makes, starts and removes the
same four containers and their network with the Docker SDK one after the other and in parallel.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from statistics import median

import docker
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from peerlab.backend.docker.subnet import free_subnets

ROUNDS = 7
ROOT = Path(__file__).resolve().parent.parent
IMAGES = ("peerlab/server", "peerlab/client", "peerlab/client", "peerlab/client")


def play_demo() -> None:
    """Play the demo scenario as a user does."""
    command = [sys.executable, "-m", "peerlab", "run", "scenarios/demo.yaml"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def bare_containers(*, threads: int) -> None:
    """Make, start and remove four containers and their network."""
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


def seconds(action: Callable[[], None]) -> float:
    """Wall time of an action."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    play_demo()  # builds the images where they are missing
    rows: dict[str, list[float]] = {"demo": [], "one by one": [], "in parallel": []}
    for _ in range(ROUNDS):
        rows["demo"].append(seconds(play_demo))
        rows["one by one"].append(seconds(lambda: bare_containers(threads=1)))
        rows["in parallel"].append(seconds(lambda: bare_containers(threads=len(IMAGES))))
    print(f"{'':46}  min   median   max    demo / this (median of rounds)")
    for name, label in (
        ("demo", "peerlab run scenarios/demo.yaml, whole process"),
        ("one by one", "SDK: 4 containers + network, one by one"),
        ("in parallel", "SDK: 4 containers + network, 4 threads"),
    ):
        times = rows[name]
        ratio = median(demo / other for demo, other in zip(rows["demo"], times, strict=True))
        print(
            f"{label:46}  {min(times):.2f}  {median(times):.2f}   {max(times):.2f} s   {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
