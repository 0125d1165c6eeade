"""Packs the folder of a run into one file that can be sent around, and unpacks it again.

A packed file may come from anybody: nothing in it is believed before it was looked at.
"""

import os
import re
import shutil
import stat
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from peerlab.errors import UsageError
from peerlab.evidence.folder import JOURNAL
from peerlab.evidence.journal import Kind, read_journal

MAX_ENTRIES: Final = 10_000
"""How many files a packed run may have; one of 100 nodes with captures has about 300."""
MAX_SIZE: Final = 1 << 30
"""Bytes that all its files may have together once they are unpacked."""
MAX_NAME: Final = 240
"""Characters of a file's path in it: what every file system takes."""

_EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)
"""The first moment that a zip file can tell."""
_PART: Final = re.compile(r"(?!\.\.?$)[^\x00-\x1f\x7f<>:\"|?*\\/]*[^\x00-\x1f\x7f<>:\"|?*\\/. ]")
"""One name in a path that every file system takes as it is."""
_DEVICE: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that are no files on Windows."""

# The end of a zip file (PKWARE's APPNOTE, 4.3.16): entries, size and place of the directory.
_END: Final = struct.Struct("<4s4x2xHII2x")
_END_SIGN: Final = b"PK\x05\x06"
_LARGE_SIGN: Final = b"PK\x06\x07"
"""Stands before the end where a file is too large for it: such a one is never packed."""
_LARGE_END: Final = 20
_LONGEST_END: Final = _END.size + (1 << 16)
_ENTRY_BYTES: Final = 46 + 4 * MAX_NAME + 1024
"""What the directory of a zip file has of one entry, at most: see its section 4.3.12."""

_ENCRYPTED: Final = 0x1
_BROKEN: Final = (BadZipFile, EOFError, zlib.error, NotImplementedError, ValueError, OSError)


def pack(folder: Path, file: Path) -> list[Path]:
    """Pack the folder of a run into one file; the same folder always gives the same bytes.

    Returns:
        What was left out: everything but files and directories, such as links.

    Raises:
        UsageError: this is no folder of a run, too much for one file, or it cannot be written.
    """
    folder = folder.resolve()
    when = _began(folder)
    found = sorted(_below(folder))
    kept = {
        path: _entry(f"{folder.name}/{path.relative_to(folder).as_posix()}", when)
        for path in found
        if stat.S_ISREG(path.lstat().st_mode)
    }
    if len(kept) > MAX_ENTRIES or sum(path.lstat().st_size for path in kept) > MAX_SIZE:
        raise UsageError(f"{folder} is too large to be packed: {_bounds()}")
    for path, entry in kept.items():
        wrong = _wrong_with(entry, set())
        if wrong is not None:
            raise UsageError(f"cannot pack {path}: {wrong}", hint="call it something else")
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        try:
            with ZipFile(fresh, "w", ZIP_DEFLATED) as packed:
                for path, entry in kept.items():
                    with path.open("rb") as source, packed.open(entry, "w") as target:
                        shutil.copyfileobj(source, target)
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}",
            hint="name a file in a directory that you may write to with --out",
        ) from error
    return [path for path in found if path not in kept]


@contextmanager
def unpacked(file: Path) -> Iterator[Path]:
    """Unpack a file into a directory that is there as long as the context.

    Raises:
        UsageError: it is no packed run, broken, encrypted, too large, or has names in it that would
            lead out of the directory or mean something else elsewhere.
    """
    with tempfile.TemporaryDirectory(prefix="peerlab-") as directory:
        try:
            _check_end(file)
            with ZipFile(file) as packed:
                entries = packed.infolist()
                _check_entries(file, entries)
                for entry in entries:
                    if not entry.is_dir():
                        _extract(packed, entry, Path(directory))
        except _BROKEN as error:
            hint = "get it again, or let it be packed again with `peerlab pack`"
            raise UsageError(f"cannot unpack {file}: {error}", hint=hint) from error
        yield Path(directory)


def _began(folder: Path) -> datetime:
    """When the run began, as its journal tells."""
    try:
        first = next(read_journal(folder / JOURNAL), None)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} is not the evidence of a run: {error}") from error
    if first is None or first.kind is not Kind.RUN:
        raise UsageError(f"{folder} is not the evidence of a run: its journal does not begin")
    try:
        began = datetime.fromisoformat(str(first.detail.get("began")))
    except ValueError:
        return _EARLIEST
    return max(began.astimezone(UTC), _EARLIEST)


def _below(folder: Path) -> Iterator[Path]:
    """All that is in a folder but directories; links are not followed."""
    for directory, below, files in os.walk(folder):
        links = [name for name in below if (Path(directory) / name).is_symlink()]
        yield from (Path(directory) / name for name in [*files, *links])


def _entry(name: str, when: datetime) -> ZipInfo:
    """The head of a file in a packed run, the same on every system."""
    entry = ZipInfo(name, when.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    entry.create_system = 3  # Unix
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _check_end(file: Path) -> None:
    """Look how large the directory is before anything reads it whole.

    Raises:
        UsageError: this is no zip file, or its directory is larger than that of any packed run.
    """
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _LONGEST_END))
        tail = opened.read()
    place = tail.rfind(_END_SIGN)
    if place < 0 or len(tail) - place < _END.size:
        raise UsageError(
            f"{file} is no packed run", hint="`peerlab pack` makes one of an evidence folder"
        )
    _, entries, directory, _ = _END.unpack_from(tail, place)
    large = tail[max(0, place - _LARGE_END) : place].startswith(_LARGE_SIGN)
    if entries > MAX_ENTRIES or directory > MAX_ENTRIES * _ENTRY_BYTES or large:
        raise _too_large(file)


def _check_entries(file: Path, entries: list[ZipInfo]) -> None:
    """Refuse names and kinds of entries that no packed run has.

    Raises:
        UsageError: there is one.
    """
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_SIZE:
        raise _too_large(file)
    known: set[str] = set()
    for entry in entries:
        entry.filename = entry.orig_filename  # the whole name: zipfile drops what follows a NUL
        wrong = _wrong_with(entry, known)
        if wrong is not None:
            hint = "take no file from whom you do not trust; `peerlab pack` makes none like this"
            raise UsageError(f"{file} is not safe to unpack: {entry.filename!r} {wrong}", hint=hint)
        known.add(entry.filename.casefold())


def _wrong_with(entry: ZipInfo, known: set[str]) -> str | None:
    """Why an entry is not unpacked; `known` are the names before it, without regard to case."""
    parts = entry.filename.removesuffix("/").split("/")
    ways = {"/".join(parts[:number]).casefold() for number in range(1, len(parts))}
    sayings = {
        "is no path that leads to the same place everywhere": not all(map(_is_plain, parts)),
        f"is longer than {MAX_NAME} characters": len(entry.filename) > MAX_NAME,
        "is in the way of another entry": known & {entry.filename.casefold(), *ways},
        "is neither a file nor a directory": stat.S_IFMT(entry.external_attr >> 16)
        not in {0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG},
        "is encrypted": entry.flag_bits & _ENCRYPTED,
        "is compressed in another way than `peerlab pack` does": entry.compress_type
        not in {ZIP_STORED, ZIP_DEFLATED},
    }
    return next((saying for saying, holds in sayings.items() if holds), None)


def _is_plain(part: str) -> bool:
    return bool(_PART.fullmatch(part)) and not _DEVICE.fullmatch(part)


def _extract(packed: ZipFile, entry: ZipInfo, directory: Path) -> None:
    """Unpack one file. It never becomes larger than its entry says: no more than that is read."""
    path = directory / entry.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, path.open("xb") as target:
        shutil.copyfileobj(source, target)


def _bounds() -> str:
    return f"at most {MAX_ENTRIES} files and {MAX_SIZE >> 20} MiB"


def _too_large(file: Path) -> UsageError:
    message = f"{file} is too large to be unpacked: {_bounds()}"
    return UsageError(
        message, hint="it is no packed run, or one with captures of very much traffic"
    )
