"""What there is of a run: its processes, wherever they went, and what they hold on this machine.

A run's processes are known by a mark in their environment: that of the runner, which its helpers
inherit, and that of the nodes, which the scenario gives them.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Final

MARK: Final = "PEERLAB_TEST_MARK"
NAMESPACES: Final = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
_INTERVAL: Final = 0.02
_OF_ENGINES: Final = ("veth", "br-", "docker")


def new_mark() -> str:
    """A mark that no other run has."""
    return secrets.token_hex(8)


def holds_within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true; nothing signals what /proc or a file will hold."""
    deadline = time.monotonic() + seconds
    interval = Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        interval.wait(_INTERVAL)
    return True


def marked(mark: str) -> dict[int, list[int]]:
    """The run's processes and their ids, in each PID namespace from this one inwards."""
    wanted = f"{MARK}={mark}".encode()
    found = {}
    for pid, status in _processes():
        with suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                line = status.split("\nNSpid:")[1].partition("\n")[0]
                found[pid] = [int(text) for text in line.split()]
    return found


def gone(mark: str, before: set[str]) -> bool:
    """Whether nothing of the run is left, and nothing on this machine that was not there before."""
    # Others come and go on this machine, too: nothing must stay.
    return holds_within(20, lambda: not marked(mark) and not on_this_machine() - before)


def lab_init(mark: str) -> int:
    """Process 1 of the lab."""
    (pid,) = [pid for pid, ids in marked(mark).items() if ids[1:] == [1]]
    return pid


def wire(mark: str) -> int:
    """The process of the lab that is neither its first nor in a node."""
    (pid,) = [pid for pid, ids in marked(mark).items() if len(ids) == 2 and ids[1] != 1]
    return pid


def launcher(mark: str) -> int:
    """The process that waits for the lab's end."""
    stat = Path(f"/proc/{lab_init(mark)}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


@contextmanager
def held_namespaces(mark: str) -> Iterator[set[str]]:
    """The namespaces that the run has now beside the machine's own.

    They are held as long as the context lasts, so that no others get their numbers.
    """
    own = {_link(os.getpid(), kind) for kind in NAMESPACES}
    found = set()
    with ExitStack() as held:
        for pid in marked(mark):
            for kind in NAMESPACES:
                with suppress(OSError):
                    path = f"/proc/{pid}/ns/{kind}"
                    descriptor = os.open(path, os.O_RDONLY)
                    held.callback(os.close, descriptor)
                    found.add(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        yield found - own


def processes_in(namespaces: set[str]) -> list[int]:
    """All processes of this machine that are in one of them."""
    return [
        pid
        for pid, _ in _processes()
        if not namespaces.isdisjoint(_link(pid, kind) for kind in NAMESPACES)
    ]


def on_this_machine() -> set[str]:
    """Interfaces, mounts and files where a lab could have left some."""
    interfaces = {f"interface {name}" for _, name in socket.if_nameindex()}
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    files = [path for place in ("/run", "/dev/shm") for path in Path(place).glob("peerlab*")]
    return {
        *(name for name in interfaces if not name.split()[1].startswith(_OF_ENGINES)),
        *(f"mount {line}" for line in mounts if "/docker/" not in line),
        *(f"file {path}" for path in files),
    }


def _processes() -> Iterator[tuple[int, str]]:
    """All processes that have not ended, with their status as /proc tells it."""
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):
                status = (path / "status").read_text()
                if "\nState:\tZ" not in status:
                    yield int(path.name), status


def _link(pid: int, kind: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/ns/{kind}").readlink().name
    return ""
