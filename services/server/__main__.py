"""Run the signalling server: `python -m services.server --host 0.0.0.0 --port 12345`."""

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence

from services.channel import Codec
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
    settings.file("tls-cert", "file with the certificate to show; all connections are in TLS then")
    settings.file("tls-key", "file with the key to that")
    offer_limits(settings)
    given = settings.read(argv)
    limits = read_limits(settings, given)
    port = settings.port(given.port, lowest=0)
    password = settings.password(given.password_file)
    secure = _read_certificate(settings, given.tls_cert, given.tls_key)
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
        server = Server(listener, password, console, limits, secure)
        console.say(f"Server listening on {host}:{port}")
        server.serve(stop)
    return 0


def _read_certificate(
    settings: Settings, certificate: str | None, key: str | None
) -> Callable[[], Codec] | None:
    """Return what makes the server's end of TLS for a connection, None if all is in clear."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        settings.fail("give both of --tls-cert and --tls-key, or none of them")
    with settings.reading_for_tls(f"{certificate!r} and {key!r}"):
        # The module ssl would make every start last longer.
        from services.tls import Tls, server_context  # noqa: PLC0415

        context = server_context(certificate, key)
    return lambda: Tls(context)


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:], os.environ))
