"""Two parts of the wire as they are beside containers, in a kernel that has netem.

Two network namespaces stand for containers, and a cable for the engine's network between them.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from peerlab.backend.netns import syscalls
from tests.native.disciplines import disciplines_in

_ADDRESSES = {"one": "10.9.0.1", "two": "10.9.0.2"}
_WITHIN = 20.0
RULES = [
    {"id": "1.0", "from": ["one"], "to": None, "effect": "delay", "seconds": 0.05, "jitter": 0},
    {"id": "1.1", "from": None, "to": ["one"], "effect": "delay", "seconds": 0.02, "jitter": 0},
]
_ALSO = {"name": None, "shown": "delay", "protocol": None, "port": None, "keeps_order": True}


def main() -> dict[str, Any]:
    """Have datagrams pass; what tc reads, and milliseconds that a datagram takes either way."""
    for name in _ADDRESSES:
        _ip("netns", "add", name)
    _ip("link", "add", "eth0", "netns", "one", "type", "veth", "peer", "eth0", "netns", "two")
    for name, address in _ADDRESSES.items():
        _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
    relays = [_relay(name) for name in _ADDRESSES]
    for relay in relays:
        _await(relay, "ready")
    ends = {name: _end(name) for name in _ADDRESSES}
    _take(ends, "one", "two")  # addresses are known from here on
    for relay in relays:
        rules = [rule | _ALSO for rule in RULES]
        _say(relay, {"command": "rules", "rules": rules, "reply": 1})
        _await(relay, "done")
    told: dict[str, Any] = {
        "read": disciplines_in(Path("/run/netns/one")) | disciplines_in(Path("/run/netns/two")),
        "there": _take(ends, "one", "two"),
        "back": _take(ends, "two", "one"),
    }
    for relay in relays:
        _say(relay, {"command": "end"})
    records = [record for relay in relays for record in _await(relay, "totals")]
    told["native"] = [
        (each["from"], each["way"], each["rules"]) for each in records if each["record"] == "native"
    ]
    for relay in relays:
        relay.wait(_WITHIN)
    return told


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _relay(name: str) -> subprocess.Popen[bytes]:
    described = {
        "node": {"name": name, "address": _ADDRESSES[name], "prefix": 24, "routes": []},
        "router": None,
        "seed": 1,
        "names": {address: name for name, address in _ADDRESSES.items()},
        "captures": False,
        "native": True,
    }
    relay = [sys.executable, "-m", "peerlab.wire.relay", json.dumps(described)]
    return subprocess.Popen(
        ["ip", "netns", "exec", name, *relay], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _say(relay: subprocess.Popen[bytes], command: dict[str, Any]) -> None:
    assert relay.stdin is not None
    relay.stdin.write(json.dumps(command).encode() + b"\n")
    relay.stdin.flush()


def _await(relay: subprocess.Popen[bytes], record: str) -> list[dict[str, Any]]:
    """Wait for one kind of record; those that came before."""
    assert relay.stdout is not None
    before: list[dict[str, Any]] = []
    for line in relay.stdout:
        told = json.loads(line)
        if told["record"] == record:
            return before
        before.append(told)
    raise AssertionError(f"the relay ended without {record!r}")


def _end(name: str) -> socket.socket:
    """A socket in a namespace."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    syscalls.setns(there, syscalls.CLONE_NEWNET)
    end = socket.socket(type=socket.SOCK_DGRAM)
    syscalls.setns(home, syscalls.CLONE_NEWNET)
    os.close(home)
    os.close(there)
    end.bind((_ADDRESSES[name], 5000))
    end.settimeout(_WITHIN)
    return end


def _take(ends: dict[str, socket.socket], source: str, target: str) -> float:
    """How many milliseconds a datagram takes."""
    at = monotonic()
    ends[source].sendto(b"hello", (_ADDRESSES[target], 5000))
    ends[target].recv(100)
    return round((monotonic() - at) * 1000, 3)
