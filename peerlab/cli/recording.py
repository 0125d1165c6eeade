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
from peerlab.checks.verdict import Outcome
from peerlab.cli.common import BACKEND, PROGRAM, reports_errors
from peerlab.errors import ExitStatus, LabError, UsageError
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from peerlab.scenario.values import variable_of

if TYPE_CHECKING:  # brings along everything that plays a scenario
    from peerlab.backend.base import Backend
    from peerlab.checks.result import Result
    from peerlab.cli.console import Console
    from peerlab.evidence.journal import Event
    from peerlab.evidence.reading import Evidence
    from peerlab.play import Stop
    from peerlab.record.base import Base
    from peerlab.record.recordings import Recording

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
    from peerlab.cli.console import Console  # noqa: PLC0415 - keeps the other commands quick
    from peerlab.record.recordings import recordings, write_atomically  # noqa: PLC0415

    _require_writable(out, force=force)
    with tempfile.TemporaryDirectory(prefix="peerlab-record-") as scratch, ExitStack() as stack:
        base = _base(nodes, like, title, out, overrides, Path(scratch))
        console = Console()
        backends = Backends(backend, console.say)
        stack.callback(backends.close)
        chosen = backends.choose([base.scenario])
        seed = randbits(32)
        held = _hold(base, chosen, Path(scratch), seed, directory, console)
        recorded = list(recordings(base, held.events, held.hidden, held.delivery))
        if recorded and not (held.interrupted or held.error or no_replay):
            return _prove(recorded, out, chosen, seed, overrides, console)
        if recorded:
            write_atomically(out, recorded[0].text)
            console.say(f"recorded {recorded[0].steps} steps into {out}; it was not replayed")
            _say_needs(recorded[0], overrides, console)
        else:
            console.say("nothing was done, so nothing is written")
    if held.error is not None:
        raise held.error
    if held.interrupted:
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
    interrupted: bool
    error: LabError | None


def _hold(
    base: "Base",
    backend: "Backend",
    scratch: Path,
    seed: int,
    directory: Path | None,
    console: "Console",
) -> _Held:
    from peerlab.cli.console import Interruption  # noqa: PLC0415
    from peerlab.record.place import default_directory, own_place  # noqa: PLC0415
    from peerlab.record.recordings import count_messages  # noqa: PLC0415
    from peerlab.record.seats import Seats  # noqa: PLC0415
    from peerlab.record.session import hold_session  # noqa: PLC0415

    observer = console.observer(base.scenario)
    interruption = Interruption()
    events: list[Event] = []
    hidden: Mapping[str, Sequence[str]] = {}
    error: LabError | None = None
    evidence: Evidence | None = None
    with own_place(directory or default_directory(os.environ)) as socket:
        try:
            with (
                interruption,
                hold_session(base.scenario, backend, scratch, seed, observer) as session,
            ):
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
    return _Held(events, hidden, delivery, interruption.came, error)


def _prove(
    recorded: Sequence["Recording"],
    out: Path,
    backend: "Backend",
    seed: int,
    overrides: Sequence[str],
    console: "Console",
) -> ExitStatus:
    """Write the scenario and play it; the first way to tell the session that passes counts."""
    from peerlab.record.recordings import write_atomically  # noqa: PLC0415
    from peerlab.report import text  # noqa: PLC0415
    from peerlab.session import Interrupted  # noqa: PLC0415

    told = shown = ""
    for recording in recorded:
        write_atomically(out, recording.text)
        told = f"recorded {recording.steps} steps into {out}"
        try:
            result = _replay(recording, out, backend, seed, overrides)
        except Interrupted:
            console.say(f"{told}; it was not replayed")
            return ExitStatus.INTERRUPTED
        outcome = result.verdict.outcome
        if outcome is Outcome.PASSED:
            console.say(f"{told}; it replays: passed ({result.seconds:.1f} s)")
            _say_needs(recording, overrides, console)
            return ExitStatus.PASSED
        shown = "\n".join([text.run_line(result), *text.explanation(result)])
        if recording is not recorded[-1]:
            console.say(f"{shown}\ntold with actions it does not pass; without them:")
    console.say(f"{told}; its replay does not pass:\n{shown}")
    _say_needs(recording, overrides, console)
    return ExitStatus.FAILED


def _replay(
    recording: "Recording", out: Path, backend: "Backend", seed: int, overrides: Sequence[str]
) -> "Result":
    from peerlab.play import play  # noqa: PLC0415
    from peerlab.session import play_all  # noqa: PLC0415

    def play_one(scenario: Scenario, stop: "Stop") -> "Result":
        return play(
            scenario,
            backend,
            Path("runs"),
            stop=stop,
            seed=seed,
            secret_values=recording.secrets,
        )

    scenario = load_scenario(out, programs=known_programs(overrides))
    results: list[Result] = []
    play_all([scenario], play_one, jobs=1, done=results.append)
    return results[0]


def _say_needs(recording: "Recording", overrides: Sequence[str], console: "Console") -> None:
    """What the next replay has to be given, which the file does not have."""
    if recording.secrets:
        variables = ", ".join(variable_of(name) for name in recording.secrets)
        console.say(
            f"a replay needs the secrets that were typed: {variables} in the environment, or "
            "`peerlab run --secret NAME=FILE`"
        )
    if overrides:
        options = " ".join(f"--program {override}" for override in overrides)
        console.say(f"a replay needs the same programs: peerlab run {options}")
