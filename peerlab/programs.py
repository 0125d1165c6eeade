"""The programs that scenarios can name without saying where they are."""

from collections.abc import Iterable
from pathlib import Path

import peerlab
from peerlab.errors import UsageError

SERVICES = Path(peerlab.__file__).resolve().parent.parent / "services"
"""The chat system that peerlab comes with, beside the package."""


def known_programs(overrides: Iterable[str] = ()) -> dict[str, Path]:
    """Names of programs and where their files are: the shipped ones, then `NAME=FILE` overrides.

    Raises:
        UsageError: an override is not of that form, or its file is not there.
    """
    programs = {path.parent.name: path for path in sorted(SERVICES.glob("*/program.yaml"))}
    for override in overrides:
        name, equals, file = override.partition("=")
        if not (name and equals and file):
            raise UsageError(f"got --program {override!r}, expected NAME=FILE")
        if not Path(file).is_file():
            raise UsageError(f"no program file {file!r} for the program {name!r}")
        programs[name] = Path(file)
    return programs
