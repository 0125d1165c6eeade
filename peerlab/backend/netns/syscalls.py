"""System calls about namespaces and mounts that Python 3.11 does not offer.

See unshare(2), setns(2), mount(2), open_tree(2), move_mount(2), mount_setattr(2), prctl(2).
Everything raises OSError with the errno of the call.
"""

import ctypes
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY = 1

# The same on every architecture: all calls since Linux 5.2 share one table.
_NR_OPEN_TREE = 428
_NR_MOVE_MOUNT = 429
_NR_MOUNT_SETATTR = 442

# keyctl(2) is older than the shared table.
_NR_KEYCTL = {"x86_64": 250, "aarch64": 219}
_KEYCTL_JOIN_SESSION_KEYRING = 1

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move the caller into fresh namespaces; with CLONE_NEWPID its next children."""
    _checked(_libc.unshare(flags))


def setns(namespace: int, kind: int) -> None:
    """Move the caller into the namespace behind a file descriptor."""
    _checked(_libc.setns(namespace, kind))


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system, or bind one place to another."""
    arguments = (os.fsencode(text) for text in (source, target, kind))
    _checked(_libc.mount(*arguments, ctypes.c_ulong(flags), options.encode()), target)


def clone_tree(path: str) -> int:
    """Return a file descriptor for a copy of the mounts at a path, attached nowhere yet."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _checked(_libc.syscall(_NR_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags), path)


def attach_tree(tree: int, target: str) -> None:
    """Attach what clone_tree returned."""
    arguments = (tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)
    _checked(_libc.syscall(_NR_MOVE_MOUNT, *arguments), target)


def make_read_only(path: str) -> None:
    """Make a mount and everything mounted below it read-only (Linux 5.12)."""
    attributes = struct.pack("=QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    arguments = (_AT_FDCWD, os.fsencode(path), _AT_RECURSIVE, attributes, len(attributes))
    _checked(_libc.syscall(_NR_MOUNT_SETATTR, *arguments), path)


def die_with_parent(signal: int) -> None:
    """Have the kernel send the caller this signal when its parent ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0))


def forbid_new_privileges() -> None:
    """Let no program that the caller runs gain privileges, set-user-ID ones included."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def leave_keyring() -> None:
    """Leave the session keyring of whoever started this, with its keys, for an empty one."""
    number = _NR_KEYCTL.get(os.uname().machine)
    if number is not None:
        _libc.syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None)  # a kernel without keys says no


def _checked(result: int, path: str | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result
