"""A node's part of the wire, in a container that owns the node's network namespace.

The node's program runs in another container, which has joined this one's network. A router is such
a container alone. Between two of these lies an ordinary network of the container engine. Commands
come in by standard input, records go out by standard output. It needs the capabilities NET_ADMIN
and NET_RAW.
"""

import base64
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from functools import partial
from io import FileIO
from select import POLLIN, poll
from socket import inet_aton
from time import monotonic

from peerlab.wire.control import Control
from peerlab.wire.device import await_up, impair, introduce, open_device, open_uplink, plug
from peerlab.wire.engine import Captures, run
from peerlab.wire.junction import junction
from peerlab.wire.ports import Junction, Port, try_kernel
from peerlab.wire.seize import NODE_DEVICE, WIRE_DEVICE, device_with, lay_cable, seize
from peerlab.wire.trial import FRAME_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Described = Mapping[str, Any]

_CHUNK = 1 << 16
_MOST_UNSENT = 64 << 20
"""Bytes of captures that may wait for a runner that reads slowly."""


class CaptureByWire(FileIO):
    """A file of the runner's, written to by records."""

    def __init__(self, control: Control, name: str, end: str) -> None:
        super().__init__(os.devnull, "wb")
        self._control = control
        self._about = {"record": "captured", "name": name, "end": end}

    def write(self, data: "Any", /) -> int:  # noqa: ANN401 - whatever holds bytes
        """Send it to the runner.

        Raises:
            OSError: the runner has not read what was sent before.
        """
        if self._control.unsent > _MOST_UNSENT:
            raise OSError(0, "the runner reads too slowly")
        self._control.hand({**self._about, "data": base64.b64encode(data).decode()})
        return len(data)


def main() -> int:
    """Be the part of the wire that the first argument describes, until the runner has gone."""
    for number in (signal.SIGTERM, signal.SIGINT):  # which the first process of a container ignores
        signal.signal(number, lambda *_: sys.exit(0))
    described = json.loads(sys.argv[1])
    ports: list[Port] = []
    junctions: list[Junction] = []
    if described["node"] is not None:
        ports = _node(described["node"], native=described["native"])
    if described["router"] is not None:
        ports, joined = _router(described["router"], described["seed"])
        junctions = [joined]
    try:
        try_kernel(ports)
    except OSError as error:
        _say({"record": "unfit", "reason": error.strerror})
        return 1
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _work(described, ports, junctions, theirs)
        os._exit(0)
    theirs.close()
    _say({"record": "ready", "at": monotonic()})
    _pump(ours)
    _, status = os.wait()
    return os.waitstatus_to_exitcode(status)


def _node(described: "Described", *, native: bool) -> list[Port]:
    """The ports of a node's own cable: at its end, and where the rest of the network is."""
    address, prefix = described["address"], described["prefix"]
    seized = seize(device_with(address), address, prefix)
    near, far = lay_cable(seized, address, prefix, described["routes"])
    port = Port(
        described["name"],
        seized.mac,
        inet_aton(address),
        open_device(WIRE_DEVICE),
        plug=partial(_plug, near, far),
        open_end=lambda kind: open_device(NODE_DEVICE, kind),
        introduce=partial(introduce, near),
        native={True: partial(impair, near), False: partial(impair, far)} if native else None,
    )
    uplink = open_uplink(seized.name)
    # Bridges on the way learn at once who is here, and flood nobody with what is for this node.
    uplink.send(b"\xff" * 6 + seized.mac + FRAME_TYPE.to_bytes(2) + bytes(46))
    return [port, Port(None, b"", b"", uplink)]


def _plug(near: int, far: int, connected: bool) -> None:  # noqa: FBT001 - as the wire calls it
    """Connect or disconnect the two ends of a node's own cable; wait until both can send."""
    plug(far, connected)
    if connected:
        await_up(near)


def _router(described: "Described", seed: int) -> tuple[list[Port], Junction]:
    """A router, and the ports at which the networks are that it joins."""
    ports, macs = [], {}
    for segment, address, prefix in described["interfaces"]:
        seized = seize(device_with(address), address, prefix)
        macs[address] = seized.mac
        ports.append(Port(None, b"", b"", open_uplink(seized.name), segment=segment))
    return ports, junction(described, seed, macs)


def _work(
    described: "Described", ports: list[Port], junctions: list[Junction], control: socket.socket
) -> None:
    """Be the engine, in a process of its own: it never waits for the runner."""
    names = [(port.name, "own") for port in ports] + [(port.name, "far") for port in ports]
    names += [(each.name, "far") for each in junctions]

    def captures(told: Control) -> Captures:
        wanted = names if described["captures"] else []
        return {
            (name, end): CaptureByWire(told, name, end) for name, end in wanted if name is not None
        }

    run(
        ports,
        control,
        seed=described["seed"],
        junctions=junctions,
        names={inet_aton(address): name for address, name in described["names"].items()},
        captures=captures,
    )


def _say(record: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def _pump(engine: socket.socket) -> None:
    """Bring commands to the engine and records to the runner, until the engine has ended."""
    sources = poll()
    sources.register(engine, POLLIN)
    sources.register(0, POLLIN)
    while True:
        for descriptor, _ in sources.poll():
            if descriptor == 0:
                data = os.read(0, _CHUNK)
                if not data:
                    sources.unregister(0)
                    engine.shutdown(socket.SHUT_WR)
                else:
                    engine.sendall(data)
                continue
            data = engine.recv(_CHUNK)
            if not data:
                return
            _write(data)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    sys.exit(main())
