"""Mininet's side of `networks`: make a network, try it, take it down, tell the times.

`networks` runs this with the system's own Python, for which Debian packages Mininet, in network,
mount and PID namespaces of its own: nothing of the machine is in its way, or left behind.
"""

import json
import subprocess
import sys
import time

from mininet.log import setLogLevel  # type: ignore[import-not-found]
from mininet.net import VERSION, Mininet  # type: ignore[import-not-found]
from mininet.nodelib import LinuxBridge  # type: ignore[import-not-found]
from mininet.topo import SingleSwitchTopo  # type: ignore[import-not-found]

from benchmarks import listing

_WITHIN = 30.0


def main(hosts: int, reach: list[str]) -> None:
    """Print one JSON object."""
    setLogLevel("error")
    # Setting up would raise limits of the whole machine, which these sizes do not need.
    Mininet.inited = True
    before = listing.network()
    began = time.perf_counter()
    network = Mininet(topo=SingleSwitchTopo(k=hosts), switch=LinuxBridge, controller=None)
    network.start()
    created = time.perf_counter() - began
    said = _reach(network.hosts[0], network.hosts[-1], reach)
    began = time.perf_counter()
    network.stop()
    gone, left = listing.until_gone(listing.network, before, _WITHIN)
    told = {"version": VERSION, "create": created, "remove": gone - began, "said": said}
    print(json.dumps(told | {"left": left}))


def _reach(first, last, command: list[str]) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """What the program on the first host says when it is to reach the last."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    listening, reaching = (host.popen(command, **pipes) for host in (last, first))
    for process in (listening, reaching):
        process.stdout.readline()
    said, _ = reaching.communicate(f"{last.IP()}\n")
    listening.communicate()
    return str(said).strip()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
