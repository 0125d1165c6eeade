"""The programs that scenarios can name without saying where they are."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import peerlab
from peerlab.errors import UsageError
from peerlab.scenario.model import Scenario

SERVICES = Path(peerlab.__file__).resolve().parent.parent / "services"
"""The chat system that peerlab comes with, beside the package."""


def known_programs(overrides: Iterable[str] = ()) -> dict[str, Path]:
    """Names of programs and where their files are: the shipped ones, then `NAME=FILE` overrides.

    Raises:
        UsageError: an override is not of that form, or its file is not there.
    """
    shipped = {path.parent.name: path for path in sorted(SERVICES.glob("*/program.yaml"))}
    return shipped | overriding(overrides)


def overriding(overrides: Iterable[str]) -> dict[str, Path]:
    """The names and files of `NAME=FILE` overrides.

    Raises:
        UsageError: one is not of that form, or its file is not there.
    """
    programs = {}
    for override in overrides:
        name, equals, file = override.partition("=")
        if not (name and equals and file):
            raise UsageError(f"got --program {override!r}, expected NAME=FILE")
        if not Path(file).is_file():
            raise UsageError(f"no program file {file!r} for the program {name!r}")
        programs[name] = Path(file)
    return programs


def refuse_unused(given: Mapping[str, Path], scenarios: Iterable[Scenario]) -> None:
    """Refuse overrides of programs that no node of any scenario runs.

    Else somebody's program would be graded that was never played. Where others are used it is well:
    one call may be for scenarios of several kinds.

    Raises:
        UsageError: none of them is used.
    """
    used = {name for scenario in scenarios for name in scenario.programs}
    if given and used.isdisjoint(given):
        hint = f"programs here are: {', '.join(sorted(used))}"
        names = ", ".join(repr(name) for name in given)
        raise UsageError(f"no node runs the program {names} of --program", hint=hint)
