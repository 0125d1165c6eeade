"""Commands about this machine: doctor, images, clean."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from peerlab.cli.common import PROGRAM, reports_errors
from peerlab.errors import ExitStatus
from peerlab.programs import known_programs
from peerlab.report.escape import escape
from peerlab.scenario.program import load_program


@click.command()
@reports_errors
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


@click.command()
@PROGRAM
@reports_errors
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


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also end runs that are under way.")
@reports_errors
def clean(*, everything: bool) -> ExitStatus:
    """Remove what was left behind: kept nodes, and what is of dead runners and recordings."""
    from peerlab.backend.docker.lab import clean as clean_docker  # noqa: PLC0415
    from peerlab.record.scratch import sweep_scratch  # noqa: PLC0415

    folders = sweep_scratch(Path(tempfile.gettempdir()))
    for folder in folders:
        click.echo(f"removed {folder}")
    there, left = clean_docker(everything=everything)
    for found in there:
        click.echo(f"{'could not remove' if found in left else 'removed'} {found}")
    if not (there or folders):
        click.echo("nothing to remove")
    return ExitStatus.LAB_BROKE if left else ExitStatus.PASSED
