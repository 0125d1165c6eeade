"""A folder for what a recording keeps while it lasts. Those of dead processes are removed."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "peerlab-record-"
_UNLOCKED: Final = "peerlab-new-"


@contextmanager
def own_scratch(parent: Path) -> Iterator[Path]:
    """Have a folder that is its owner's alone, as long as the context lasts and the process lives.

    Args:
        parent: the directory that it is made in, such as that of temporary files.
    """
    fresh = Path(tempfile.mkdtemp(prefix=_UNLOCKED, dir=parent))
    lock = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now it has the name by which it is found: nobody takes it for left behind.
        folder = fresh.rename(fresh.with_name(fresh.name.replace(_UNLOCKED, _PREFIX, 1)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def sweep_scratch(parent: Path) -> list[Path]:
    """Remove the user's folders whose processes are dead; tells which."""
    return [
        folder
        for folder in sorted(parent.glob(f"{_PREFIX}*"))
        if _is_own(folder) and _removed(folder)
    ]


def _is_own(folder: Path) -> bool:
    with suppress(OSError):
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return False


def _removed(folder: Path) -> bool:
    """Remove a folder unless a process holds it."""
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(lock)
        return True
    return False
