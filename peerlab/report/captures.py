"""The captures of a run, to download from its page: what is in each, and where it is."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from peerlab.evidence.files import read_file
from peerlab.evidence.folder import CAPTURES

MOST_EMBEDDED: Final = 2_000_000
"""Bytes of captures, together, that the page has in itself."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture to download: its name, what is in it, its size in bytes, and where it is."""

    name: str
    about: str
    size: int
    link: str


def read_captures(folder: Path, beside: Path) -> Iterator[Capture]:
    """The captures: in the page where they are small together, else where they lie."""
    files = sorted(file for file in (folder / CAPTURES).glob("*.pcap") if file.is_file())
    sizes = [file.stat().st_size for file in files]
    embedded = sum(sizes) <= MOST_EMBEDDED
    for file, size in zip(files, sizes, strict=True):
        if embedded:
            content = base64.b64encode(read_file(file, MOST_EMBEDDED)).decode()
            link = f"data:application/vnd.tcpdump.pcap;base64,{content}"
        else:
            link = relative_link(file, beside)
        yield Capture(file.name, _captured(file), size, link)


def _captured(file: Path) -> str:
    """What is in a capture, in words."""
    node = file.stem.removesuffix("-wire")
    if node != file.stem and file.with_name(f"{node}.pcap").exists():
        return "what the wire made of it"
    return f"what {file.stem} sent and got"


def relative_link(file: Path, beside: Path) -> str:
    """The address of a file, as a page in that directory names it."""
    return quote(Path(os.path.relpath(file.resolve(), beside.resolve())).as_posix())
