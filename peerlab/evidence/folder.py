"""Writes the folder of a run: `runs/<scenario>/<run id>/` and the link `latest` beside it."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

from peerlab.errors import UsageError

JOURNAL = "journal.jsonl"
SCENARIO = "scenario.yaml"
VERDICT = "verdict.json"
PROGRAMS = "programs"
NODES = "nodes"
CAPTURES = "captures"
LATEST = "latest"


class Folder:
    """One run's evidence while it is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls, out: Path, scenario: str, run_id: str, text: str, programs: Mapping[str, str]
    ) -> Self:
        """Make the folder, with the scenario as it is played and the files of its programs.

        Raises:
            UsageError: the folder cannot be made.
        """
        parent = out / scenario
        path = parent / run_id
        try:
            (path / NODES).mkdir(parents=True)
            (path / SCENARIO).write_text(text, encoding="utf-8")
            (path / PROGRAMS).mkdir()
            for name, program in programs.items():
                (path / PROGRAMS / f"{name}.yaml").write_text(program, encoding="utf-8")
            _link(parent / LATEST, run_id)
        except OSError as error:
            raise UsageError(
                f"cannot write the evidence to {path}: {error.strerror}",
                hint="name a directory that you may write to with --out",
            ) from error
        return cls(path)

    @property
    def journal(self) -> Path:
        """Where the journal is."""
        return self.path / JOURNAL

    def open_log(self, node: str) -> BinaryIO:
        """Open the file for the verbatim output of a node, unbuffered: a killed run leaves it."""
        return (self.path / NODES / f"{node}.log").open("wb", buffering=0)

    def open_capture(self, node: str) -> BinaryIO:
        """Open the file for the frames that a node sent and received."""
        (self.path / CAPTURES).mkdir(exist_ok=True)
        return (self.path / CAPTURES / f"{node}.pcap").open("wb")

    def write_verdict(self, verdict: dict[str, Any]) -> None:
        """Write the verdict."""
        text = json.dumps(verdict, indent=2, ensure_ascii=False) + "\n"
        (self.path / VERDICT).write_text(text, encoding="utf-8")


def _link(link: Path, target: str) -> None:
    """Point the link to the run, in one step; runs at the same time may race: the last one wins."""
    fresh = link.with_name(f".latest-{target}")
    with contextlib.suppress(OSError):  # not every file system has links
        fresh.symlink_to(target)
        fresh.replace(link)


def find_runs(directory: Path) -> list[Path]:
    """The folders of runs in a directory, sorted, or the directory itself if it is one.

    Links such as `latest` are not followed: each run is found once. What is hidden is none, such as
    one that `remove_run` was kept from removing whole.
    """
    found = []
    for path, below, files in os.walk(directory):
        if JOURNAL in files:
            found.append(Path(path))
            below.clear()
        below[:] = [name for name in below if not name.startswith(".")]
    return sorted(found)


def remove_run(folder: Path) -> None:
    """Remove the folder of a run, and the link `latest` if it leads there.

    Raises:
        OSError: it cannot be removed.
    """
    link = folder.with_name(LATEST)
    with contextlib.suppress(OSError):  # there is none
        if link.readlink() == Path(folder.name):
            link.unlink()
    # In one step for whoever looks: what is removed halfway is no evidence.
    gone = folder.with_name(f".removed-{folder.name}")
    folder.rename(gone)
    shutil.rmtree(gone)
