"""What is there, by listing: processes, namespaces, interfaces, mounts, temporary files.

Standard library only: Mininet's side runs it with the system's own Python.
"""

import contextlib
import ctypes
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")
_KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
_PAUSE = 0.001
_PLACES = {tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", "/run"}  # noqa: S108


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends.

    From then on `processes` misses nothing, however far a process has gone from its starter.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def processes(*kinds: str) -> set[str]:
    """Processes below this one, and the namespaces of these kinds in which they are.

    What has ended is collected first: every Popen object whose status matters must have been
    waited for. A namespace without a process lives only where a mount keeps it: see `mounts`.
    """
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    own = _namespaces(os.getpid(), kinds)
    found = set[str]()
    for pid, name in _below(os.getpid()).items():
        found.add(f"process {pid} ({name})")
        found |= _namespaces(pid, kinds) - own
    return found


def interfaces() -> set[str]:
    """Network interfaces of this network namespace."""
    return {f"interface {name}" for _, name in socket.if_nameindex()}


def mounts() -> set[str]:
    """What is mounted in this mount namespace, namespaces kept by a mount among it."""
    lines = (_PROC / "self/mountinfo").read_text().splitlines()
    return {f"mount {' '.join(line.split()[3:5])}" for line in lines}


def files() -> set[str]:
    """Files and directories where temporary ones go."""
    return {f"file {path}" for place in _PLACES for path in Path(place).glob("*")}


def network() -> set[str]:
    """What a network without programs is made of, quickly listed."""
    return processes("net") | interfaces()


def everything() -> set[str]:
    """All of it."""
    return processes(*_KINDS) | interfaces() | mounts() | files()


def until_gone(
    listed: Callable[[], set[str]], before: set[str], within: float
) -> tuple[float, list[str]]:
    """List again and again until there is nothing that was not there before.

    Returns:
        When the last listing began (perf_counter), and what is left after `within` seconds.
    """
    pause = threading.Event()  # nothing tells when the last of it goes
    deadline = time.perf_counter() + within
    while True:
        began = time.perf_counter()
        left = sorted(listed() - before)
        if not left or began > deadline:
            return began, left
        pause.wait(_PAUSE)


def _below(root: int) -> dict[int, str]:
    """The names of all processes below that one."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for directory in os.listdir(_PROC):  # noqa: PTH208 - it is quick
        if directory.isdecimal():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                stat = (_PROC / directory / "stat").read_text()
                name, _, rest = stat.partition("(")[2].rpartition(")")
                parents[int(directory)], names[int(directory)] = int(rest.split()[1]), name
    below = {root}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return {pid: names[pid] for pid in below - {root}}


def _namespaces(pid: int, kinds: tuple[str, ...]) -> set[str]:
    with contextlib.suppress(OSError):  # it has ended meanwhile
        # No file has such a name, so pathlib does not help.
        links = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in kinds]  # noqa: PTH115
        return {f"namespace {link}" for link in links}
    return set()
