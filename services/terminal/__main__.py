"""Run a program and offer its terminal: `python -m services.terminal --socket FILE -- PROGRAM`."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from services.display import escape, write_flushed
from services.process import prepare_streams, stop_on_signals
from services.settings import reason
from services.terminal.program import Program
from services.terminal.terminal import Terminal


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM, SIGINT, SIGHUP or SIGQUIT; return the exit status."""
    options = argparse.ArgumentParser(
        prog="terminal", description=__doc__.partition(":")[0], allow_abbrev=False
    )
    options.add_argument(
        "--socket", type=Path, required=True, metavar="FILE", help="where the lab connects"
    )
    options.add_argument("--pty", action="store_true", help="run it on a pseudo-terminal")
    options.add_argument("program", nargs="+", metavar="PROGRAM", help="and its arguments")
    given = options.parse_args(argv)
    path: Path = given.socket
    with stop_on_signals() as stop:
        try:
            listener = listen(path)
        except OSError as error:
            complaint = f"terminal: cannot listen on {escape(str(path))}: {reason(error)}\n"
            write_flushed(sys.stderr, complaint)
            return 1
        with listener, closing(Program(given.program, on_pty=given.pty)) as program:
            try:
                Terminal(program, listener, about_this_node()).run(stop)
            finally:
                path.unlink(missing_ok=True)
    return 0


def listen(path: Path) -> socket.socket:
    """Listen on a Unix socket for this user alone, in the place of one left behind there.

    Raises:
        OSError: the directory is not there or may not be written to, or the path is too long.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(fresh))
        fresh.chmod(0o600)
        listener.listen()
        listener.settimeout(0)
        fresh.replace(path)
    except OSError:
        listener.close()
        fresh.unlink(missing_ok=True)
        raise
    return listener


def about_this_node() -> dict[str, str]:
    """Return the name of this host and the address that it has on its network."""
    hostname = socket.gethostname()
    try:
        ip = socket.gethostbyname(hostname)
    except OSError:
        ip = "127.0.0.1"  # a host without a network
    return {"ip": ip, "hostname": hostname}


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:]))
