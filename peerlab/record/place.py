"""Where the socket of a recording is: in a directory that is its owner's alone."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from peerlab.errors import UsageError

_SOCKET: Final = "lab.sock"
_LOCK: Final = "lab.lock"
LONGEST_PATH: Final = 100
"""Bytes that the path of a Unix socket can have on every system."""


def default_directory(environ: Mapping[str, str]) -> Path:
    """The directory of the user's one lab."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "peerlab"
    return Path(tempfile.gettempdir()) / f"peerlab-{os.getuid()}"


def socket_path(directory: Path) -> Path:
    """The socket in that directory.

    Raises:
        UsageError: its path is too long for a socket.
    """
    path = directory / _SOCKET
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise UsageError(
            f"the path {str(path)!r} is too long for a socket",
            hint="give a shorter directory with --socket DIR",
        )
    return path


@contextmanager
def own_place(directory: Path) -> Iterator[Path]:
    """Have the directory for one recording; gives the path for its socket, where none is.

    Raises:
        UsageError: another recording has it, or it is not private, or cannot be made.
    """
    path = socket_path(directory)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_private(directory)
        lock = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"cannot use the directory {str(directory)!r}: {reason}",
            hint="give another one with --socket DIR",
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"another recording is under way in {str(directory)!r}",
                hint="end it, or give this one a directory with --socket DIR",
            ) from None
        path.unlink(missing_ok=True)  # left by one that was killed
        yield path
        with suppress(OSError):
            path.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _require_private(directory: Path) -> None:
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise UsageError(f"{str(directory)!r} is not a directory")
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise UsageError(
            f"the directory {str(directory)!r} is not yours alone",
            hint=f"`chmod 700 {directory}`, or give another one with --socket DIR",
        )
