"""The `peerlab` command: run, validate, list, doctor, clean."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, ParamSpec

import click

from peerlab import __version__
from peerlab.backends import CHOICES, WIRES, Backends
from peerlab.checks.verdict import worst
from peerlab.errors import ExitStatus, LabError, MachineUnfit, PeerlabError
from peerlab.programs import known_programs
from peerlab.report.escape import escape, escape_line
from peerlab.scenario.load import find_scenarios, load_scenario
from peerlab.scenario.model import Scenario
from peerlab.scenario.program import load_program
from peerlab.scenario.source import ScenarioError

if TYPE_CHECKING:  # brings along everything that plays a scenario
    from peerlab.play import Observer, Result, Stop

P = ParamSpec("P")

_PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
_PROGRAM = click.option(
    "--program",
    "overrides",
    multiple=True,
    metavar="NAME=FILE",
    help="Play another implementation: use this program file for the program NAME.",
)


def _reports_errors(command: Callable[P, ExitStatus]) -> Callable[P, NoReturn]:
    """End with the status that the command returns, and tell errors in one message."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> NoReturn:
        try:
            status = command(*args, **kwargs)
        except PeerlabError as error:
            status = _tell(error)
        except KeyboardInterrupt:
            status = ExitStatus.INTERRUPTED
        except OSError as error:  # the disk is full, or nobody reads what is printed
            status = _tell(LabError(f"cannot go on: {error}"))
        except RuntimeError as error:
            if "start new thread" not in str(error):
                raise
            hint = "raise the limit of processes and threads (`ulimit -u`)"
            status = _tell(MachineUnfit("this machine lets no more threads start", hint=hint))
        _leave(status)

    return wrapper


def _leave(status: ExitStatus) -> NoReturn:
    """End with the status, even if nobody reads what was printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(status)


def _tell(error: PeerlabError) -> ExitStatus:
    """Print an error; problems of scenarios have their own form, and are escaped already."""
    shown = str(error)
    if not isinstance(error, ScenarioError):
        shown = f"peerlab: {escape(shown)}"
    with suppress(OSError):  # nobody may be there to be told
        click.echo(shown, err=True)
    return error.exit_status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Play scenarios with real programs on a real network, and judge what happened.

    Exit status: 0 passed, 1 failed, 2 bad usage or scenario, 3 unknown, 4 this machine cannot run
    it, 5 the lab broke, 130 Ctrl-C.
    """


@main.command()
@_PATHS
@_PROGRAM
@click.option(
    "--backend",
    type=click.Choice(CHOICES),
    default="auto",
    help="What nodes are made of; auto: containers, and where there is no engine, namespaces.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, help="Runs at the same time.")
@click.option("--repeat", type=click.IntRange(1), default=1, help="Play each so many times.")
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
@click.option("--keep", is_flag=True, help="Leave the nodes running; `peerlab clean` ends them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--follow", is_flag=True, help="Print transcripts as they happen, run by run.")
@_reports_errors
def run(
    *,
    paths: Sequence[Path],
    overrides: Sequence[str],
    backend: str,
    jobs: int,
    repeat: int,
    out: Path,
    capture: bool,
    seed: int | None,
    wire: str,
    keep: bool,
    as_json: bool,
    follow: bool,
) -> ExitStatus:
    """Play scenarios: files, or directories of them (default: scenarios/)."""
    from peerlab.play import play  # noqa: PLC0415 - keeps the other commands quick
    from peerlab.report import text  # noqa: PLC0415
    from peerlab.session import Interrupted, play_all  # noqa: PLC0415

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # end in order, as after Ctrl-C
    began = time.monotonic()
    results: list[Result] = []
    error: PeerlabError | None = None
    interrupted = False
    try:
        scenarios = _load(paths, overrides) * repeat
        with ExitStack() as stack:
            observer, say = _observer(stack, follow=follow, quiet=as_json)
            backends = Backends(backend, say, keep=keep, captures=capture)
            stack.callback(backends.close)
            chosen = backends.choose(scenarios)

            def done(result: "Result") -> None:
                results.append(result)
                if not as_json:
                    say("\n".join([text.run_line(result), *text.explanation(result)]))

            # The transcripts of several runs in one would be nobody's.
            jobs = 1 if follow else jobs

            def play_one(scenario: Scenario, stop: "Stop") -> "Result":
                return play(
                    scenario,
                    chosen,
                    out,
                    observer=observer,
                    stop=stop,
                    captures=capture,
                    seed=seed,
                    native=wire == "native",
                )

            results = play_all(scenarios, play_one, jobs=jobs, done=done)
    except Interrupted:
        interrupted = True
    except PeerlabError as raised:
        error = raised
    # A terminal that is closed interrupts, too: then nobody is there to read.
    with suppress(OSError) if interrupted else nullcontext():
        if as_json:
            click.echo(json.dumps(text.as_json(results, error), ensure_ascii=False))
        elif len(results) > 1:
            click.echo(text.summary(results, time.monotonic() - began))
    if error is not None:
        raise error
    return ExitStatus.INTERRUPTED if interrupted else _status(results)


@main.command()
@_PATHS
@_PROGRAM
@_reports_errors
def validate(*, paths: Sequence[Path], overrides: Sequence[str]) -> ExitStatus:
    """Check scenarios without starting anything."""
    scenarios = _load(paths, overrides)
    click.echo(f"{len(scenarios)} scenarios are valid" if len(scenarios) > 1 else "valid")
    return ExitStatus.PASSED


@main.command("list")
@_PATHS
@_PROGRAM
@_reports_errors
def list_scenarios(*, paths: Sequence[Path], overrides: Sequence[str]) -> ExitStatus:
    """List scenarios with their titles."""
    scenarios = _load(paths, overrides)
    names = [escape_line(scenario.name) for scenario in scenarios]
    width = max(len(name) for name in names)
    for name, scenario in zip(names, scenarios, strict=True):
        nodes = f"{len(scenario.nodes)} nodes"
        click.echo(f"{name:{width}}  {nodes:>9}  {escape_line(scenario.title)}")
    return ExitStatus.PASSED


@main.command()
@_reports_errors
def doctor() -> ExitStatus:
    """Look whether this machine can run labs, and say what helps where it cannot."""
    from peerlab.doctor import examine, usable_backends  # noqa: PLC0415

    symptoms = []
    for symptom in examine():
        symptoms.append(symptom)
        shown = escape(symptom.message)
        click.echo(f"{'ok' if symptom.well else 'NOT OK':6}  {symptom.about}: {shown}")
        if not symptom.well and symptom.remedy is not None:
            click.echo(f"        {symptom.remedy}")
    backends = usable_backends(symptoms)
    click.echo(f"labs run here with the backend: {' or '.join(backends) or 'none'}")
    return ExitStatus.PASSED if backends else ExitStatus.MACHINE_UNFIT


@main.command()
@_PROGRAM
@_reports_errors
def images(*, overrides: Sequence[str]) -> ExitStatus:
    """Build the images of programs that are missing or older than their sources."""
    from peerlab.backend.docker.engine import connect  # noqa: PLC0415
    from peerlab.backend.docker.images import Images  # noqa: PLC0415
    from peerlab.backend.docker.lab import WIRE_BUILD, WIRE_IMAGE  # noqa: PLC0415

    built = Images(connect(), click.echo)
    for name, path in known_programs(overrides).items():
        program = load_program(name, path)
        if program.image is None:
            click.echo(f"{name}: names no image")
            continue
        click.echo(f"{program.image}  {built.resolve(program)}")
    click.echo(f"{WIRE_IMAGE}  {built.built(WIRE_IMAGE, WIRE_BUILD)}")
    return ExitStatus.PASSED


@main.command()
@click.option("--all", "everything", is_flag=True, help="Also end runs that are under way.")
@_reports_errors
def clean(*, everything: bool) -> ExitStatus:
    """Remove what runs left behind: kept nodes, and those of runners that are dead."""
    from peerlab.backend.docker.lab import clean as clean_docker  # noqa: PLC0415

    there, left = clean_docker(everything=everything)
    for found in there:
        click.echo(f"{'could not remove' if found in left else 'removed'} {found}")
    if not there:
        click.echo("nothing to remove")
    return ExitStatus.LAB_BROKE if left else ExitStatus.PASSED


def _load(paths: Sequence[Path], overrides: Sequence[str]) -> list[Scenario]:
    """Load every scenario, or report the problems of all of them at once."""
    programs = known_programs(overrides)
    scenarios: list[Scenario] = []
    problems: list[ScenarioError] = []
    for path in find_scenarios(paths or [Path("scenarios")]):
        try:
            scenarios.append(load_scenario(path, programs=programs))
        except ScenarioError as error:
            problems.append(error)
    if problems:
        found = [diagnostic for problem in problems for diagnostic in problem.diagnostics]
        raise ScenarioError(list(dict.fromkeys(found)))  # a program's problems only once
    return scenarios


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


def _status(results: "Sequence[Result]") -> ExitStatus:
    broken = [result.error for result in results if result.error is not None]
    outcome = worst([result.verdict.outcome for result in results])
    if broken and outcome.exit_status is not ExitStatus.FAILED:
        return broken[0].exit_status
    return outcome.exit_status
