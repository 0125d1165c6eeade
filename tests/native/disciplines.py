"""What netem does in a kernel, as the program tc of iproute2 reads it."""

import json
import subprocess
from pathlib import Path
from typing import Any


def disciplines() -> dict[str, Any]:
    """What netem does at every device that has it, by the device and the node's address."""
    namespaces = {}
    for process in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            namespaces[process.stat().st_ino] = process
        except OSError:
            continue  # it has ended
    return {
        place: options
        for namespace in namespaces.values()
        for place, options in disciplines_in(namespace).items()
    }


def disciplines_in(namespace: Path) -> dict[str, Any]:
    """The same of the devices in a network namespace, as tc reads it."""
    found = {each["dev"]: each for each in _json(namespace, "tc", "-json", "qdisc", "show")}
    for each in found.values():
        each["options"].pop("seed", None)  # only from Linux 6.6 on
    return {
        " ".join([link["ifname"], *_addresses(link)]): found[link["ifname"]]["options"]
        for link in _json(namespace, "ip", "-json", "address", "show")
        if found.get(link["ifname"], {}).get("kind") == "netem"
    }


def _addresses(link: Any) -> list[str]:  # noqa: ANN401
    return [each["local"] for each in link["addr_info"] if each["family"] == "inet"]


def _json(namespace: Path, *command: str) -> Any:  # noqa: ANN401
    done = subprocess.run(
        ["nsenter", f"--net={namespace}", *command], capture_output=True, check=True
    )
    return json.loads(done.stdout or "[]")
