"""Networks of many nodes without programs, made and taken down, beside Mininet's of as many hosts.

In both, before the network is taken down, the first node reaches the last by UDP; the times do not
have that in them. Taking down lasts until a listing of processes, network namespaces and interfaces
shows nothing of the network any more.
"""

import json
import os
import queue
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import listing
from benchmarks.bare import local_command
from benchmarks.played import PROGRAMS, ROOT, scratch
from benchmarks.tables import goal, in_turn, ratio, show
from peerlab.backend.base import LabNode, RunName
from peerlab.backend.netns.lab import NetnsBackend
from peerlab.errors import LabError
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario

ROUNDS = {10: 15, 100: 5, 500: 3, 1000: 3}
"""Rounds by number of nodes."""

COMPARED = (10, 100)
GOAL_AT, GOAL = 100, 10

_WITHIN = 30.0
_PYTHON = "/usr/bin/python3"  # for which Debian packages Mininet
_PACKAGES = ("mininet", "bridge-utils")
_ALONE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds that a network took to be made, and to be gone."""

    create: float
    remove: float

    @property
    def both(self) -> float:
        return self.create + self.remove


def main() -> None:
    """Print the table."""
    listing.adopt_orphans()
    missing = _install_mininet()
    rows: list[list[str]] = []
    notes = [] if missing is None else [f"Mininet is missing: {missing}"]
    for nodes, rounds in ROUNDS.items():
        with scratch() as directory:
            scenario = _scenario(nodes, directory)
            actions = {"peerlab": partial(_peerlab, scenario)}
            if missing is None and nodes in COMPARED:
                actions["Mininet 2.3, Linux bridge"] = partial(_mininet, scenario)
            taken = in_turn(actions, rounds)
        own = [each.both for each in taken["peerlab"]]
        for name, lifetimes in taken.items():
            times = ratio([each.both for each in lifetimes], own)
            rows.append([name, str(nodes), str(rounds), *_cells(lifetimes, nodes), f"{times:.1f}"])
            if name != "peerlab" and nodes == GOAL_AT:
                told = f"Mininet at least {GOAL} times as long at {nodes} nodes: {times:.1f}"
                notes.append(goal(told, met=times >= GOAL))
    show(
        "networks: create and tear down, no programs, medians in ms (ratio: median over rounds)",
        ("", "nodes", "rounds", "create", "tear down", "both", "a node", "this / peerlab"),
        rows,
        notes,
    )


def _cells(lifetimes: Sequence[Lifetime], nodes: int) -> list[str]:
    both = median(each.both for each in lifetimes)
    times = (
        median(each.create for each in lifetimes),
        median(each.remove for each in lifetimes),
        both,
    )
    return [*(f"{1000 * each:.0f}" for each in times), f"{1000 * both / nodes:.2f}"]


def _scenario(nodes: int, directory: Path) -> Scenario:
    path = directory / "network.yaml"
    path.write_text(
        f"title: A network of {nodes} nodes\n"
        f"programs: {{reach: {json.dumps(str(PROGRAMS / 'reach.yaml'))}}}\n"
        f'nodes: {{"n[1-{nodes}]": reach}}\n'
        "steps: [n1: eof]\n",
        encoding="utf-8",
    )
    return load_scenario(path, programs={})


class Words:
    """Takes in what a node prints."""

    def __init__(self) -> None:
        self._said = queue.SimpleQueue[bytes]()
        self._unread = b""

    def printed(self, stream: str, data: bytes) -> None:
        """Take in output."""
        del stream
        self._said.put(data)

    def exited(self, status: int) -> None:
        """Take in the end."""
        self._said.put(b"ended with status %d\n" % status)

    def lost(self, reason: str) -> None:
        """Take in that the node is lost."""
        self._said.put(f"lost: {reason}\n".encode())

    def line(self) -> str:
        """The next line."""
        while b"\n" not in self._unread:
            self._unread += self._said.get(timeout=_WITHIN)
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()


def _peerlab(scenario: Scenario) -> Lifetime:
    backend = NetnsBackend()
    before = listing.network()
    began = time.perf_counter()
    with backend.deploy(scenario, RunName(scenario.name, "benchmark")) as lab:
        created = time.perf_counter() - began
        first, *_, last = lab.nodes.values()
        _expect(f"reached {last.ip}", _reach(first, last))
        began = time.perf_counter()
    gone, left = listing.until_gone(listing.network, before, _WITHIN)
    backend.close()
    _expect([], left)
    return Lifetime(created, gone - began)


def _reach(first: LabNode, last: LabNode) -> str:
    """What the program on the first node says when it is to reach the last."""
    words = {node.ip: Words() for node in (first, last)}
    for node in (first, last):
        node.start(words[node.ip])
        words[node.ip].line()
    first.write(f"{last.ip}\n".encode())
    said = words[first.ip].line()
    for node in (first, last):
        node.end_input()
        words[node.ip].line()
    return said


def _mininet(scenario: Scenario) -> Lifetime:
    nodes = scenario.nodes
    program = next(iter(nodes.values())).program
    peer = [_PYTHON, "-m", "benchmarks.mininet_peer", str(len(nodes)), *local_command(program)]
    done = subprocess.run(
        [*_ALONE, *peer],
        cwd=program.without_image.working_dir,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(f"Mininet failed: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    _expect(("2.3", "reached", []), (told["version"][:3], told["said"][:7], told["left"]))
    return Lifetime(told["create"], told["remove"])


def _expect(wanted: object, got: object) -> None:
    if wanted != got:
        raise LabError(f"a network of the benchmark is not right: got {got!r}, expected {wanted!r}")


def _install_mininet() -> str | None:
    """Install Mininet where it is missing and can be had; else return why it is missing."""
    if os.geteuid():
        return "it needs root"
    if not _mininet_is_there():
        if shutil.which("apt-get") is None:
            return "only Debian and its like have it as a package"
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *_PACKAGES]
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(install, capture_output=True, text=True, check=False, env=quietly)
        if done.returncode or not _mininet_is_there():
            return f"apt-get could not install it: {done.stderr.strip() or 'it is still missing'}"
    return None


def _mininet_is_there() -> bool:
    found = subprocess.run([_PYTHON, "-c", "import mininet"], capture_output=True, check=False)
    return found.returncode == 0 and shutil.which("brctl") is not None
