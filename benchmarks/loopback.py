"""Servers in processes of their own, at ports of this machine alone."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.played import ROOT
from peerlab.errors import LabError

HERE = "127.0.0.1"
_WITHIN = 20.0
_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    port: int
    pid: int

    def memory(self) -> int:
        """Bytes of it, of what it shares with others a part (PSS)."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
        raise LabError("this system does not tell the memory of a process")

    def processor(self) -> float:
        """Seconds of processor time that it has had, all threads together."""
        # What clock_getcpuclockid(3) gives, which Python has for threads alone.
        return time.clock_gettime((~self.pid << 3) | 2)


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as trial:
        trial.bind((HERE, 0))
        port: int = trial.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Sequence[str], port: int, log: Path, environ: Mapping[str, str]
) -> Iterator[Server]:
    """Run a server on one processor, to listen at a port, and kill it in the end.

    Args:
        command: what runs it, in the foreground.
        port: where it will listen.
        log: where what it prints goes, as a file costs it as little as anything.
        environ: more of its environment.

    Raises:
        LabError: it does not listen.
    """
    with (
        log.open("ab") as printed,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
        ) as process,
    ):
        # Before there are threads, which inherit it; benchmarks/chat_limits.py says why.
        os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        try:
            _await(process, port, log)
            yield Server(port, process.pid)
        finally:
            process.kill()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until somebody can connect."""
    pause = threading.Event()  # nothing tells when a program listens
    deadline = time.monotonic() + _WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection((HERE, port)):
            return
        pause.wait(_PAUSE)
    said = log.read_text(errors="replace").strip()
    raise LabError(f"{process.args!r} does not listen: {said}")
