"""The `peerlab` command."""

import click

from peerlab import __version__
from peerlab.cli.comparing import diff, pack
from peerlab.cli.joining import join
from peerlab.cli.judging import check
from peerlab.cli.machine import clean, doctor, images
from peerlab.cli.playing import list_scenarios, run, validate
from peerlab.cli.recording import record
from peerlab.cli.reporting import report


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Play scenarios with real programs on a real network, and judge what happened.

    Exit status: 0 passed, 1 failed, 2 bad usage or scenario, 3 unknown, 4 this machine cannot run
    it, 5 the lab broke, 130 Ctrl-C, 141 nobody reads what is printed.
    """


_COMMANDS = (
    run,
    check,
    report,
    diff,
    pack,
    validate,
    list_scenarios,
    record,
    join,
    doctor,
    images,
    clean,
)
for command in _COMMANDS:
    main.add_command(command)
