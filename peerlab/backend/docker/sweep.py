"""Removes what a run made, found by its labels, and says what is left."""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
from docker.errors import APIError
from requests.exceptions import RequestException

LABEL_RUN: Final = "peerlab.run"
LABEL_SESSION: Final = "peerlab.session"
LABEL_OWNER: Final = "peerlab.owner"
LABEL_KEPT: Final = "peerlab.kept"

_TRIES: Final = 10
_PAUSE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Resource:
    """A container or network with peerlab's labels."""

    kind: str
    id: str
    name: str
    labels: dict[str, str]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find(client: docker.APIClient, label: str) -> list[Resource]:
    """Every container and network with this label (`key` or `key=value`), containers first."""
    filters = {"label": [label]}
    containers = client.containers(all=True, filters=filters)
    networks = client.networks(filters=filters)
    return [
        Resource("container", found["Id"], found["Names"][0].lstrip("/"), found["Labels"])
        for found in containers
        if found["Names"]
    ] + [Resource("network", found["Id"], found["Name"], found["Labels"]) for found in networks]


def remove(client: docker.APIClient, resources: Iterable[Resource]) -> None:
    """Remove them, containers before networks. What cannot be removed is left for another try."""
    resources = list(resources)
    containers = [found for found in resources if found.kind == "container"]
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda found: remove_container(client, found.id), containers))
    for found in resources:
        if found.kind == "network":
            remove_network(client, found.id)


def remove_container(client: docker.APIClient, container: str) -> None:
    """Remove a container by force, with its volumes, if it is still there."""
    try:
        client.remove_container(container, force=True, v=True)
    except (APIError, RequestException):
        return  # gone already, or being removed: the listing tells


def remove_network(client: docker.APIClient, network: str) -> None:
    """Remove a network if it is still there, after taking its last endpoints off it.

    Engines report "has active endpoints" for containers that are gone (moby issue 42119).
    """
    try:
        client.remove_network(network)
    except (APIError, RequestException):
        try:
            for container in client.inspect_network(network).get("Containers") or {}:
                client.disconnect_container_from_network(container, network, force=True)
            client.remove_network(network)
        except (APIError, RequestException):
            return


def count_ownerless(client: docker.APIClient) -> int:
    """Return how many resources are left of runners that are dead."""
    found = find(client, LABEL_RUN)
    return sum(not owner_lives(resource.labels.get(LABEL_OWNER, "")) for resource in found)


def sweep(
    client: docker.APIClient,
    label: str,
    *,
    wanted: Callable[[Resource], bool] | None = None,
    quiet: float = 0.0,
) -> list[Resource]:
    """Remove everything with the label that is wanted; return what would not go.

    With `quiet`, nothing may have come up again so many seconds later: a request that was under
    way when its runner died may still make something.
    """

    def look() -> list[Resource]:
        return [found for found in find(client, label) if wanted is None or wanted(found)]

    # Nothing tells when an engine lets go of an endpoint or ends a request: look again later.
    later = threading.Event()
    for _ in range(_TRIES):
        remove(client, look())
        if look():
            later.wait(_PAUSE)
            continue
        if not quiet:
            return []
        later.wait(quiet)
        if not look():
            return []
    return look()


def owner() -> str:
    """What tells this process from all others that ever run on this machine."""
    return f"{_machine()}:{os.getpid()}:{_started(os.getpid())}"


def owner_lives(label: str) -> bool:
    """Whether the process that made a resource still runs, as far as can be told.

    A process of another machine cannot be looked at: it is taken for alive.
    """
    machine, _, process = label.partition(":")
    pid, _, started = process.partition(":")
    if machine != _machine() or not pid.isdigit():
        return True
    return _started(int(pid)) == started


def _machine() -> str:
    return os.uname().nodename


def _started(pid: int) -> str:
    """The start time of a process in clock ticks since boot (proc(5), field 22), '' if none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _started_without_proc(pid)
    return stat.rpartition(")")[2].split()[19]


def _started_without_proc(pid: int) -> str:
    """On systems without /proc only whether it runs can be told."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "running"
