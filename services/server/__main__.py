"""Run the signalling server: `python -m services.server --host 0.0.0.0 --port 12345`."""

import os
import socket
import sys
from collections.abc import Mapping, Sequence

from services.display import escape
from services.process import prepare_streams, stop_on_signals
from services.server.console import Console
from services.server.limits import offer_limits, read_limits
from services.server.server import BACKLOG, Server
from services.settings import Settings, reason


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    settings = Settings("server", __doc__, environ)
    settings.option(
        "password-file",
        default=None,
        metavar="FILE",
        help="file that holds the password; also CHAT_PASSWORD_FILE",
    )
    offer_limits(settings)
    given = settings.read(argv)
    limits = read_limits(settings, given)
    port = settings.port(given.port, lowest=0)
    password = settings.password(given.password_file)
    console = Console(sys.stdout, sys.stderr)
    with stop_on_signals() as stop, socket.socket() as listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((given.host, port))
            listener.listen(BACKLOG)
        except (OSError, UnicodeError) as error:
            console.complain(f"cannot listen on {escape(given.host)}:{port}: {reason(error)}")
            return 1
        host, port = listener.getsockname()
        console.say(f"Server listening on {host}:{port}")
        Server(listener, password, console, limits).serve(stop)
    return 0


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:], os.environ))
