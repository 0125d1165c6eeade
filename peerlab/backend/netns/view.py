"""What a node sees of the machine's files: everything that its user may read, nothing to write.

The lab's part of the view (`prepare`) is made once: all mounts read-only, /run and /dev of its own,
names of the nodes in /etc/hosts. Each node's part (`finish`) adds what nodes do not share: /proc of
their own processes, /sys of their own devices, pseudo-terminals, and the only places to write to,
/tmp, /var/tmp and /dev/shm.
"""

import contextlib
import os
import stat
from collections.abc import Iterable

from peerlab.backend.netns import syscalls
from peerlab.backend.netns.syscalls import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
)

OWN = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - inside the node
_OWN_OPTIONS = "size=16m,mode=1777"
_STASH = "/run/peerlab"
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_RESOLVER = "# A lab has no name server: its names are in the hosts file.\n"


class View:
    """The view of one lab."""

    def __init__(self, needed: Iterable[str], hidden: Iterable[str], *, user: int) -> None:
        """Plan the view.

        Args:
            needed: directories that programs need, even where only the lab's user may look or
                where nodes have something of their own.
            hidden: directories that are shown empty, but for what is needed.
            user: as whom programs run. Where that is not the lab's user, who is root then, what
                is in a needed directory that is closed to others is shown one by one.
        """
        needed = list(needed)
        self._closed, shown = (set(), needed) if user == os.getuid() else _open_up(needed)
        self._hidden = sorted(set(hidden) - set(needed))
        covers = (*OWN, "/run", *self._closed, *self._hidden)
        self._directories: list[bool] = []
        self._shown = [
            path
            for path in shown
            if path not in self._hidden and any(_is_below(path, cover) for cover in covers)
        ]

    def prepare(self, hosts: str) -> None:
        """Make the lab's part, in a mount namespace of the caller's own."""
        os.umask(0o022)
        syscalls.mount("none", "/", flags=MS_REC | MS_PRIVATE)
        trees = [syscalls.clone_tree(path) for path in self._shown]
        self._directories = [stat.S_ISDIR(os.fstat(tree).st_mode) for tree in trees]
        devices = {
            name: syscalls.clone_tree(f"/dev/{name}")
            for name in _DEVICES
            if os.path.exists(f"/dev/{name}")
        }
        syscalls.mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
        _replace("/etc/hosts", hosts)
        _replace("/etc/resolv.conf", _RESOLVER)
        for number, tree in enumerate(trees):
            stash = f"{_STASH}/{number}"
            _make_place(stash, directory=self._directories[number])
            syscalls.attach_tree(tree, stash)
            os.close(tree)
        self._cover(sorted(self._closed))
        self._show(["/run", *self._closed])
        self._cover(self._hidden)
        self._show(self._hidden)
        _make_devices(devices)
        syscalls.make_read_only("/")

    def finish(self) -> None:
        """Make a node's part, in namespaces of its own."""
        own = [path for path in OWN if os.path.isdir(path)]
        for path in own:
            syscalls.mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, _OWN_OPTIONS)
        self._show(own)
        hidden = [path for path in self._hidden if any(_is_below(path, cover) for cover in own)]
        self._cover(hidden)
        self._show(hidden)
        options = "newinstance,ptmxmode=0666,mode=0620"
        syscalls.mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, options)
        # Where parts of these are masked, as in a container, users may mount no fresh ones.
        with contextlib.suppress(PermissionError):
            syscalls.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        with contextlib.suppress(PermissionError):
            read_only = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
            syscalls.mount("sysfs", "/sys", "sysfs", read_only)

    @staticmethod
    def _cover(directories: Iterable[str]) -> None:
        """Show nothing where these directories are; some may lie below one that is covered."""
        for path in directories:
            if os.path.isdir(path):
                syscalls.mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")

    def _show(self, covers: Iterable[str]) -> None:
        """Show what lies below directories that are covered now."""
        for number, path in enumerate(self._shown):
            if any(_is_below(path, cover) for cover in covers):
                stash = f"{_STASH}/{number}"
                _make_place(path, directory=self._directories[number])
                syscalls.mount(stash, path, flags=MS_BIND | MS_REC)


def _open_up(needed: Iterable[str]) -> tuple[set[str], list[str]]:
    """Find what others than root may not pass on the way to the needed directories.

    Returns:
        The highest of those directories on each way, and what is to be shown in their place.
    """
    closed: set[str] = set()
    shown: list[str] = []
    for path in needed:
        parts = path.split("/")
        ways = ["/".join(parts[:end]) or "/" for end in range(1, len(parts) + 1)]
        barred = [way for way in ways if not os.stat(way).st_mode & stat.S_IXOTH]
        closed.update(barred[:1])
        if path in barred:
            inside = [f"{path}/{name}" for name in sorted(os.listdir(path))]
            shown.extend(name for name in inside if os.path.exists(name))
        else:
            shown.append(path)
    return closed, shown


def _make_place(path: str, *, directory: bool) -> None:
    """Make the directory or the empty file on which something can be mounted."""
    if directory:
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC))


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _make_devices(devices: dict[str, int]) -> None:
    syscalls.mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755")
    for name in ("pts", "shm"):
        os.mkdir(f"/dev/{name}")
    for name, tree in devices.items():
        path = f"/dev/{name}"
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC))
        syscalls.attach_tree(tree, path)
        os.close(tree)
    for name, target in _LINKS.items():
        os.symlink(target, f"/dev/{name}")


def _replace(path: str, text: str) -> None:
    """Show another text where a file is; where none is, nothing asks for it."""
    if not os.path.exists(path):
        return
    own = _STASH + path.replace("/", "-")
    os.makedirs(_STASH, exist_ok=True)
    with open(own, "w", encoding="utf-8") as file:
        file.write(text)
    syscalls.mount(own, path, flags=MS_BIND)
