"""The command record."""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import randbits
from typing import TYPE_CHECKING

import click

from peerlab.backends import Backends
from peerlab.cli.common import BACKEND, PROGRAM, reports_errors
from peerlab.errors import ExitStatus, LabError, UsageError
from peerlab.programs import known_programs

if TYPE_CHECKING:  # brings along everything that plays a scenario
    from peerlab.backend.base import Backend
    from peerlab.cli.console import Console, Interruption
    from peerlab.evidence.journal import Event
    from peerlab.evidence.reading import Evidence
    from peerlab.record.base import Base

SOCKET = click.option(
    "--socket",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The directory of the lab's socket (default: one for each user).",
)


@click.command()
@click.argument("nodes", nargs=-1, metavar="[NAME=PROGRAM]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The scenario that is written.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take title, nodes, network and programs from another scenario.",
)
@click.option("--title", help="What the scenario shows, in one line.")
@PROGRAM
@BACKEND
@SOCKET
@click.option("--no-replay", is_flag=True, help="Do not play the scenario once it is written.")
@reports_errors
def record(
    *,
    nodes: Sequence[str],
    out: Path,
    force: bool,
    like: Path | None,
    title: str | None,
    overrides: Sequence[str],
    backend: str,
    directory: Path | None,
    no_replay: bool,
) -> ExitStatus:
    """Let people type into a lab, and write what they do as a scenario.

    They sit down with `peerlab join NODE` in other terminals. In this one `NODE: TEXT` types a
    line at a node; /kill, /interrupt, /eof, /pause, /resume and /secret are for one node; /done or
    Ctrl-D ends the session. Then the scenario is written and played.

    Exit status: 0 it passes, 1 it does not; others as those of `peerlab`.
    """
    from peerlab.cli.console import Console, Interruption  # noqa: PLC0415 - others stay quick
    from peerlab.cli.proving import prove, say_needs, told  # noqa: PLC0415
    from peerlab.record.recordings import recordings, write_atomically  # noqa: PLC0415
    from peerlab.record.scratch import own_scratch, sweep_scratch  # noqa: PLC0415

    _require_writable(out, force=force)
    temporary = Path(tempfile.gettempdir())
    sweep_scratch(temporary)
    with (
        Console() as console,
        Interruption() as interruption,
        own_scratch(temporary) as scratch,
        ExitStack() as stack,
    ):
        base = _base(nodes, like, title, out, overrides, scratch)
        backends = Backends(backend, console.say)
        stack.callback(backends.close)
        chosen = backends.choose([base.scenario])
        seed = randbits(32)
        held = _hold(
            *(base, chosen, scratch, seed, directory), console=console, interruption=interruption
        )
        recorded = list(recordings(base, held.events, held.hidden, held.delivery))
        if not recorded:
            console.say("nothing was done, so nothing is written")
        else:
            write_atomically(out, recorded[0].text)  # while no interruption can prevent it
            if not (held.error or no_replay) and interruption.release():
                return prove(
                    *(recorded, base, chosen, seed, overrides),
                    console=console,
                    interruption=interruption,
                )
            console.say(f"{told(recorded[0], out)}; it was not replayed")
            say_needs(recorded[0], base, overrides, console)
        if held.error is not None:
            raise held.error
        if interruption.came:
            return ExitStatus.INTERRUPTED
        return ExitStatus.PASSED if recorded else ExitStatus.USAGE


def _require_writable(out: Path, *, force: bool) -> None:
    """Look before people type for an hour."""
    if out.exists() and not force:
        raise UsageError(f"{str(out)!r} is there already", hint="--force overwrites it")
    if out.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{str(out)!r} is not a name of a scenario", hint="end it with .yaml")
    if not (out.parent.is_dir() and os.access(out.parent, os.W_OK)):
        raise UsageError(f"{str(out.parent)!r} is not a directory that you may write to")


def _base(
    nodes: Sequence[str],
    like: Path | None,
    title: str | None,
    out: Path,
    overrides: Sequence[str],
    scratch: Path,
) -> "Base":
    from peerlab.record.base import base_like, base_of_nodes  # noqa: PLC0415

    if bool(nodes) == (like is not None):
        raise UsageError(
            "got both nodes and --like" if nodes else "got neither nodes nor --like",
            hint="give either, such as `server=server alice=client`",
        )
    programs = known_programs(overrides)
    if like is not None:
        base = base_like(like, out, programs)
    else:
        base = base_of_nodes(nodes, out, programs, known_programs(), scratch)
    if title is None:
        return base
    if not title.strip() or len(title.splitlines()) > 1:
        raise UsageError(f"got the title {title!r}, expected one line of text")
    return replace(base, draft=replace(base.draft, title=title.strip()))


@dataclass(frozen=True, slots=True)
class _Held:
    """A session that is over."""

    events: Sequence["Event"]
    hidden: Mapping[str, Sequence[str]]
    delivery: Mapping[str, int] | None
    error: LabError | None


def _hold(
    base: "Base",
    backend: "Backend",
    scratch: Path,
    seed: int,
    directory: Path | None,
    *,
    console: "Console",
    interruption: "Interruption",
) -> _Held:
    from peerlab.record.place import default_directory, own_place  # noqa: PLC0415
    from peerlab.record.recordings import count_messages  # noqa: PLC0415
    from peerlab.record.seats import Seats  # noqa: PLC0415
    from peerlab.record.session import hold_session  # noqa: PLC0415

    observer = console.observer(base.scenario)
    events: list[Event] = []
    hidden: Mapping[str, Sequence[str]] = {}
    error: LabError | None = None
    evidence: Evidence | None = None
    with own_place(directory or default_directory(os.environ)) as socket:
        try:
            with hold_session(base.scenario, backend, scratch, seed, observer) as session:
                with Seats(session, socket, sys.stdin.fileno(), console) as seats:
                    interruption.await_(seats.end)
                    console.welcome(base.scenario, directory)
                    seats.serve()
                    events, hidden = session.close(), session.hidden
                error, evidence = session.error, session.evidence
        except LabError as broken:
            if not events:
                raise
            error = broken
    delivery = None if evidence is None else count_messages(evidence)
    return _Held(events, hidden, delivery, error)
