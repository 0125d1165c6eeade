"""Makes the namespaces of a lab, waits for the end of all that is in them, and ends then.

The runner starts it as a process of its own, since only a process with one thread may enter a user
namespace. It imports little: a lab waits for it.
"""

import contextlib
import os
import resource
import signal
import socket

from peerlab.backend.netns import control, syscalls
from peerlab.backend.netns.init import LabInit, StageFailed, stage

FIRST_USER = 2_000_000_000
"""Where the lab is made by root its programs run as a user of the lab's own, from this number on.

Two labs share none, so they share no limits either; and nobody gives such numbers to people or
containers (systemd's "Users, Groups, UIDs and GIDs" lists the range as unused).
"""

_PROCESSES = 4096
_FILES = 1024  # what Linux gives by default, and select(2) can take
_NAMESPACES = (
    syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWPID
    | syscalls.CLONE_NEWUTS
    | syscalls.CLONE_NEWIPC
)


def main(descriptor: int) -> int:
    """Make a lab for the runner at the other end of a socket; return when nothing of it is left."""
    limits = _raise_limits()
    own = FIRST_USER + os.getpid()
    os.set_inheritable(descriptor, False)
    with socket.socket(fileno=descriptor) as runner:
        try:
            _enter_namespaces(own)
            with stage("process"):
                pid = os.fork()
        except StageFailed as failed:
            control.send(runner, failed.as_message())
            while control.receive(runner) is not None:
                pass  # whoever hangs up on unread requests takes the answer away
            return 1
        if pid == 0:
            syscalls.die_with_parent(signal.SIGKILL)
            user, group = (os.getuid(), os.getgid()) if os.getuid() else (own, own)
            LabInit(runner, user, group, limits).serve()
            os._exit(0)
    os.waitpid(pid, 0)
    return 0


def _raise_limits() -> dict[int, int]:
    """Let the lab have as many files open as it may, and return the limits for its programs."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    return {
        resource.RLIMIT_NOFILE: _FILES if files < 0 else min(_FILES, files),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: _PROCESSES if processes < 0 else min(_PROCESSES, processes),
    }


def _enter_namespaces(own: int) -> None:
    """Enter fresh namespaces; an ordinary user has the right to in a user namespace of his own.

    Only one user and one group are mapped, each to itself: that needs neither newuidmap(1) nor an
    entry in /etc/subuid. A root that has no other users, as in a user namespace of its own, is
    such an ordinary user, too, and gets the number of the lab's own.
    """
    syscalls.leave_keyring()
    user, group = os.getuid(), os.getgid()
    if user or not (_has(own, "uid_map") and _has(own, "gid_map")):
        with stage("user namespace"):
            syscalls.unshare(syscalls.CLONE_NEWUSER)
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{user or own} {user} 1")
            _write("/proc/self/gid_map", f"{group or own} {group} 1")
            # What a program can gain in a user namespace of its own it does not need.
            with contextlib.suppress(OSError):  # read-only in a container
                _write("/proc/sys/user/max_user_namespaces", "0")
    with stage("namespaces"):
        syscalls.unshare(_NAMESPACES)


def _has(number: int, kind: str) -> bool:
    """Whether the user namespace that this is in has a user, or group, of that number."""
    try:
        with open(f"/proc/self/{kind}", encoding="ascii") as file:
            ranges = [[int(field) for field in line.split()] for line in file]
    except FileNotFoundError:
        return True  # the kernel has no user namespaces
    return any(first <= number < first + count for first, _, count in ranges)


def _write(path: str, text: str) -> None:
    """Write to a file of the kernel's, where it has that."""
    with contextlib.suppress(FileNotFoundError), open(path, "w", encoding="ascii") as file:
        file.write(text)
