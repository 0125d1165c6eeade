"""Opens the files of evidence, which may come from anybody."""

import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

MOST_BYTES: Final = 1 << 30
"""Bytes that a file of evidence may have to be read whole."""

# Without O_NONBLOCK, opening a pipe would wait for its other end. Not every system has all of them.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_file(path: Path, most: int | None = MOST_BYTES) -> BinaryIO:
    """Open a file to read it. It never waits or goes on for ever, as a pipe or a device would.

    Raises:
        OSError: it cannot be opened, is no regular file, or has more bytes than `most`.
    """
    handle = os.open(path, _FLAGS)
    wrong = _wrong_with(os.fstat(handle), most)
    if wrong is not None:
        os.close(handle)
        raise OSError(f"{path} {wrong}")
    return os.fdopen(handle, "rb")


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """What is in a file.

    Raises:
        OSError: as of `open_file`.
    """
    with open_file(path, most) as file:
        return file.read()


def _wrong_with(about: os.stat_result, most: int | None) -> str | None:
    if not stat.S_ISREG(about.st_mode):
        return "is not a regular file"
    if most is not None and about.st_size > most:
        return f"has {about.st_size} bytes, expected no more than {most}"
    return None
