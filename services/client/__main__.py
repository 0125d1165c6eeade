"""Run the chat client: `python -m services.client --host 127.0.0.1 --port 12345`."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.channel import Codec, TlsError
from services.client.client import Client, Options
from services.client.keyboard import Keyboard
from services.client.peer import KEPT
from services.client.redial import BackOff
from services.client.screen import Screen
from services.client.session import Session
from services.client.signalling import Signalling
from services.display import escape, write_flushed
from services.process import find_libraries, prepare_streams, stop_on_signals
from services.settings import Settings, reason

if TYPE_CHECKING:
    from services.client.seals import Seals

LIMITS: dict[str, tuple[float, float, float]] = {
    "server_silence": (4.5, 0.1, 3600),
    "retry_first": (0.5, 0.01, 3600),
    "retry_most": (8.0, 0.01, 3600),
    "keep_open": (15.0, 0.1, 3600),
}
"""Seconds: default, lowest and highest value, as docs/protocol.md lists them."""


def _chance() -> float:
    # The module random would make every start last longer.
    return int.from_bytes(os.urandom(4)) / 2**32


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Connect and chat; return the exit status."""
    settings = Settings("client", __doc__, environ)
    settings.option(
        "stay",
        default=False,
        action="store_true",
        help="go on after the server has gone; also CHAT_STAY=1",
    )
    settings.option(
        "plain",
        default=False,
        action="store_true",
        help="do nothing about NATs; also CHAT_PLAIN=1",
    )
    settings.option(
        "trace",
        default=False,
        action="store_true",
        help="a line per datagram on stderr; also CHAT_TRACE=1",
    )
    for name, (default, _, _) in LIMITS.items():
        settings.limit(name, default)
    settings.option(
        "media-dir",
        default=environ.get("CHAT_MEDIA_DIR") or None,
        help="write what is heard into this directory; also CHAT_MEDIA_DIR",
    )
    settings.file(
        "tls-ca", "speak TLS, with a server whose certificate one in this file vouches for"
    )
    given = settings.read(argv)
    numbers = {
        name: settings.number(given, name, lowest, highest, whole=False)
        for name, (_, lowest, highest) in LIMITS.items()
    }
    port = settings.port(given.port, lowest=1)
    stay = settings.switch("CHAT_STAY") or given.stay
    plain = settings.switch("CHAT_PLAIN") or given.plain
    trace = settings.switch("CHAT_TRACE") or given.trace
    tls = _read_authority(settings, given.tls_ca, given.host)
    try:
        signalling = Signalling.connect(given.host, port, tls.secure)
    except (OSError, UnicodeError, TlsError) as error:
        why = f"the server {error}" if isinstance(error, TlsError) else reason(error)
        write_flushed(
            sys.stderr, f"client: cannot connect to {escape(given.host)}:{port}: {escape(why)}\n"
        )
        return 1
    back_off = BackOff(numbers["retry_first"], numbers["retry_most"], _chance)
    options = Options(
        back_off,
        numbers["server_silence"],
        given.media_dir,
        numbers["keep_open"],
        tls.make_seals,
    )
    session = Session(
        lambda: os.urandom(8).hex(),
        lambda: round(time.time(), 3),
        stay=stay,
        plain=plain,
        sealed=tls.make_seals is not None,
    )
    with stop_on_signals() as stop:
        screen = Screen(sys.stdout, sys.stderr, trace=trace, stop=stop)
        keyboard = Keyboard(sys.stdin.fileno())
        return Client(signalling, session, keyboard, screen, options).run(stop)


class _Tls(NamedTuple):
    """What makes the client's end of TLS, and what seals messages; None if all is in clear."""

    secure: Callable[[], Codec] | None = None
    make_seals: "Callable[[Callable[[], None]], Seals] | None" = None


def _read_authority(settings: Settings, authority: str | None, host: str) -> _Tls:
    if authority is None:
        return _Tls()
    find_libraries()
    with settings.reading_for_tls(repr(authority)):
        # These modules would make every start last longer.
        from services.client.seals import Seals  # noqa: PLC0415
        from services.tls import Tls, client_context  # noqa: PLC0415

        context = client_context(authority)
    return _Tls(lambda: Tls(context, host), lambda wake: Seals(wake, os.urandom, KEPT))


if __name__ == "__main__":
    prepare_streams()
    # Until the dialogue begins there is nothing to end in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except KeyboardInterrupt:
        sys.exit(0)
