"""The wire on containers: beside each node one that owns its network, and is a part of the wire.

It starts before the node's program, which joins its network, and outlives it: so a node that is
started again finds its network as it was.
"""

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Final, Literal

from peerlab.backend.docker.attached import AttachedNode
from peerlab.backend.wire import WireControl, without_netem
from peerlab.errors import LabError

CAPABILITIES: Final = ["NET_ADMIN", "NET_RAW"]

_READY_WITHIN: Final = 60.0
_ENDS_WITHIN: Final = 15.0
_ANOTHER_CLOCK: Final = 5.0
"""Seconds: a clock that differs by more belongs to another machine, as that of a desktop engine."""

Record = dict[str, Any]
Files = Mapping[tuple[str, str], BinaryIO]


class Sidecar:
    """One part of the wire, told what to do by its standard input. It is the sink of its output."""

    def __init__(
        self,
        name: str,
        container: AttachedNode,
        record: Callable[[Record], None],
        lost: Callable[[str], None],
        files: Files,
    ) -> None:
        """Take the container, which does not run yet.

        Args:
            name: of the node, or the router.
            container: of the sidecar.
            record: told what it sees, in a thread of its own.
            lost: told why it ended, where it was not asked to.
            files: where captures go.
        """
        self.control = WireControl(f"the wire of {name}", container.write)
        self.container = container
        self.name = name
        self._record = record
        self._lost = lost
        self._files = files
        self._rest = b""
        self._complaints = b""
        self._offset = 0.0
        self._ready = threading.Event()
        self._over = threading.Event()
        self._ending = False
        self._told_totals = False
        self._lacks_netem: str | None = None

    def start(self) -> None:
        """Start it.

        Raises:
            LabError: it cannot be started.
        """
        self.container.start(self)

    def wait_ready(self) -> None:
        """Wait until the network passes through it.

        Raises:
            MachineUnfit: the kernel that it runs on has no netem.
            LabError: it ended instead, or says nothing.
        """
        deadline = time.monotonic() + _READY_WITHIN
        while not self._ready.wait(0.5):
            if self._over.is_set():
                if self._lacks_netem is not None:
                    raise without_netem(self._lacks_netem)
                raise LabError(f"the wire of {self.name} did not start: {self._last_complaint()}")
            if time.monotonic() > deadline:
                raise LabError(f"the wire of {self.name} was not ready in {_READY_WITHIN:g} s")

    def end(self) -> None:
        """Have it end, when it has told all that it saw."""
        self._ending = True
        self.container.write(b'{"command": "end"}\n')

    def wait_over(self) -> None:
        """Wait until it has told all that it saw; where it does not, that is told."""
        if not (self._over.wait(_ENDS_WITHIN) and self._told_totals):
            self._record({"record": "silent", "part": f"the wire of {self.name}"})

    # The sink.

    def printed(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """Take in records."""
        if stream == "stderr":
            self._complaints = (self._complaints + data)[-4096:]
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            for line in lines:
                self._take(json.loads(line))
        except OSError as error:
            self._lost(f"cannot keep the evidence: {error}")

    def exited(self, status: int) -> None:
        """Take in that it has ended."""
        self.lost(f"{self._last_complaint()} (status {status})")

    def lost(self, reason: str) -> None:
        """Take in that it is out of reach."""
        self._over.set()
        self.control.lost(reason)
        if not self._ending and self._ready.is_set():
            self._lost(f"the wire of {self.name} ended: {reason}")

    def _take(self, record: Record) -> None:
        if record["record"] == "ready":
            offset = time.monotonic() - record["at"]
            self._offset = offset if abs(offset) > _ANOTHER_CLOCK else 0.0
            self._ready.set()
        elif record["record"] == "unfit":
            self._lacks_netem = record["reason"]
        elif record["record"] == "captured":
            self._files[record["name"], record["end"]].write(base64.b64decode(record["data"]))
        elif not self.control.take(record):
            if "at" in record:
                record["at"] += self._offset
            if "from" not in record:
                record["part"] = self.name
            self._told_totals |= record["record"] == "totals"
            self._record(record)

    def _last_complaint(self) -> str:
        lines = self._complaints.decode(errors="backslashreplace").strip().splitlines()
        return lines[-1] if lines else "its process ended without a word"


def end_all(sidecars: Sequence[Sidecar]) -> None:
    """End parts of the wire, all at once, and take their last records."""
    for sidecar in sidecars:
        sidecar.end()
    for sidecar in sidecars:
        sidecar.wait_over()
