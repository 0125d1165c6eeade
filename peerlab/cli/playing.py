"""Commands about scenarios: run, validate, list."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from peerlab.backends import WIRES, Backends
from peerlab.checks.result import Result
from peerlab.cli.common import (
    BACKEND,
    INTERRUPTED,
    PATHS,
    PROGRAM,
    SECRET,
    SUBMISSION,
    WRITE,
    cannot_go_on,
    load,
    reports_errors,
    status_of,
    targets_of,
)
from peerlab.cli.reporting import write_pages
from peerlab.errors import ExitStatus, NotJudged, PeerlabError, Unread
from peerlab.evidence.unplayed import forget_unplayed, note_unplayed
from peerlab.report.escape import escape_line
from peerlab.scenario.model import Scenario
from peerlab.secret_values import find_secrets

if TYPE_CHECKING:  # brings along everything that plays a scenario
    from peerlab.play import Observer, Stop


@click.command()
@PATHS
@PROGRAM
@BACKEND
@click.option("--jobs", type=click.IntRange(1, 64), default=1, help="Runs at the same time.")
@click.option(
    "--repeat",
    type=click.IntRange(1),
    default=1,
    help="Play each so many times, and tell what varied.",
)
@click.option(
    "--discard-passed",
    is_flag=True,
    help="Remove the evidence of runs that passed, but for the first of each scenario.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where evidence goes."
)
@click.option("--capture", is_flag=True, help="Capture what passes between the nodes (pcap).")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Let the network decide as in the run that had this seed.",
)
@click.option(
    "--wire",
    type=click.Choice(WIRES),
    default="userspace",
    help="native: the kernel's netem does what it can of what is done to the network.",
)
@SECRET
@click.option("--keep", is_flag=True, help="Leave the nodes running; `peerlab clean` ends them.")
@click.option("--report", is_flag=True, help="Write a page to look at (HTML) for each run.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--follow", is_flag=True, help="Print transcripts as they happen, run by run.")
@SUBMISSION
@WRITE
@reports_errors
def run(
    *,
    paths: Sequence[Path],
    overrides: Sequence[str],
    backend: str,
    jobs: int,
    repeat: int,
    discard_passed: bool,
    out: Path,
    capture: bool,
    seed: int | None,
    wire: str,
    secret_files: Sequence[str],
    keep: bool,
    report: bool,
    as_json: bool,
    follow: bool,
    submission: str | None,
    targets: Sequence[str],
) -> ExitStatus:
    """Play scenarios: files, or directories of them (default: scenarios/)."""
    from peerlab.cli.telling import Telling  # noqa: PLC0415
    from peerlab.play import play  # noqa: PLC0415 - keeps the other commands quick
    from peerlab.session import Interrupted, play_all  # noqa: PLC0415

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # end in order, as after Ctrl-C
    written = targets_of([*targets, "json=-"] if as_json else targets)
    telling = Telling(repeat, quiet=written.quiet, discard_passed=discard_passed)
    error: PeerlabError | None = None
    interrupted = False
    try:
        scenarios = load(paths, overrides)
        secrets = find_secrets(scenarios, os.environ, secret_files)
        with ExitStack() as stack:
            observer, say = _observer(stack, follow=follow, quiet=written.quiet)
            backends = Backends(backend, say, keep=keep, captures=capture)
            stack.callback(backends.close)
            chosen = backends.choose(scenarios)

            # The transcripts of several runs in one would be nobody's.
            jobs = 1 if follow else jobs

            def play_one(scenario: Scenario, stop: "Stop") -> Result:
                return play(
                    scenario,
                    chosen,
                    out,
                    observer=observer,
                    stop=stop,
                    captures=capture,
                    seed=seed,
                    native=wire == "native",
                    submission=submission,
                    given=overrides,
                    secret_values=secrets,
                )

            runs = telling.begin(scenarios, say)
            play_all(runs, play_one, jobs=jobs, done=telling.done)
    except Interrupted:
        interrupted = True
    except PeerlabError as raised:
        error = raised
    except OSError as failure:
        error = cannot_go_on(failure)
    told = error if submission is None else _noted(submission, error, telling.results, out)
    # A terminal that is closed interrupts, too: then nobody is there to read.
    unread = interrupted or isinstance(error, Unread)
    with suppress(OSError) if unread else nullcontext():
        written.write(telling.results, INTERRUPTED if interrupted else told, telling.tallies)
        if not written.quiet:
            telling.conclude()
        if report:
            write_pages(telling.results, out)
    if error is not None:
        raise error
    return ExitStatus.INTERRUPTED if interrupted else status_of(telling.results)


@click.command()
@PATHS
@PROGRAM
@reports_errors
def validate(*, paths: Sequence[Path], overrides: Sequence[str]) -> ExitStatus:
    """Check scenarios without starting anything."""
    scenarios = load(paths, overrides)
    click.echo(f"{len(scenarios)} scenarios are valid" if len(scenarios) > 1 else "valid")
    return ExitStatus.PASSED


@click.command("list")
@PATHS
@PROGRAM
@reports_errors
def list_scenarios(*, paths: Sequence[Path], overrides: Sequence[str]) -> ExitStatus:
    """List scenarios with their titles."""
    scenarios = load(paths, overrides)
    names = [escape_line(scenario.name) for scenario in scenarios]
    width = max(len(name) for name in names)
    for name, scenario in zip(names, scenarios, strict=True):
        nodes = f"{len(scenario.nodes)} nodes"
        click.echo(f"{name:{width}}  {nodes:>9}  {escape_line(scenario.title)}")
    return ExitStatus.PASSED


def _noted(
    submission: str, error: PeerlabError | None, results: Sequence[Result], out: Path
) -> PeerlabError | None:
    """Note who could not be played at all, for `peerlab check`; what formats are told of that."""
    if results:
        forget_unplayed(out, submission)
    if results or error is None:
        return error
    with suppress(OSError):  # what is wrong is told in any case
        note_unplayed(out, submission, str(error))
    return NotJudged({submission: str(error)})


def _observer(
    stack: ExitStack, *, follow: bool, quiet: bool
) -> tuple["Observer | None", Callable[[str], None]]:
    """Who watches the runs, and how to say a line without getting in its way."""
    if quiet:
        return None, lambda line: click.echo(line, err=True)
    if follow or sys.stdout.isatty():
        from peerlab.report.live import Follower, Progress, Screen  # noqa: PLC0415

        console = Screen(highlight=False, soft_wrap=True)

        def say(line: str) -> None:
            console.print(line, markup=False)

        if follow:
            return Follower(console).observe, say
        progress = Progress(console)
        stack.enter_context(progress.live)
        return progress.observe, say
    return None, click.echo
