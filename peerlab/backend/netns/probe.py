"""Tries on this machine what labs made of namespaces need: two nodes, one datagram."""

import sys
import threading
from ipaddress import IPv4Network
from typing import Final, Literal

from peerlab.backend.netns.keeper import Keeper
from peerlab.backend.netns.obstacles import require_linux
from peerlab.backend.netns.terminal import NamespaceNode
from peerlab.backend.topology import plan
from peerlab.errors import LabError
from peerlab.scenario.model import Network

_WITHIN: Final = 10.0
_ADDRESSES: Final = {"here": "10.201.0.2", "there": "10.201.0.3"}
_NETWORK: Final = Network({"lan": tuple(_ADDRESSES)}, {}, ())
_LISTEN: Final = """
import socket
here = socket.socket(type=socket.SOCK_DGRAM)
here.bind(("", 9009))
print("listening", flush=True)
print(here.recv(9).decode(), flush=True)
"""
_SEND: Final = """
import socket
socket.socket(type=socket.SOCK_DGRAM).sendto(b"arrived", ("there", 9009))
"""


class _Ear:
    """Waits for a word."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heard = ""
        self._end: str | None = None

    def printed(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:  # noqa: ARG002
        """Take in output."""
        with self._changed:
            self._heard += data.decode(errors="backslashreplace")
            self._changed.notify_all()

    def exited(self, status: int) -> None:
        """Take in the program's end."""
        self.lost(f"it ended with status {status}")

    def lost(self, reason: str) -> None:
        """Take in that nothing more comes."""
        with self._changed:
            self._end = reason
            self._changed.notify_all()

    def await_word(self, word: str) -> None:
        """Wait for a word.

        Raises:
            LabError: it did not come.
        """
        with self._changed:
            self._changed.wait_for(lambda: word in self._heard or self._end is not None, _WITHIN)
            if word not in self._heard:
                raise LabError(f"a node never said {word!r}: {self._heard} {self._end or ''}")


def probe() -> None:
    """Make a lab of two nodes and send a datagram by name from one to the other.

    Raises:
        MachineUnfit: this machine does not allow it.
        LabError: it was made, but does not work.
    """
    require_linux()
    keeper = Keeper("probe")
    try:
        keeper.deploy(_request(native=False))
        nodes = {
            name: NamespaceNode(keeper.pump, keeper.ask, ip=ip, start=_start(name))
            for name, ip in _ADDRESSES.items()
        }
        keeper.serve(nodes)
        ear = _Ear()
        nodes["there"].start(ear)
        ear.await_word("listening")
        nodes["here"].start(_Ear())
        ear.await_word("arrived")
    finally:
        keeper.close()


def probe_netem() -> None:
    """Make a lab in which the kernel is to impair the network.

    Raises:
        MachineUnfit: it has no netem, or this machine allows no labs.
        LabError: the lab ended while it was made.
    """
    require_linux()
    keeper = Keeper("probe of netem")
    try:
        keeper.deploy(_request(native=True))
    finally:
        keeper.close()


def _request(*, native: bool) -> dict[str, object]:
    return {
        "do": "deploy",
        **plan(_NETWORK, [IPv4Network("10.201.0.0/28")]).as_message(),
        "exposed": sorted({sys.prefix, sys.base_prefix}),
        "hidden": [],
        "seed": 0,
        "native": native,
    }


def _start(name: str) -> dict[str, object]:
    code = _LISTEN if name == "there" else _SEND
    return {
        "do": "start",
        "node": name,
        "command": [sys.executable, "-I", "-S", "-c", code],
        "environment": {},
        "directory": "/",
        "pty": False,
    }
