"""What the commands share: arguments, options, and how errors are told."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial, wraps
from pathlib import Path
from typing import NamedTuple, NoReturn, ParamSpec

import click

from peerlab.backends import CHOICES
from peerlab.checks.result import Result
from peerlab.checks.verdict import worst
from peerlab.errors import ExitStatus, LabError, MachineUnfit, PeerlabError, Unread, UsageError
from peerlab.evidence.folder import find_runs
from peerlab.evidence.pack import unpacked
from peerlab.programs import known_programs, overriding, refuse_unused
from peerlab.report.escape import escape
from peerlab.report.formats import FORMATS, Targets
from peerlab.scenario.load import find_scenarios, load_scenario
from peerlab.scenario.model import Scenario
from peerlab.scenario.source import ScenarioError

P = ParamSpec("P")

PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
PROGRAM = click.option(
    "--program",
    "overrides",
    multiple=True,
    metavar="NAME=FILE",
    help="Play another implementation: use this program file for the program NAME.",
)
BACKEND = click.option(
    "--backend",
    type=click.Choice(CHOICES),
    default="auto",
    help="What nodes are made of; auto: containers, and where there is no engine, namespaces.",
)
WRITE = click.option(
    "--write",
    "targets",
    multiple=True,
    metavar="FORMAT=FILE",
    help=f"Write the results for machines: {', '.join(FORMATS)}; FILE -: standard output.",
)
SECRET = click.option(
    "--secret",
    "secret_files",
    multiple=True,
    metavar="NAME=FILE",
    help="The first line of the file is the value of the secret NAME.",
)


def _printable(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None and not (name.strip() and name.isprintable()):
        raise click.BadParameter("expected a name that can be printed")
    return name


SUBMISSION = click.option(
    "--submission",
    metavar="NAME",
    callback=_printable,
    help="Whose program is played, for the results.",
)
INTERRUPTED = PeerlabError("interrupted: not everything was played to its end")
"""What formats are told after Ctrl-C."""


def targets_of(texts: Sequence[str]) -> Targets:
    """What `--write` asks for.

    Raises:
        UsageError: it asks for what cannot be.
    """
    return Targets(texts, partial(click.echo, nl=False))


def reports_errors(command: Callable[P, ExitStatus]) -> Callable[P, NoReturn]:
    """End with the status that the command returns, and tell errors in one message."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> NoReturn:
        try:
            status = command(*args, **kwargs)
        except PeerlabError as error:
            status = tell(error)
        except KeyboardInterrupt:
            status = ExitStatus.INTERRUPTED
        except OSError as error:
            status = tell(cannot_go_on(error))
        except RuntimeError as error:
            if "start new thread" not in str(error):
                raise
            hint = "raise the limit of processes and threads (`ulimit -u`)"
            status = tell(MachineUnfit("this machine lets no more threads start", hint=hint))
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


def cannot_go_on(error: OSError) -> PeerlabError:
    """What an error of the system means here: the disk is full, or nobody reads what is printed."""
    if isinstance(error, BrokenPipeError):
        return Unread("nobody reads what is printed any more")
    return LabError(f"cannot go on: {error}")


def tell(error: PeerlabError) -> ExitStatus:
    """Print an error; problems of scenarios have their own form.

    That nobody reads is for nobody's eyes: whoever stopped reading knows.
    """
    if isinstance(error, Unread):
        return error.exit_status
    shown = escape(str(error))
    if not isinstance(error, ScenarioError):
        shown = f"peerlab: {shown}"
    with suppress(OSError):  # nobody may be there to be told
        click.echo(shown, err=True)
    return error.exit_status


class Voice:
    """Tells people of one thing after another, and goes on when nobody can be told any more.

    Attributes:
        unheard: why that is, as when a pipe was closed; None: all was told.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        """Tell nothing at all if that is to be quiet."""
        self.unheard: PeerlabError | None = None
        self._quiet = quiet

    def say(self, told: str) -> None:
        """Print it."""
        if self._quiet or self.unheard is not None:
            return
        try:
            click.echo(told)
        except OSError as error:
            self.unheard = cannot_go_on(error)


def load(paths: Sequence[Path], overrides: Sequence[str]) -> list[Scenario]:
    """Load every scenario, or report the problems of all of them at once.

    Raises:
        ScenarioError: a scenario is wrong.
        UsageError: there is none, or an override is of no program in them.
    """
    programs, instead = known_programs(), overriding(overrides)
    scenarios: list[Scenario] = []
    problems: list[ScenarioError] = []
    for path in find_scenarios(paths or [Path("scenarios")]):
        try:
            scenarios.append(load_scenario(path, programs=programs, instead=instead))
        except ScenarioError as error:
            problems.append(error)
    if problems:
        found = [diagnostic for problem in problems for diagnostic in problem.diagnostics]
        raise ScenarioError(list(dict.fromkeys(found)))  # a program's problems only once
    refuse_unused(instead, scenarios)
    return scenarios


class FoundRun(NamedTuple):
    """The evidence of one run.

    Attributes:
        folder: where it is while the command works on it.
        origin: what people call it: the folder, or the packed file that it was in.
    """

    folder: Path
    origin: Path


@contextmanager
def evidence_folders(paths: Sequence[Path]) -> Iterator[list[FoundRun]]:
    """The runs that paths name, in this order; packed ones are unpacked as long as the context.

    A path is the folder of a run, a packed run, or a directory with such folders below it.

    Raises:
        UsageError: there is no run in one of them.
    """
    hint = "name the folder of a run, a file made by `peerlab pack`, or a directory of such folders"
    with ExitStack() as stack:
        found: list[FoundRun] = []
        for path in paths:
            if not path.exists():
                raise UsageError(f"there is no {path}", hint=hint)
            packed = path.is_file()
            runs = find_runs(stack.enter_context(unpacked(path)) if packed else path)
            if not runs:
                raise UsageError(f"found no evidence of a run in {path}", hint=hint)
            if packed and len(runs) > 1:
                raise UsageError(
                    f"{path} holds {len(runs)} runs", hint="unpack it, and name its directory"
                )
            found += [FoundRun(run, path if packed else run) for run in runs]
        yield found


@contextmanager
def about(run: FoundRun) -> Iterator[None]:
    """Tell errors of a run by the name that people know, and evidence that is odd as an error.

    Raises:
        UsageError: the evidence cannot be read, or is not as this version writes it.
    """
    try:
        yield
    except PeerlabError as error:
        if run.origin == run.folder:
            raise
        raise UsageError(str(error).replace(str(run.folder), str(run.origin))) from None
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{run.origin} is not the evidence of a run as this version has it ({told})"
        ) from error


def status_of(results: Sequence[Result]) -> ExitStatus:
    """What the command ends with: the worst of the outcomes, or why a lab broke."""
    broken = [result.error for result in results if result.error is not None]
    outcome = worst([result.verdict.outcome for result in results])
    if broken and outcome.exit_status is not ExitStatus.FAILED:
        return broken[0].exit_status
    return outcome.exit_status
